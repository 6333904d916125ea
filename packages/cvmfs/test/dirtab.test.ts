/** `.cvmfsdirtab`, by what the real tool made of it: data/dirtab.json is written by real-tools.long.ts. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UserError } from '@baryon/format'
import { temporaryDirectory } from '@baryon/testing'
import fc from 'fast-check'
import { type Change, createRepository, directoryStorage, openRepository, publish, readKeys } from '../index.ts'
import { parseDirtab } from '../src/dirtab.ts'
import { assertRight } from './assert-right.ts'
import { DIRTABS, makeDirtabTree } from './dirtab-scene.ts'

const NAME = 'dirtab.example.org'
/** In the tree with a marker of its own. */
const MARKED = '/conditions/run-02'
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'data/dirtab.json'), 'utf8')) as Record<
  string,
  readonly string[] | 'invalid'
>

test('rules and exceptions match what they match for the real tool', (context) => {
  const tree = temporaryDirectory(context)
  makeDirtabTree(tree)
  const directories = readdirSync(tree, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(tree.length))
  assert.deepEqual(Object.keys(golden).sort(), [...DIRTABS].sort())
  for (const [text, expected] of Object.entries(golden)) {
    if (expected === 'invalid') {
      assert.throws(() => parseDirtab(text), { code: 'CVMFS_DIRTAB' }, JSON.stringify(text))
      continue
    }
    const dirtab = parseDirtab(text)
    const found = directories.map((path) => Buffer.from(path, 'utf8').toString('latin1')).filter(dirtab.matches)
    assert.deepEqual([...new Set([...found, MARKED])].sort(), expected, JSON.stringify(text))
  }
})

test('catalogs begin where the real tool begins them, published with the dirtab or before it', async (context) => {
  const tree = temporaryDirectory(context)
  makeDirtabTree(tree)
  const file = join(tree, '.cvmfsdirtab')
  const place = await create(context)
  for (const dirtab of [
    '/software\n/software/*\n/software/releases/*\n',
    '/*/*/*\n! *.git\n! *.svn\n',
    '/software/releases/v1/lib\n/software/releases/v1\n',
    '/*\n',
  ]) {
    writeFileSync(file, dirtab)
    await place.publish([{ kind: 'tree', at: '', from: tree }])
    assert.deepEqual(await place.catalogs(), golden[dirtab], `${dirtab} with the tree`)
    await assertRight(context, place.directory, place.publicKey)
    const aside = join(temporaryDirectory(context), 'dirtab')
    renameSync(file, aside)
    await place.publish([{ kind: 'tree', at: '', from: tree }])
    assert.deepEqual(await place.catalogs(), [MARKED])
    await place.publish([{ kind: 'tree', at: '/.cvmfsdirtab', from: aside }])
    assert.deepEqual(await place.catalogs(), golden[dirtab], `${dirtab} after the tree`)
    await assertRight(context, place.directory, place.publicKey)
  }
  const before = readFileSync(join(place.directory, '.cvmfspublished'))
  writeFileSync(file, 'software/*\n')
  for (const at of ['', '/.cvmfsdirtab']) {
    const from = at === '' ? tree : file
    await assert.rejects(place.publish([{ kind: 'tree', at, from }]), { code: 'CVMFS_DIRTAB' })
  }
  assert.deepEqual(readFileSync(join(place.directory, '.cvmfspublished')), before)
})

test('a dirtab holds for trees that are published later, and for the directories above them', async (context) => {
  const [tree, file] = [temporaryDirectory(context), join(temporaryDirectory(context), 'dirtab')]
  makeDirtabTree(tree)
  writeFileSync(file, '/apps\n/apps/*/software/*\n! *.svn\n')
  const place = await create(context)
  await place.publish([
    { kind: 'tree', at: '/.cvmfsdirtab', from: file },
    { kind: 'tree', at: '/apps/one', from: tree },
  ])
  const own = ['/conditions/run-02', '/software/releases', '/software/tools']
  const expected = ['/apps', ...own.map((path) => `/apps/one${path}`)]
  assert.deepEqual(await place.catalogs(), expected)
  await place.publish([{ kind: 'tree', at: '/apps/two', from: tree }])
  assert.deepEqual(await place.catalogs(), [...expected, ...own.map((path) => `/apps/two${path}`)])
  await assertRight(context, place.directory, place.publicKey)

  // What has a catalog keeps it; what is made in the same publish as the rule gets one.
  writeFileSync(file, '/apps/*/software\n/apps/two/software/releases/v1\n')
  await place.publish([
    { kind: 'remove', at: '/apps/one/software/tools' },
    { kind: 'tree', at: '/apps/two/software/releases/v3', from: tree },
    { kind: 'tree', at: '/.cvmfsdirtab', from: file },
  ])
  const found = await place.catalogs()
  for (const path of ['/apps/one/software', '/apps/two/software', '/apps/two/software/releases/v1']) {
    assert.ok(found.includes(path), path)
  }
  assert.ok(found.includes('/apps/one/software/releases') && !found.includes('/apps/one/software/tools'))
  await assertRight(context, place.directory, place.publicKey)
})

test('the root of a repository can be replaced', async (context) => {
  const tree = temporaryDirectory(context)
  makeDirtabTree(tree)
  const place = await create(context)
  await place.publish([{ kind: 'tree', at: '/gone/with/it', from: tree }])
  await place.publish([{ kind: 'tree', at: '', from: tree }])
  assert.deepEqual(await place.list(), ['conditions', 'software'])
  await assertRight(context, place.directory, place.publicKey)
  writeFileSync(join(tree, '.cvmfscatalog'), '')
  await assert.rejects(place.publish([{ kind: 'tree', at: '', from: tree }]), { code: 'CVMFS_RESERVED' })
  await assert.rejects(place.publish([{ kind: 'tree', at: '', from: join(tree, '.cvmfscatalog') }]), {
    code: 'CVMFS_NO_DIRECTORY',
  })
})

test('any text is a dirtab or refused', () => {
  const text = fc.string({ unit: fc.constantFrom(...'/*?[]!\\^-# \t\n.|(a:é') })
  fc.assert(
    fc.property(text, text, (dirtab, path) => {
      try {
        parseDirtab(dirtab).matches(`/${path}`)
      } catch (error) {
        if (!(error instanceof UserError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})

async function create(context: TestContext) {
  const [directory, keyDirectory, cacheDirectory] = [0, 1, 2].map(() => temporaryDirectory(context)) as [
    string,
    string,
    string,
  ]
  await createRepository({ name: NAME, directory, keyDirectory })
  const { publicKey, privateKey } = readKeys(NAME, keyDirectory)
  const storage = directoryStorage(directory)
  const open = async () => {
    return (await openRepository({ source: storage, publicKeys: [publicKey], cacheDirectory })).revision()
  }
  return {
    directory,
    publicKey,
    publish: (changes: readonly Change[]) =>
      publish({ storage, publicKeys: [publicKey], privateKey, cacheDirectory }, changes),
    async catalogs(): Promise<string[]> {
      const revision = await open()
      const found: string[] = []
      for await (const { path, isNestedCatalog } of revision.walk()) if (isNestedCatalog) found.push(path)
      await revision.close()
      return found.sort()
    },
    async list(): Promise<string[]> {
      const revision = await open()
      const names = (await revision.list('')).map(({ name }) => name)
      await revision.close()
      return names
    },
  }
}
