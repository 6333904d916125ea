import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import {
  type Change,
  compareRevisions,
  createRepository,
  type Difference,
  directorySource,
  directoryStorage,
  type ObjectSource,
  openRepository,
  publish,
  type Repository,
  readKeys,
} from '../index.ts'

const data = join(import.meta.dirname, 'data')
const NAME = 'test.hep.example'

interface ListedEntry {
  readonly path: string
  readonly mode: string
}

test('the revisions of the sample differ as what the real client showed of them', async (context) => {
  const repository = await openRepository({
    source: directorySource(join(data, 'sample')),
    publicKeys: [readFileSync(join(data, 'sample.pub'))],
    cacheDirectory: temporaryDirectory(context),
  })
  const [first, second] = ['v1', 'v2'].map((tag) => {
    const lines = readFileSync(join(data, `sample-${tag}.jsonl`), 'utf8')
      .trim()
      .split('\n')
    return new Map(lines.map((line) => [(JSON.parse(line) as ListedEntry).path, JSON.parse(line) as ListedEntry]))
  }) as [Map<string, ListedEntry>, Map<string, ListedEntry>]
  const strip = (entry: ListedEntry) =>
    // Of directories what does not follow from their entries.
    JSON.stringify(entry.mode.startsWith('0o4') ? { ...entry, mtime: 0, nlink: 0 } : entry)
  const expected: string[] = []
  for (const path of new Set([...first.keys(), ...second.keys()])) {
    const [a, b] = [first.get(path), second.get(path)]
    if (a === undefined) expected.push(`added ${path}`)
    else if (b === undefined) expected.push(`removed ${path}`)
    else if (strip(a) !== strip(b)) expected.push(`changed ${path}`)
  }
  assert.ok(expected.length > 2)
  assert.deepEqual((await differences(repository, 'v1', 'v2')).map(shown).sort(), expected.sort())
  const mirrored = (await differences(repository, 'v2', 'v1')).map(shown)
  const swap: Record<string, string> = { added: 'removed', removed: 'added', changed: 'changed' }
  assert.deepEqual(mirrored.sort(), expected.map((line) => line.replace(/^\w+/, (kind) => swap[kind]!)).sort())
  assert.deepEqual(await differences(repository, 'v1', 'v1'), [])
})

test('each kind of change, in order, with what differs', async (context) => {
  const place = await create(context)
  const tree = temporaryDirectory(context)
  const at = (path: string) => join(tree, path)
  for (const [path, text] of [
    ['a/same', 'same'],
    ['contents', 'one'],
    ['dir/x', 'x'],
    ['gone/deep/er', 'gone'],
    ['mode', ''],
    ['time', ''],
    ['to-directory', ''],
    ['to-link', ''],
  ] as const) {
    mkdirSync(dirname(at(path)), { recursive: true })
    writeFileSync(at(path), text)
    utimesSync(at(path), 1000, 1000)
  }
  symlinkSync('one', at('link'))
  await place.publish([{ kind: 'tree', at: '/t', from: tree }], 'one')
  writeFileSync(at('contents'), 'two')
  utimesSync(at('contents'), 1000, 1000)
  chmodSync(at('dir'), 0o700)
  chmodSync(at('mode'), 0o600)
  utimesSync(at('time'), 1000, 1000.5)
  rmSync(at('gone'), { recursive: true })
  rmSync(at('to-directory'))
  rmSync(at('to-link'))
  rmSync(at('link'))
  symlinkSync('two', at('link'))
  mkdirSync(at('to-directory/below'), { recursive: true })
  symlinkSync('x', at('to-link'))
  await place.publish([{ kind: 'tree', at: '/t', from: tree }], 'two')
  const repository = await place.open()
  assert.deepEqual((await differences(repository, 'one', 'two')).map(shown), [
    'changed /t/contents contents',
    'changed /t/dir mode',
    'removed /t/gone',
    'removed /t/gone/deep',
    'removed /t/gone/deep/er',
    'changed /t/link target,time',
    'changed /t/mode mode',
    'changed /t/time time',
    'type /t/to-directory file directory',
    'added /t/to-directory/below',
    'type /t/to-link file symlink',
  ])
})

test('only catalogs that changed are fetched', async (context) => {
  const place = await create(context)
  const trees = Array.from({ length: 30 }, (_, index) => {
    const tree = temporaryDirectory(context)
    writeFileSync(join(tree, 'file'), `contents ${index}`)
    return { kind: 'tree', at: `/many/d${index}`, from: tree, isNested: true } as const
  })
  await place.publish([{ kind: 'catalog', at: '/many' }, ...trees], 'one')
  writeFileSync(join(trees[7]!.from, 'file'), 'changed')
  await place.publish([trees[7]!, { kind: 'remove', at: '/many/d9' }], 'two')
  const asked: string[] = []
  const repository = await place.open((source) => ({
    ...source,
    open: (name, options) => {
      asked.push(name)
      return source.open(name, options)
    },
  }))
  const found = (await differences(repository, 'one', 'two')).map(({ kind, path }) => `${kind} ${path}`)
  assert.deepEqual(found, [
    'changed /many/d7/file',
    'removed /many/d9',
    'removed /many/d9/.cvmfscatalog',
    'removed /many/d9/file',
  ])
  // Root, /many and d7 of both, and d9.
  assert.equal(asked.filter((name) => name.endsWith('C')).length, 7)
})

function shown(difference: Difference): string {
  const path = Buffer.from(difference.path || '/', 'latin1').toString()
  switch (difference.kind) {
    case 'type':
      return `type ${path} ${difference.before.kind} ${difference.after.kind}`
    case 'changed':
      return difference.path.startsWith('/t/') ? `changed ${path} ${difference.aspects}` : `changed ${path}`
    default:
      return `${difference.kind} ${path}`
  }
}

async function differences(repository: Repository, one: string, other: string): Promise<Difference[]> {
  const [before, after] = [await repository.revision(one), await repository.revision(other)]
  const found: Difference[] = []
  for await (const difference of compareRevisions(before, after)) found.push(difference)
  await before.close()
  await after.close()
  return found
}

async function create(context: TestContext) {
  const [directory, keys, cacheDirectory] = [
    temporaryDirectory(context),
    temporaryDirectory(context),
    temporaryDirectory(context),
  ]
  await createRepository({ name: NAME, directory, keyDirectory: keys })
  const { publicKey, privateKey } = readKeys(NAME, keys)
  const storage = directoryStorage(directory)
  return {
    publish: (changes: readonly Change[], tag: string) =>
      publish(
        { storage, publicKeys: [publicKey], privateKey, cacheDirectory, tag: { name: tag, description: '' } },
        changes,
      ),
    /** With an empty cache. */
    open: (wrap = (source: ObjectSource) => source) =>
      openRepository({
        source: wrap(directorySource(directory)),
        publicKeys: [publicKey],
        cacheDirectory: temporaryDirectory(context),
      }),
  }
}
