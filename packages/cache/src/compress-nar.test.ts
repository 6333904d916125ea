import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatHash } from '@baryon/format'
import { dumpNar } from '@baryon/store'
import { temporaryDirectory } from '@baryon/testing'
import { compressNar } from './compress-nar.ts'

const MEBIBYTE = 1 << 20

for (const compression of ['zstd', 'gzip'] as const) {
  test(`${compression}: blocks that become nothing, blocks that grow, and a rest`, async (t) => {
    const directory = temporaryDirectory(t)
    const tree = join(directory, 'tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'a'), Buffer.alloc(19 * MEBIBYTE))
    writeFileSync(join(tree, 'b'), randomBytes(19 * MEBIBYTE))
    writeFileSync(join(tree, 'c'), Buffer.alloc(9 * MEBIBYTE, 'text '))
    const nar: Buffer[] = []
    dumpNar(tree, (chunk) => nar.push(Buffer.from(chunk)))

    const chunks: Buffer[] = []
    const result = await compressNar(tree, compression, undefined, (chunk) => chunks.push(Buffer.from(chunk)))
    const file = Buffer.concat(chunks)
    const archive = Buffer.concat(nar)
    const program = compression === 'zstd' ? ['zstd', '-dc', '--memory=8MB'] : ['gzip', '-dc']
    const unpacked = execFileSync(program[0]!, program.slice(1), { input: file, maxBuffer: 2 ** 30 })
    assert.ok(unpacked.equals(archive))
    assert.deepEqual([result.narSize, result.fileSize], [archive.length, file.length])
    assert.equal(formatHash(result.narHash, 'base16', false), sha256(archive))
    assert.equal(formatHash(result.fileHash, 'base16', false), sha256(file))
    assert.ok(file.length < 20 * MEBIBYTE, `${file.length} bytes`)
    // What Node shares among small buffers is still whole.
    assert.equal(Buffer.from('a small buffer').toString(), 'a small buffer')
  })
}

test('a small tree is one small frame', async (t) => {
  const tree = join(temporaryDirectory(t), 'file')
  writeFileSync(tree, 'x'.repeat(100))
  const chunks: Buffer[] = []
  const { narSize, fileSize } = await compressNar(tree, 'zstd', 19, (chunk) => chunks.push(Buffer.from(chunk)))
  const file = Buffer.concat(chunks)
  assert.equal(execFileSync('zstd', ['-dc'], { input: file }).length, narSize)
  assert.ok(fileSize < 150 && fileSize === file.length)
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
