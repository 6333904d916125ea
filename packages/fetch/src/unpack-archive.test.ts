import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'

import { UserError } from '@baryon/format'
import fc from 'fast-check'

import { errorOf, has, sh, temporaryDirectory, treeLines } from '../test/scene.ts'
import { paxMember, tarMember, tarOf } from '../test/tar-block.ts'
import { decompressFile, readDebControl, type UnpackOptions, unpackArchive } from './unpack-archive.ts'

/** Files of many kinds: long names, bytes that are no UTF-8, links, modes. */
const makeTree = `
  mkdir -p tree/deep/er/empty tree/bin
  printf hello > tree/plain
  : > tree/nothing
  printf '#!/bin/sh\\n' > tree/bin/run; chmod 755 tree/bin/run
  head -c 300000 /dev/zero | tr '\\0' x > tree/big
  seq 1 50000 > tree/deep/numbers
  ln -s ../plain tree/deep/link
  ln -s nowhere tree/dangling
  ln -s "$(printf 'a%.0s' $(seq 1 150))" tree/long-target
  ln tree/plain tree/deep/hard
  long=$(printf 'b%.0s' $(seq 1 120)); printf long > "tree/deep/$long"
  mkdir -p "tree/$long/$long/$long"; printf longer > "tree/$long/$long/$long/$long"
  printf latin > "tree/$(printf 'caf\\351')"; printf 'space' > 'tree/with space'
  chmod 640 tree/deep/numbers; chmod 700 tree/deep/er
  find tree -type f -exec touch -d '2020-02-03 04:05:06' {} +
`

describe('tar', () => {
  for (const format of ['gnu', 'oldgnu', 'pax', 'ustar', 'v7']) {
    test(`unpacks what tar --format=${format} packs as tar does`, async (context) => {
      if (!has(context, 'tar')) return
      const directory = temporaryDirectory(context)
      sh(makeTree, directory)
      // These two cannot express long names.
      if (format === 'ustar' || format === 'v7') sh('rm -rf tree/bbb* tree/deep/bbb* tree/long-target', directory)
      sh(`tar -c --format=${format} -f packed.tar tree; mkdir theirs; tar -x -p -f packed.tar -C theirs`, directory)
      await unpackArchive(join(directory, 'packed.tar'), join(directory, 'ours'), { keepTimes: true })
      assert.deepEqual(treeLines(join(directory, 'ours')), treeLines(join(directory, 'theirs')))
    })
  }

  for (const [suffix, program] of [
    ['gz', 'gzip'],
    ['bz2', 'bzip2'],
    ['xz', 'xz'],
    ['zst', 'zstd'],
  ] as const) {
    test(`unpacks .tar.${suffix}, whatever its name is`, async (context) => {
      if (!has(context, 'tar', program)) return
      const directory = temporaryDirectory(context)
      sh(
        `${makeTree}
tar -c tree | ${program} -c > packed; mkdir theirs; cp -a tree theirs`,
        directory,
      )
      await unpackArchive(join(directory, 'packed'), join(directory, 'ours'), { keepTimes: true })
      assert.deepEqual(treeLines(join(directory, 'ours')), treeLines(join(directory, 'theirs')))
    })
  }

  test('strips components, filters, and tells progress', async (context) => {
    if (!has(context, 'tar')) return
    const directory = temporaryDirectory(context)
    sh(
      `${makeTree}
tar -c -f packed.tar tree; mkdir theirs; tar -x -p -f packed.tar -C theirs --strip-components=1`,
      directory,
    )
    let progress = 0
    await unpackArchive(join(directory, 'packed.tar'), join(directory, 'ours'), {
      stripComponents: 1,
      keepTimes: true,
      onProgress: ({ bytes, totalBytes }) => {
        progress = bytes / totalBytes
      },
    })
    assert.equal(progress, 1)
    assert.deepEqual(treeLines(join(directory, 'ours')), treeLines(join(directory, 'theirs')))
    await unpackArchive(join(directory, 'packed.tar'), join(directory, 'some'), {
      filter: ({ path }) => path.startsWith('tree/bin'),
    })
    assert.deepEqual(
      treeLines(join(directory, 'some')).map((line) => line.split(' ')[0]),
      ['/tree', '/tree/bin', '/tree/bin/run'],
    )
  })

  test('drops set-id bits, and keeps files readable', async (context) => {
    const { out } = await unpackBytes(
      context,
      tarOf({ name: 'a', mode: 0o6755 }, { name: 'b', mode: 0o000 }, { name: 'd/', type: '5', mode: 0o1000 }),
    )
    assert.equal(lstatSync(join(out, 'a')).mode & 0o7777, 0o755)
    assert.equal(lstatSync(join(out, 'b')).mode & 0o7777, 0o400)
    assert.equal(lstatSync(join(out, 'd')).mode & 0o7777, 0o700)
  })

  test('global and local pax records', async (context) => {
    const packed = Buffer.concat([
      paxMember('g', { comment: 'c0ffee', path: 'global' }),
      tarMember({ name: 'one', contents: '1' }),
      paxMember('x', { path: 'local', size: '3' }),
      tarMember({ name: 'two', contents: 'abc', size: '00000000000' }),
      tarMember({ name: 'three', contents: '3' }),
      Buffer.alloc(1024),
    ])
    const { out } = await unpackBytes(context, packed)
    assert.deepEqual(
      treeLines(out, false).map((line) => line.split(' ')[0]),
      ['/global', '/local'],
    )
    assert.equal(readFileSync(join(out, 'local'), 'utf8'), 'abc')
  })

  test('sizes in base 256', async (context) => {
    const { out } = await unpackBytes(
      context,
      tarOf({ name: 'a', contents: 'abc', size: `\x80${'\0'.repeat(10)}\x03` }),
    )
    assert.equal(readFileSync(join(out, 'a'), 'utf8'), 'abc')
  })

  test('later members replace earlier ones', async (context) => {
    const packed = tarOf(
      { name: 'a', contents: 'first' },
      { name: 'A', contents: 'other case' },
      { name: 'a', contents: 'second' },
      { name: 'b', type: '2', target: 'a' },
      { name: 'b', contents: 'no link any more' },
      { name: 'c', contents: 'file' },
      { name: 'c/', type: '5' },
      { name: 'c/d', contents: 'below' },
      { name: 'e', type: '2', target: '/etc' },
      { name: 'e/', type: '5' },
      { name: 'e/f', contents: 'in a directory' },
    )
    const { out } = await unpackBytes(context, packed)
    assert.equal(readFileSync(join(out, 'a'), 'utf8'), 'second')
    assert.equal(readFileSync(join(out, 'A'), 'utf8'), 'other case')
    assert.equal(readFileSync(join(out, 'b'), 'utf8'), 'no link any more')
    assert.equal(readFileSync(join(out, 'c/d'), 'utf8'), 'below')
    assert.equal(lstatSync(join(out, 'e')).isDirectory(), true)
  })

  const hostile: readonly (readonly [string, Buffer, string])[] = [
    ['a parent directory', tarOf({ name: '../evil', contents: 'x' }), 'ARCHIVE_UNSAFE'],
    ['a parent directory inside', tarOf({ name: 'a/../../evil', contents: 'x' }), 'ARCHIVE_UNSAFE'],
    ['an absolute path', tarOf({ name: '/evil', contents: 'x' }), 'ARCHIVE_UNSAFE'],
    [
      'a path through a symlink',
      tarOf({ name: 'l', type: '2', target: '..' }, { name: 'l/evil', contents: 'x' }),
      'ARCHIVE_UNSAFE',
    ],
    [
      'a path through a chain of symlinks',
      tarOf(
        { name: 'a', type: '2', target: '.' },
        { name: 'a/b', type: '2', target: '..' },
        { name: 'a/b/evil', contents: 'x' },
      ),
      'ARCHIVE_UNSAFE',
    ],
    [
      'a directory through a symlink',
      tarOf({ name: 'l', type: '2', target: '..' }, { name: 'l/evil/', type: '5' }),
      'ARCHIVE_UNSAFE',
    ],
    ['a hard link to the outside', tarOf({ name: 'l', type: '1', target: '../secret' }), 'ARCHIVE_UNSAFE'],
    ['a hard link to nothing', tarOf({ name: 'l', type: '1', target: 'missing' }), 'ARCHIVE_UNSAFE'],
    [
      'a hard link through a symlink',
      tarOf({ name: 's', type: '2', target: '..' }, { name: 'l', type: '1', target: 's/secret' }),
      'ARCHIVE_UNSAFE',
    ],
    ['a device', tarOf({ name: 'd', type: '3' }), 'ARCHIVE_UNSUPPORTED'],
    ['a pipe', tarOf({ name: 'd', type: '6' }), 'ARCHIVE_UNSUPPORTED'],
    ['a sparse file', tarOf({ name: 'd', type: 'S' }), 'ARCHIVE_UNSUPPORTED'],
    ['a file for a full directory', tarOf({ name: 'd/e' }, { name: 'd' }), 'ARCHIVE_CONFLICT'],
    ['no name', tarOf({ name: '.', contents: 'x' }), 'ARCHIVE_UNSAFE'],
    ['a symlink to nowhere', tarOf({ name: 'x', type: '2' }), 'ARCHIVE_UNSAFE'],
    ['a negative size', tarOf({ name: 'x', size: '\xff'.repeat(12) }), 'ARCHIVE_CORRUPT'],
    ['a huge size', tarOf({ name: 'x', size: `\x80${'\xff'.repeat(11)}` }), 'ARCHIVE_CORRUPT'],
    ['a size behind the end', tarOf({ name: 'x', size: '00000777777' }), 'ARCHIVE_CORRUPT'],
    ['letters for a size', tarOf({ name: 'x', size: 'abcdefghijk' }), 'ARCHIVE_CORRUPT'],
    ['NUL in a pax path', Buffer.concat([paxMember('x', { path: 'a\0b' }), tarOf({ name: 'x' })]), 'ARCHIVE_UNSAFE'],
    ['pax: outside', Buffer.concat([paxMember('x', { path: '../evil' }), tarOf({ name: 'x' })]), 'ARCHIVE_UNSAFE'],
    [
      'pax: sparse',
      Buffer.concat([paxMember('x', { 'GNU.sparse.major': '1' }), tarOf({ name: 'x' })]),
      'ARCHIVE_UNSUPPORTED',
    ],
    [
      'pax: malformed',
      Buffer.concat([tarMember({ name: 'p', type: 'x', contents: '99 a=b\n' }), tarOf({ name: 'x' })]),
      'ARCHIVE_CORRUPT',
    ],
    [
      'a name that is too long',
      Buffer.concat([paxMember('x', { path: 'a'.repeat(300) }), tarOf({ name: 'x' })]),
      'ARCHIVE_WRITE',
    ],
    [
      'a wrong checksum',
      Buffer.concat([tarMember({ name: 'ok' }), tarMember({ name: 'x' }).fill('y', 0, 1)]),
      'ARCHIVE_CORRUPT',
    ],
    ['a web page', Buffer.from('<!DOCTYPE html><title>404</title>'), 'ARCHIVE_UNKNOWN'],
    ['nothing', Buffer.alloc(0), 'ARCHIVE_UNKNOWN'],
  ]
  for (const [name, packed, code] of hostile) {
    test(`refuses ${name}`, async (context) => {
      const directory = temporaryDirectory(context)
      writeFileSync(join(directory, 'secret'), 'secret')
      const before = treeLines(directory)
      mkdirSync(join(directory, 'x'))
      const error = await errorOf(() => unpackBytes(context, packed, {}, join(directory, 'x')))
      assert.equal(error.code, code)
      assert.deepEqual(
        treeLines(directory).filter((line) => !line.startsWith('/x')),
        before,
      )
    })
  }

  test('random changes of an archive: UserError or success, and nothing outside', async (context) => {
    const directory = temporaryDirectory(context)
    const good = tarOf(
      { name: 'd/', type: '5' },
      { name: 'd/a', contents: 'abc' },
      { name: 'l', type: '2', target: 'd' },
      { name: 'h', type: '1', target: 'd/a' },
    )
    let count = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1025), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (changes, keepDirectorySymlinks) => {
          const packed = Buffer.from(good)
          for (const [at, byte] of changes) packed[at] = byte
          // With the checksum mended, the changes get further.
          for (let at = 0; at + 512 <= packed.length - 1024; at += 512) {
            if (packed.toString('latin1', at + 257, at + 262) !== 'ustar') continue
            packed.fill(0x20, at + 148, at + 156)
            const sum = packed.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
            packed.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148)
          }
          const place = join(directory, String(count++))
          mkdirSync(place)
          writeFileSync(join(place, 'packed'), packed)
          try {
            await unpackArchive(join(place, 'packed'), join(place, 'out'), { keepDirectorySymlinks })
          } catch (error) {
            if (!(error instanceof UserError)) throw error
          }
        },
      ),
      { numRuns: 200 },
    )
    const outside = treeLines(directory).filter((line) => !/^\/\d+( directory|\/packed |\/out[ /])/.test(line))
    assert.deepEqual(outside, [])
  })

  test('a limit on the unpacked size', async (context) => {
    const error = await errorOf(() =>
      unpackBytes(context, tarOf({ name: 'a', contents: 'x'.repeat(2000) }), { maximumSize: 1000 }),
    )
    assert.equal(error.code, 'ARCHIVE_UNSAFE')
  })
})

describe('merged /usr', () => {
  test('directory symlinks are kept and written behind, as tar --keep-directory-symlink does', async (context) => {
    if (!has(context, 'tar')) return
    const directory = temporaryDirectory(context)
    sh('mkdir -p a/lib/x a/usr/lib; echo 1 > a/lib/one; echo 2 > a/lib/x/two; tar -c -C a -f a.tar .', directory)
    for (const name of ['ours', 'theirs']) {
      mkdirSync(join(directory, name, 'usr/lib'), { recursive: true })
      symlinkSync('usr/lib', join(directory, name, 'lib'))
    }
    sh('tar -x --keep-directory-symlink -f a.tar -C theirs', directory)
    await unpackArchive(join(directory, 'a.tar'), join(directory, 'ours'), { keepDirectorySymlinks: true })
    assert.deepEqual(treeLines(join(directory, 'ours'), false), treeLines(join(directory, 'theirs'), false))
    assert.equal(readlinkSync(join(directory, 'ours/lib')), 'usr/lib')
  })

  for (const [name, target] of [
    ['outside', '../..'],
    ['a loop', 'l'],
  ] as const) {
    test(`a symlink to ${name} is refused`, async (context) => {
      const packed = tarOf({ name: 'l', type: '2', target }, { name: 'l/evil', contents: 'x' })
      const error = await errorOf(() => unpackBytes(context, packed, { keepDirectorySymlinks: true }))
      assert.equal(error.code, 'ARCHIVE_UNSAFE')
    })
  }

  test('an absolute symlink counts from the root of the tree', async (context) => {
    const packed = tarOf({ name: 'l', type: '2', target: '/real/place' }, { name: 'l/file', contents: 'x' })
    const { out } = await unpackBytes(context, packed, { keepDirectorySymlinks: true })
    assert.equal(readFileSync(join(out, 'real/place/file'), 'utf8'), 'x')
  })
})

describe('deb', () => {
  for (const compression of ['xz', 'gzip', 'zstd', 'none']) {
    test(`unpacks what dpkg-deb -Z${compression} packs as dpkg-deb does`, async (context) => {
      if (!has(context, 'dpkg-deb')) return
      const directory = temporaryDirectory(context)
      sh(
        `${makeTree}
mkdir tree/DEBIAN; printf 'Package: x\\nVersion: 1:2-3\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' > tree/DEBIAN/control
         dpkg-deb -Z${compression} --root-owner-group -b tree x.deb; dpkg-deb -x x.deb theirs`,
        directory,
      )
      await unpackArchive(join(directory, 'x.deb'), join(directory, 'ours'), { keepTimes: true })
      assert.deepEqual(treeLines(join(directory, 'ours')), treeLines(join(directory, 'theirs')))
      assert.match(await readDebControl(join(directory, 'x.deb')), /^Version: 1:2-3$/m)
    })
  }

  test('garbage gives UserError', async (context) => {
    const directory = temporaryDirectory(context)
    const file = join(directory, 'x.deb')
    const start = `!<arch>\n${'debian-binary'.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${'4'.padEnd(10)}\`\n2.0\n`
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(start.length), async (tail, cut) => {
        writeFileSync(file, Buffer.concat([Buffer.from(start.slice(0, Math.max(8, cut)), 'latin1'), tail]))
        await errorOf(() => unpackArchive(file, join(directory, 'out')))
      }),
      { numRuns: 150 },
    )
  })
})

describe('zip', () => {
  const python = `
import zipfile, sys, stat
def link(z, name, target):
    i = zipfile.ZipInfo(name, (2020, 2, 3, 4, 5, 6)); i.create_system = 3; i.external_attr = (stat.S_IFLNK | 0o777) << 16
    z.writestr(i, target)
`

  test('unpacks what zip packs as unzip does', async (context) => {
    if (!has(context, 'zip', 'unzip')) return
    const directory = temporaryDirectory(context)
    sh(
      `${makeTree}
rm -rf tree/bbb* tree/caf*; zip -q -r -y packed.zip tree; unzip -q packed.zip -d theirs`,
      directory,
    )
    await unpackArchive(join(directory, 'packed.zip'), join(directory, 'ours'), { keepTimes: true })
    assert.deepEqual(treeLines(join(directory, 'ours')), treeLines(join(directory, 'theirs')))
  })

  test('streamed, zip64 and bzip2 members', async (context) => {
    if (!has(context, 'python3')) return
    const directory = temporaryDirectory(context)
    writeFileSync(
      join(directory, 'make.py'),
      `${python}
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
with zipfile.ZipFile(Pipe(open('x.zip', 'wb')), 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('streamed', 'abc' * 1000)
    z.writestr('stored', 'stored', zipfile.ZIP_STORED)
    z.writestr('bzip2', 'b' * 5000, zipfile.ZIP_BZIP2)
    with z.open('large', 'w', force_zip64=True) as f: f.write(b'zip64')
    z.writestr('caf\\u00e9', 'utf-8')
    link(z, 'link', 'streamed')
`,
    )
    sh('python3 make.py', directory)
    await unpackArchive(join(directory, 'x.zip'), join(directory, 'out'))
    const text = (name: string) => readFileSync(join(directory, 'out', name), 'utf8')
    assert.deepEqual(
      ['streamed', 'stored', 'bzip2', 'large', 'café', 'link'].map((name) => text(name).slice(0, 6)),
      ['abcabc', 'stored', 'bbbbbb', 'zip64', 'utf-8', 'abcabc'],
    )
    assert.equal(readlinkSync(join(directory, 'out/link')), 'streamed')
  })

  test('refuses what leaves the destination, and what is changed', async (context) => {
    if (!has(context, 'python3')) return
    const directory = temporaryDirectory(context)
    writeFileSync(
      join(directory, 'make.py'),
      `${python}
with zipfile.ZipFile('up.zip', 'w') as z: z.writestr('../evil', 'x')
with zipfile.ZipFile('absolute.zip', 'w') as z: z.writestr('/evil', 'x')
with zipfile.ZipFile('through.zip', 'w') as z: link(z, 'l', '..'); z.writestr('l/evil', 'x')
with zipfile.ZipFile('good.zip', 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a', 'abc' * 100); z.writestr('b', 'def' * 100)
`,
    )
    sh('python3 make.py', directory)
    for (const name of ['up', 'absolute', 'through']) {
      const error = await errorOf(() => unpackArchive(join(directory, `${name}.zip`), join(directory, 'x/y/out')))
      assert.equal(error.code, 'ARCHIVE_UNSAFE', name)
    }
    assert.equal(existsSync(join(directory, 'x/y/evil')), false)
    const good = readFileSync(join(directory, 'good.zip'))
    let count = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(good.length),
        async (changes, cut) => {
          const packed = Buffer.from(good.subarray(0, changes.length === 0 ? cut : good.length))
          for (const [at, byte] of changes) packed[at] = byte
          const file = join(directory, 'changed.zip')
          writeFileSync(file, packed)
          try {
            await unpackArchive(file, join(directory, 'out', String(count++)))
          } catch (error) {
            if (!(error instanceof UserError)) throw error
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('decompressFile', async (context) => {
  if (!has(context, 'xz')) return
  const directory = temporaryDirectory(context)
  sh('echo hello | xz -c > x.xz; echo plain > plain', directory)
  for (const [name, expected] of [
    ['x.xz', 'hello\n'],
    ['plain', 'plain\n'],
  ] as const) {
    let text = ''
    for await (const chunk of decompressFile(join(directory, name))) text += Buffer.from(chunk).toString()
    assert.equal(text, expected)
  }
  assert.equal((await errorOf(() => unpackArchive(join(directory, 'none'), directory))).code, 'FILE_UNREADABLE')
})

async function unpackBytes(
  context: TestContext,
  packed: Buffer,
  options: UnpackOptions = {},
  directory = temporaryDirectory(context),
) {
  const file = join(directory, 'packed')
  const out = join(directory, 'out')
  writeFileSync(file, packed)
  const result = await unpackArchive(file, out, options)
  return { out, result }
}
