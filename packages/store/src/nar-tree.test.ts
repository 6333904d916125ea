import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createNarWriter, formatHash } from '@baryon/format'
import { arbitraryTree, peer, readTree, type Tree, temporaryDirectory, writeTree } from '@baryon/testing'
import * as fc from 'fast-check'
import { dumpNar, hashPath, restoreNar } from './nar-tree.ts'

const nixStore = peer('nix-store')
const nixHash = peer('nix-hash')

function dump(path: string | Buffer): Buffer {
  const chunks: Uint8Array[] = []
  const size = dumpNar(path, (chunk) => chunks.push(Buffer.from(chunk)))
  const bytes = Buffer.concat(chunks)
  assert.equal(bytes.length, size)
  return bytes
}

test('dump, restore, dump gives the same bytes and tree', (t) => {
  const directory = temporaryDirectory(t)
  let count = 0
  fc.assert(
    fc.property(arbitraryTree, (tree) => {
      const source = join(directory, `source-${++count}`)
      const copy = join(directory, `copy-${count}`)
      writeTree(source, tree)
      const nar = dump(source)
      restoreNar(copy, [nar.subarray(0, 100), nar.subarray(100)])
      assert.deepEqual(readTree(copy), readTree(source))
      assert.deepEqual(dump(copy), nar)
    }),
    { numRuns: 60 },
  )
})

test('dumps the bytes that Nix dumps', { skip: nixStore.skip }, (t) => {
  const home = temporaryDirectory(t)
  fc.assert(
    fc.property(arbitraryTree, (tree) => {
      const path = join(temporaryDirectory(t), 'tree')
      writeTree(path, tree)
      assert.equal(nixStore.run(['--dump', path], { home }).stdout, dump(path).toString('latin1'))
    }),
    { numRuns: 15 },
  )
})

test('contents of any size leave the rest in its place', { skip: nixStore.skip }, (t) => {
  const home = temporaryDirectory(t)
  const path = join(home, 'tree')
  mkdirSync(path)
  // Around the words of an archive, what is copied into the buffer of the writer, that buffer, and what is read at once.
  for (const limit of [8, 8192, 65536, 262144]) {
    for (let size = limit - 9; size <= limit + 9; size++) {
      if (size < 0) continue
      const name = `${size}`.padEnd(size % 61, 'n')
      writeFileSync(join(path, name), Buffer.alloc(size, name))
    }
  }
  const dumped = nixStore.run(['--dump', path], { home }).stdout
  assert.ok(dumped.length > 19 * (8192 + 65536 + 262144))
  // Not compared as strings: a difference would print them.
  assert.ok(dumped === dump(path).toString('latin1'))
})

test('hashes as nix-hash does', { skip: nixHash.skip }, (t) => {
  const home = temporaryDirectory(t)
  const path = join(home, 'file')
  writeFileSync(path, 'contents of a file\n')
  for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512'] as const) {
    for (const method of ['flat', 'recursive'] as const) {
      const expected = nixHash.output(
        [...(method === 'flat' ? ['--flat'] : []), '--base32', '--type', algorithm, path],
        { home },
      )
      assert.equal(formatHash(hashPath(path, algorithm, { method }).hash, 'nix32', false), expected)
    }
  }
})

test('a large file streams', (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'large')
  execFileSync('truncate', ['-s', '300M', path])
  const before = process.memoryUsage().rss
  assert.equal(hashPath(path).size, 300 * 1024 * 1024 + 112)
  assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024)
})

test('names that are not UTF-8, and a top that is a file or a link', (t) => {
  const directory = temporaryDirectory(t)
  for (const [index, tree] of (
    [
      { entries: { '\xff\xfe': 'x', '\xc3\xa9': 'y', ' \n': 'z' } },
      'file',
      { symlink: '/nowhere\xff' },
    ] satisfies Tree[]
  ).entries()) {
    const source = Buffer.from(`${directory}/\xe9-${index}`, 'latin1')
    const copy = Buffer.from(`${directory}/\xff-${index}`, 'latin1')
    writeTree(source, tree)
    restoreNar(copy, [dump(source)])
    assert.deepEqual(readTree(copy), readTree(source))
  }
})

test('a hostile archive leaves nothing behind and does not leave its directory', (t) => {
  const directory = temporaryDirectory(t)
  const target = join(directory, 'out')
  const outside = join(directory, 'outside')
  mkdirSync(outside)
  const good = (build: (writer: ReturnType<typeof createNarWriter>) => void): Buffer => {
    const chunks: Uint8Array[] = []
    const writer = createNarWriter((chunk) => chunks.push(Buffer.from(chunk)))
    build(writer)
    writer.end()
    return Buffer.concat(chunks)
  }
  const tree = good((writer) => {
    writer.startDirectory()
    writer.entry('aa')
    writer.symlink(outside)
    writer.entry('bb')
    writer.startFile(3, true)
    writer.content(Buffer.from('abc'))
    writer.endFile()
    writer.endDirectory()
  })
  const replaced = (from: string, to: string) => Buffer.from(tree.toString('latin1').replace(from, to), 'latin1')
  const hostile: [string, Buffer][] = [
    ['a name of dots', replaced('\x02\0\0\0\0\0\0\0bb', '\x02\0\0\0\0\0\0\0..')],
    ['a name with a slash', replaced('\x02\0\0\0\0\0\0\0bb', '\x02\0\0\0\0\0\0\0b/')],
    ['the name of a link again', replaced('\x02\0\0\0\0\0\0\0bb', '\x02\0\0\0\0\0\0\0aa')],
    ['cut off', tree.subarray(0, tree.length - 20)],
    ['something behind', Buffer.concat([tree, Buffer.alloc(8)])],
  ]
  for (const [name, bytes] of hostile) {
    assert.throws(() => restoreNar(target, [bytes]), { code: 'NAR_INVALID' }, name)
    assert.ok(!existsSync(target), name)
  }
  assert.deepEqual(readdirSync(outside), [])
})

test('restoring refuses a path where something is, and leaves it alone', (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'file')
  writeFileSync(file, 'x')
  const nar = dump(file)
  symlinkSync('nowhere', join(directory, 'dangling'))
  for (const name of ['file', 'dangling']) {
    assert.throws(() => restoreNar(join(directory, name), [nar]), { code: 'PATH_EXISTS' })
    assert.ok(lstatSync(join(directory, name)))
  }
})

test('refuses what a NAR cannot hold', async (t) => {
  const directory = temporaryDirectory(t)
  const tree = join(directory, 'tree')
  mkdirSync(tree)
  const server = createServer().listen(join(tree, 'socket'))
  t.after(() => server.close())
  assert.throws(() => hashPath(tree), { code: 'FILE_TYPE_UNSUPPORTED' })
  assert.equal(
    dumpNar(tree, () => undefined, { filter: (_, type) => type !== 'unknown' }),
    96,
  )
  assert.throws(() => hashPath(join(directory, 'missing')), { code: 'FILE_UNREADABLE' })
  assert.throws(() => hashPath(tree, 'sha256', { method: 'flat' }), { code: 'NOT_A_FILE' })
})

test('a walk that enters the directories gives the same, and ends where it began', (t) => {
  const directory = temporaryDirectory(t)
  const before = process.cwd()
  t.after(() => process.chdir(before))
  process.chdir(directory)
  const tree = join(directory, 'tree')
  writeTree(tree, {
    entries: {
      'a\xff': { entries: { 'b\xfe': 'x', inner: { entries: { 'c d': 'y' } } } },
      empty: { entries: {}, mode: 0o400 },
      later: 'z',
      link: { symlink: 'a/../nowhere' },
      plain: { entries: { deeper: { entries: { f: { file: 'f', mode: 0o755 } } }, g: 'g' } },
    },
  })
  const { hash } = hashPath(tree)
  assert.deepEqual(hashPath(tree, 'sha256', { enters: true }).hash, hash)
  assert.equal(process.cwd(), directory)
  assert.throws(() => hashPath(join(directory, 'missing'), 'sha256', { enters: true }), { code: 'FILE_UNREADABLE' })
  assert.equal(process.cwd(), directory)

  const gone = join(directory, 'gone')
  mkdirSync(gone)
  process.chdir(gone)
  rmdirSync(gone)
  assert.deepEqual(hashPath(tree, 'sha256', { enters: true }).hash, hash)
  process.chdir(before)

  // The name of a working directory need not be text.
  mkdirSync(Buffer.from(`${directory}/odd \xff`, 'latin1'))
  const script = `import { hashPath } from '${import.meta.dirname}/nar-tree.ts'
    for (const count of [1, 2]) console.log(count, hashPath(process.argv[1], 'sha256', { enters: true }).size)`
  const shell = 'cd "$0"/odd*; exec "$@"'
  const words = [process.execPath, '--input-type=module', '-e', script, tree]
  const { size } = hashPath(tree)
  const printed = execFileSync('sh', ['-c', shell, directory, ...words], { encoding: 'utf8' })
  assert.equal(printed, `1 ${size}\n2 ${size}\n`)
})
