/** Archives, unpacked to a directory that nothing may leave. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readDebControl, unpackArchive } from '@baryon/fetch'
import { type Tree, writeTree } from '@baryon/testing'
import type { Format } from '../format.ts'

const TREE: Tree = {
  entries: {
    file: 'text\n'.repeat(30),
    program: { file: '#!/bin/sh\n', mode: 0o755 },
    empty: { entries: {} },
    directory: { entries: { link: { symlink: '../file' }, below: 'x'.repeat(600) } },
    [`${'long-'.repeat(40)}name`]: { entries: { [`${'long-'.repeat(40)}name`]: 'long' } },
  },
}
const WORDS = [
  '../',
  '../../sentinel',
  '/',
  './',
  '..',
  '\0',
  'directory/link/x',
  'ustar\0' + '00',
  'ustar  \0',
  '30 path=../../sentinel\n',
  'PK\x01\x02',
  'PK\x05\x06',
  '!<arch>\n',
  'GNU.sparse.major=1',
]

export const archives: readonly Format[] = [
  archive('tar', (directory) => TAR_KINDS.map((kind) => tar(directory, kind)), mendTar),
  archive('tar.gz', (directory) => [tar(directory, ['--format=gnu', '-z'])]),
  archive('zip', (directory) => [zip(directory, ['-ry']), zip(directory, ['-ry0'])]),
  archive('deb', debs),
]

const TAR_KINDS = [
  ['--format=gnu'],
  ['--format=pax'],
  ['--format=ustar', '--exclude=long*'],
  ['--format=v7', '--exclude=long*'],
  ['--format=gnu', '--sparse'],
  ['--format=pax', '--sparse'],
]

function archive(name: string, make: (directory: string) => Uint8Array[], mend?: (bytes: Buffer) => void): Format {
  return {
    name,
    writes: true,
    words: WORDS,
    ...(mend === undefined ? {} : { mend }),
    samples: (directory) => {
      writeTree(`${directory}/tree`, TREE)
      return make(directory)
    },
    read: async (bytes, directory) => {
      writeFileSync(`${directory}/archive`, bytes)
      // Both ways of treating links, by the bytes' own choice.
      const keepDirectorySymlinks = (bytes.at(-1) ?? 0) % 2 === 0
      const options = { keepDirectorySymlinks, keepTimes: true, maximumSize: 1 << 24 }
      await unpackArchive(`${directory}/archive`, `${directory}/tree`, options)
      if (name === 'deb') await readDebControl(`${directory}/archive`)
    },
  }
}

function tar(directory: string, options: readonly string[]): Uint8Array {
  return run(directory, ['tar', ...options, '-cf', '-', '-C', 'tree', '.'])
}

function zip(directory: string, options: readonly string[]): Uint8Array {
  rmSync(`${directory}/tree.zip`, { force: true })
  run(`${directory}/tree`, ['zip', '-q', ...options, '../tree.zip', '.'])
  return readFileSync(`${directory}/tree.zip`)
}

function debs(directory: string): Uint8Array[] {
  const control = 'Package: fuzz\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: fuzz\n'
  writeTree(`${directory}/tree/DEBIAN`, { entries: { control } })
  return ['none', 'gzip', 'xz'].map((compression) => {
    run(directory, ['dpkg-deb', '--root-owner-group', `-Z${compression}`, '-b', 'tree', 'out.deb'])
    return readFileSync(`${directory}/out.deb`)
  })
}

function run(cwd: string, [command, ...args]: readonly string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(command!, args, { cwd, maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** The checksums of what look like headers. */
function mendTar(bytes: Buffer): void {
  for (let start = 0; start + 512 <= bytes.length; start += 512) {
    const header = bytes.subarray(start, start + 512)
    if (header.every((byte) => byte === 0)) continue
    header.fill(0x20, 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }
}
