/** Trees that never change: what was published once is attached, and not read again. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { temporaryDirectory } from '@baryon/testing'
import fc from 'fast-check'
import {
  type Change,
  collectGarbage,
  createRepository,
  directoryStorage,
  formatContentHash,
  hashContent,
  objectName,
  openPreparedCatalogs,
  openRepository,
  openXattrReader,
  type PreparedCatalog,
  type PublishOptions,
  publish,
  readKeys,
} from '../index.ts'
import { assertRight } from './assert-right.ts'

const NAME = 'attach.hep.example'
const AT = '/nix/store/path'
const FILES = { 'bin/tool': 'a program '.repeat(50_000), 'share/text': 'text', empty: '' }
/** Of catalogs, histories and the like, which each publish writes: less than the contents. */
const SIZE = Object.values(FILES).join('').length

test('what was taken back is attached, and none of its files is read', async (t) => {
  const scene = await createScene(t)
  await scene.origin.publish({ kind: 'catalog', at: '/nix/store' }, { tag: { name: 'empty', description: '' } })
  const first = await scene.origin.publish(scene.tree(), { tag: { name: 'first', description: '' } })
  assert.deepEqual([first.attached, first.entries], [0, 6])
  await scene.origin.publish({ kind: 'remove', at: AT })
  const again = await scene.origin.publish(scene.tree({ from: scene.changed() }))
  // The root, and the directory above it.
  assert.deepEqual([again.attached, again.catalogs, again.entries], [1, 2, 6])
  assert.deepEqual(await scene.origin.files(), scene.expected())
  assert.deepEqual(await scene.origin.catalog('trunk'), await scene.origin.catalog('first'))
  const rolledBack = await scene.origin.publish([], { base: 'empty' })
  assert.equal(rolledBack.attached, 0)
  const last = await scene.origin.publish(scene.tree({ from: scene.changed() }))
  assert.deepEqual([last.attached, last.catalogs], [1, 2])
  assert.deepEqual(await scene.origin.files(), scene.expected())
  await scene.origin.assertRight()
})

test('after a collection of garbage the tree is read again', async (t) => {
  const scene = await createScene(t)
  const { origin } = scene
  const publishAgain = async (): Promise<number> => {
    const { attached } = await origin.publish(scene.tree())
    assert.deepEqual(await origin.files(), scene.expected())
    await origin.assertRight()
    return attached
  }
  assert.equal(await publishAgain(), 0)
  const objects = await origin.objects()
  assert.equal(objects.length, 4)
  await origin.publish({ kind: 'remove', at: AT })
  // The last revision has a tag.
  await origin.publish({ kind: 'catalog', at: '/other' })
  const { removedObjects } = await origin.collect()
  assert.ok(removedObjects > objects.length, `${removedObjects}`)
  assert.equal(await publishAgain(), 0)
  // Also when any one of them is gone.
  for (const name of objects) {
    await origin.publish({ kind: 'remove', at: AT })
    rmSync(join(origin.directory, name))
    assert.equal(await publishAgain(), 0, name)
    await origin.publish({ kind: 'remove', at: AT })
    assert.equal(await publishAgain(), 1, name)
  }
})

test('another repository on the same disk gets copies of the objects', async (t) => {
  const scene = await createScene(t)
  await scene.origin.publish(scene.tree())
  const second = await scene.repository()
  const copied = await second.publish(scene.tree({ from: scene.changed() }))
  assert.equal(copied.attached, 1)
  assert.ok(copied.plain < SIZE, `${copied.plain} bytes were read`)
  assert.deepEqual(await second.files(), scene.expected())
  await second.assertRight()
  // From either of them, and not what is damaged.
  const [object = ''] = await scene.origin.objects()
  const damage = (directory: string): void => {
    const file = join(directory, object)
    writeFileSync(file, Buffer.from(readFileSync(file)).fill(1, 5, 6))
  }
  damage(second.directory)
  const third = await scene.repository()
  assert.equal((await third.publish(scene.tree({ from: scene.changed() }))).attached, 1)
  await third.assertRight()
  for (const { directory } of [scene.origin, third]) damage(directory)
  const fourth = await scene.repository()
  assert.equal((await fourth.publish(scene.tree())).attached, 0)
  assert.deepEqual(await fourth.files(), scene.expected())
  await fourth.assertRight()
  for (const { directory } of [scene.origin, second, third, fourth]) rmSync(directory, { recursive: true })
  const fifth = await scene.repository()
  assert.equal((await fifth.publish(scene.tree())).attached, 0)
  await fifth.assertRight()
})

test('a marker that says something else is written, and nothing but it is read', async (t) => {
  const scene = await createScene(t)
  await scene.origin.publish(scene.tree())
  await scene.origin.publish({ kind: 'remove', at: AT })
  const marker = () => Buffer.from('signed by now')
  const again = await scene.origin.publish(scene.tree({ from: scene.changed(), marker }))
  assert.equal(again.attached, 1)
  assert.deepEqual(await scene.origin.files(), { ...scene.expected(), [`${AT}/.cvmfscatalog`]: 'signed by now' })
  await scene.origin.publish({ kind: 'remove', at: AT })
  // By now that is what was prepared.
  const { attached, catalogs } = await scene.origin.publish(scene.tree({ from: scene.changed(), marker }))
  assert.deepEqual([attached, catalogs], [1, 1])
  await scene.origin.assertRight()
})

test('what was made in another way, or of something else, is not attached', async (t) => {
  const readXattrs = process.getBuiltinModule('node:ffi') === undefined ? undefined : openXattrReader()
  const cases: Readonly<Record<string, readonly [change: Partial<TreeChange>, options: Partial<PublishOptions>]>> = {
    'other contents': [{ contents: () => 'sha256:2' }, {}],
    'without compression': [{}, { isCompressed: false }],
    'another hash': [{}, { algorithm: 'shake128' }],
    'another owner': [{}, { owner: { uid: 1, gid: 2 } }],
    'owners as on the disk': [{}, { owner: undefined }],
    'another place': [{ at: '/nix/store/other' }, {}],
    'not nested': [{ isNested: false }, {}],
    'not immutable': [{ isImmutable: false }, {}],
    ...(readXattrs === undefined ? {} : { 'with extended attributes': [{}, { readXattrs }] }),
  }
  const scene = await createScene(t)
  await scene.origin.publish(scene.tree())
  await scene.origin.publish({ kind: 'remove', at: AT })
  for (const [name, [change, options]] of Object.entries(cases)) {
    const { attached } = await scene.origin.publish(scene.tree(change), options)
    assert.equal(attached, 0, name)
    await scene.origin.assertRight()
    await scene.origin.publish({ kind: 'remove', at: change.at ?? AT })
  }
  assert.equal((await scene.origin.publish(scene.tree())).attached, 1)
})

test('catalogs within the tree, and single files, are published as before', async (t) => {
  const scene = await createScene(t)
  const nested = temporaryDirectory(t)
  mkdirSync(join(nested, 'inner'))
  writeFileSync(join(nested, 'inner/.cvmfscatalog'), '')
  const file = join(nested, 'inner/file')
  writeFileSync(file, 'contents')
  for (const from of [nested, file]) {
    for (const _ of [1, 2]) {
      const { attached } = await scene.origin.publish(scene.tree({ from, contents: () => from }))
      assert.equal(attached, 0)
      await scene.origin.assertRight()
      await scene.origin.publish({ kind: 'remove', at: AT })
    }
  }
  assert.equal(existsSync(scene.prepared), false)
})

test('what is damaged is as good as not there', async (t) => {
  const scene = await createScene(t)
  await scene.origin.publish(scene.tree())
  const [name = ''] = readdirSync(scene.prepared)
  const file = join(scene.prepared, name)
  const bytes = readFileSync(file)
  const { key } = JSON.parse(bytes.toString('latin1').split('\n')[1]!) as { readonly key: string }
  const found = (): PreparedCatalog | undefined => openPreparedCatalogs(scene.prepared).find(key)
  assert.equal(found()?.marker.length, 64)
  assert.equal(openPreparedCatalogs(scene.prepared).find(`${key} `), undefined)
  const edit = fc.record({ at: fc.nat(bytes.length - 1), mask: fc.integer({ min: 1, max: 255 }), end: fc.boolean() })
  fc.assert(
    fc.property(edit, ({ at, mask, end }) => {
      const damaged = Buffer.from(end ? bytes.subarray(0, at) : bytes)
      if (!end) damaged[at]! ^= mask
      writeFileSync(file, damaged)
      assert.equal(found(), undefined)
    }),
    { numRuns: 300 },
  )
  // With a digest that agrees.
  const forged = (header: unknown, stored: Uint8Array): void => {
    const rest = Buffer.concat([
      Buffer.from(`${typeof header === 'string' ? header : JSON.stringify(header)}\n`),
      stored,
    ])
    const digest = createHash('sha256').update(rest).digest('hex')
    writeFileSync(file, Buffer.concat([Buffer.from(`${digest}\n`), rest]))
  }
  const good = { key, hash: '0'.repeat(40), size: 10, marker: '', places: [] }
  forged(good, Buffer.from('x'))
  assert.equal(found()?.size, 10)
  for (const bad of [
    ...['', 'null', '[]', '1', '{', '{}'],
    ...[{ hash: 'x' }, { size: -1 }, { size: '1' }, { size: 1e300 }, { marker: 1 }, { places: '/' }, { places: [1] }],
  ]) {
    forged(typeof bad === 'string' ? bad : { ...good, ...bad }, Buffer.from('x'))
    assert.equal(found(), undefined, JSON.stringify(bad))
  }
  fc.assert(
    fc.property(fc.json(), (text) => {
      forged(text, Buffer.from('x'))
      assert.equal(found(), undefined)
    }),
  )
  // Objects that are no catalogs, or none of this place.
  const [, header = ''] = bytes.toString('latin1').split('\n')
  const stored = bytes.subarray(65 + header.length + 1)
  for (const object of [
    deflateSync(Buffer.from('no database, but longer than the header of one')),
    deflateSync(Buffer.alloc(100)),
    deflateSync(Buffer.alloc(1 << 20)),
    Buffer.from('nothing that was compressed'),
    Buffer.alloc(0),
    stored.subarray(0, -10),
  ]) {
    const hash = formatContentHash(hashContent('sha1', object))
    forged({ ...(JSON.parse(header) as object), hash, size: 100 }, object)
    await scene.origin.publish({ kind: 'remove', at: AT })
    assert.equal((await scene.origin.publish(scene.tree())).attached, 0)
    assert.deepEqual(await scene.origin.files(), scene.expected())
  }
  await scene.origin.assertRight()
})

test('a directory that others can write to is left alone', async (t) => {
  const scene = await createScene(t)
  await scene.origin.publish(scene.tree())
  assert.equal(statSync(scene.prepared).mode & 0o777, 0o700)
  for (const [mode, attached] of [
    [0o770, 0],
    [0o702, 0],
    [0o755, 1],
  ] as const) {
    chmodSync(scene.prepared, mode)
    await scene.origin.publish({ kind: 'remove', at: AT })
    assert.equal((await scene.origin.publish(scene.tree())).attached, attached, mode.toString(8))
  }
  rmSync(scene.prepared, { recursive: true })
  writeFileSync(scene.prepared, 'no directory')
  await scene.origin.publish({ kind: 'remove', at: AT })
  assert.equal((await scene.origin.publish(scene.tree())).attached, 0)
})

test('what was not used for long makes room, and what was left in work goes', (t) => {
  const directory = join(temporaryDirectory(t), 'prepared')
  const prepared: PreparedCatalog = {
    ...{ hash: { algorithm: 'sha1', hex: '0'.repeat(40) }, size: 1, marker: '', places: ['/a'] },
    stored: Buffer.alloc(2000),
  }
  const catalogs = openPreparedCatalogs(directory, 20_000)
  catalogs.keep('large', { ...prepared, stored: Buffer.alloc(10_000) })
  assert.equal(catalogs.find('large'), undefined)
  const long = new Date('2020-01-01')
  for (const key of ['old', 'used']) {
    catalogs.keep(key, prepared)
    for (const name of readdirSync(directory)) utimesSync(join(directory, name), long, long)
  }
  writeFileSync(join(directory, 'killed.tmp'), '')
  writeFileSync(join(directory, 'running.tmp'), '')
  utimesSync(join(directory, 'killed.tmp'), long, long)
  assert.deepEqual(catalogs.find('used'), prepared)
  for (let index = 0; index < 20; index++) catalogs.keep(`${index}`, prepared)
  assert.equal(catalogs.find('old'), undefined)
  assert.deepEqual(catalogs.find('19'), prepared)
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size)
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= 20_000)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.tmp')),
    ['running.tmp'],
  )
})

type TreeChange = Extract<Change, { readonly kind: 'tree' }>

/** Repositories of one name, the same tree for all, and one directory of prepared catalogs. */
async function createScene(t: TestContext) {
  const [keys, tree] = [temporaryDirectory(t), temporaryDirectory(t)]
  const prepared = join(temporaryDirectory(t), 'prepared')
  writeTree(tree, FILES)
  const repository = async () => {
    const directory = temporaryDirectory(t)
    await createRepository({ name: NAME, directory, keyDirectory: keys })
    const { publicKey, privateKey } = readKeys(NAME, keys)
    const cacheDirectory = temporaryDirectory(t)
    const options = { storage: directoryStorage(directory), publicKeys: [publicKey], privateKey, cacheDirectory }
    const revision = async (which?: string) =>
      (await openRepository({ ...options, source: directoryStorage(directory) })).revision(which)
    return {
      directory,
      publish: (changes: Change | readonly Change[], more: Partial<PublishOptions> = {}) => {
        const [owner, preparedCatalogs] = [{ uid: 0, gid: 0 }, openPreparedCatalogs(prepared)]
        return publish({ ...options, owner, preparedCatalogs, ...more }, [changes].flat())
      },
      collect: () => collectGarbage(options),
      files: async () => {
        const [opened, found] = [await revision(), {} as Record<string, string>]
        for await (const entry of opened.walk(AT)) {
          if (entry.kind !== 'file') continue
          found[entry.path] = ''
          for await (const piece of opened.read(entry)) found[entry.path] += Buffer.from(piece).toString()
          found[entry.path] = shown(found[entry.path]!)
        }
        await opened.close()
        return found
      },
      /** Hash of the catalog of the tree. */
      catalog: async (which: string) => {
        const opened = await revision(which)
        const hash = (await opened.catalogOf('/nix/store')).nestedFor(AT)?.hash
        await opened.close()
        return hash
      },
      /** Names of the objects of its files. */
      objects: async () => {
        const opened = await revision()
        const names = new Set<string>()
        for (const { hash, kind } of (await opened.catalogOf(AT)).objects()) names.add(objectName(hash, kind))
        await opened.close()
        return [...names]
      },
      assertRight: () => assertRight(t, directory, publicKey),
    }
  }
  return {
    prepared,
    repository,
    origin: await repository(),
    tree: (change: Partial<TreeChange> = {}): TreeChange => {
      const marker = () => Buffer.from('about the tree')
      const fixed = { kind: 'tree', at: AT, from: tree, isNested: true, isImmutable: true } as const
      return { ...fixed, marker, contents: () => 'sha256:1', ...change }
    },
    /** A directory that has none of the files: who reads it has something else. */
    changed: () => temporaryDirectory(t),
    expected: () => ({
      ...Object.fromEntries(Object.entries(FILES).map(([name, text]) => [`${AT}/${name}`, shown(text)])),
      [`${AT}/.cvmfscatalog`]: 'about the tree',
    }),
  }
}

/** Of a long text how it begins, and its hash. */
function shown(text: string): string {
  return text.length < 100 ? text : `${text.slice(0, 20)}… ${createHash('sha256').update(text).digest('hex')}`
}

function writeTree(top: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(top, name, '..'), { recursive: true })
    writeFileSync(join(top, name), text)
  }
}
