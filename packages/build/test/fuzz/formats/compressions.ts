/** Compressed streams, made by the programs that everybody uses. */
import { spawnSync } from 'node:child_process'
import { crc32 } from 'node:zlib'
import { decompress } from '@baryon/fetch'
import type { Format } from '../format.ts'

export const compressions: readonly Format[] = [
  compression('gzip', ['gzip', '-c'], ['gzip', '-1c']),
  compression('bzip2', ['bzip2', '-c'], ['bzip2', '-1c']),
  { ...compression('xz', ['xz', '-c'], ['xz', '-0', '-c', '--check=crc32']), mend: mendXz },
  {
    ...compression('xz', ['xz', '-c', '--check=sha256'], ['xz', '-c', '--check=sha256', '--block-size=500']),
    name: 'xz-sha256',
    mend: mendXz,
  },
  compression(
    'zstd',
    ['zstd', '-c'],
    ['zstd', '-19', '-c', '--no-check'],
    ['zstd', '--ultra', '-22', '--long=27', '-c'],
  ),
]

function compression(name: 'gzip' | 'bzip2' | 'xz' | 'zstd', ...commands: readonly (readonly string[])[]): Format {
  return {
    name,
    samples: () => commands.flatMap((command) => CONTENTS.map((contents) => run(command, contents))),
    read: async (bytes) => {
      for await (const chunk of decompress(pieces(bytes), name)) void chunk
    },
  }
}

const CONTENTS = [
  '',
  'text '.repeat(50),
  Buffer.from(Array.from({ length: 1500 }, (_, index) => (index * index * 31) & 255)),
]

function run([command, ...args]: readonly string[], input: string | Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync(command!, args, { input })
  if (status !== 0) throw new Error(`${command}: ${stderr}`)
  return stdout
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 300) yield bytes.subarray(start, start + 300)
}

/** The header of the stream and that of its first block, which nobody would get past otherwise. */
function mendXz(bytes: Buffer): void {
  if (bytes.length < 13) return
  bytes.writeUInt32LE(crc32(bytes.subarray(6, 8)), 8)
  const size = (bytes[12]! + 1) * 4
  if (12 + size <= bytes.length && size > 4)
    bytes.writeUInt32LE(crc32(bytes.subarray(12, 12 + size - 4)), 12 + size - 4)
}
