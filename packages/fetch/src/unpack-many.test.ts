import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { errorOf, temporaryDirectory, treeLines } from '../test/scene.ts'
import { type TarMember, tarOf } from '../test/tar-block.ts'
import { unpackArchive } from './unpack-archive.ts'
import { unpackMany } from './unpack-many.ts'

test('threads give the tree that the order of the list gives', async (context) => {
  const directory = temporaryDirectory(context)
  const files = Array.from({ length: 12 }, (_, index) => {
    const members: TarMember[] = [
      { name: 'lib/', type: '5' },
      { name: `lib/own-${index}`, contents: 'x'.repeat(300_000) },
      { name: 'shared', contents: String(index) },
      { name: `d${index % 3}/`, type: '5', mode: 0o500 + index },
      { name: `d${index % 3}/f`, contents: String(index), mode: 0o750 },
      { name: `d${index % 3}/h${index}`, type: '1', target: `d${index % 3}/f` },
      index % 2 === 0 ? { name: 'turn', type: '2', target: 'shared' } : { name: 'turn', contents: 'file' },
    ]
    const file = join(directory, `${index}.tar`)
    writeFileSync(file, tarOf(...members))
    return file
  })
  for (const name of ['one', 'many']) {
    mkdirSync(join(directory, name, 'usr/lib'), { recursive: true })
    symlinkSync('usr/lib', join(directory, name, 'lib'))
  }
  const options = { keepDirectorySymlinks: true, keepTimes: true }
  for (const file of files) await unpackArchive(file, join(directory, 'one'), options)
  const seen: number[] = []
  const result = await unpackMany(files, join(directory, 'many'), {
    ...options,
    parallel: 3,
    onProgress: ({ archives }) => seen.push(archives),
  })
  assert.deepEqual(treeLines(join(directory, 'many')), treeLines(join(directory, 'one')))
  assert.deepEqual(
    seen,
    files.map((_, index) => index + 1),
  )
  assert.equal(result.entries, 12 * 7)
})

test('an error of one archive stops the rest, and leaves no work behind', async (context) => {
  const directory = temporaryDirectory(context)
  const good = join(directory, 'good.tar')
  const bad = join(directory, 'bad.tar')
  writeFileSync(good, tarOf({ name: 'a', contents: 'x'.repeat(3_000_000) }))
  writeFileSync(bad, tarOf({ name: '../a' }))
  const error = await errorOf(() => unpackMany([good, bad, good], join(directory, 'out')))
  assert.equal(error.code, 'ARCHIVE_UNSAFE')
  assert.match(error.hint ?? '', /archive/)
  assert.deepEqual(
    readdirSync(join(directory, 'out')).filter((name) => name !== 'a'),
    [],
  )
})
