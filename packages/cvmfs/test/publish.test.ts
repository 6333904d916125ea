import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UserError } from '@baryon/format'
import { temporaryDirectory } from '@baryon/testing'
import {
  type Change,
  checkRepository,
  createRepository,
  directorySource,
  directoryStorage,
  type ObjectStorage,
  openRepository,
  openXattrReader,
  type PublishOptions,
  publish,
  type Repository,
  type Revision,
  readKeys,
} from '../index.ts'
import type { Catalog } from '../src/catalog.ts'
import { assertRight } from './assert-right.ts'

const data = join(import.meta.dirname, 'data')
const NAME = 'test.hep.example'

test('what the real tool wrote, published by us, makes the same catalogs', async (context) => {
  const sample = await openRepository({
    source: directorySource(join(data, 'sample')),
    publicKeys: [readFileSync(join(data, 'sample.pub'))],
    cacheDirectory: temporaryDirectory(context),
  })
  const theirs = await sample.revision('v1')
  const tree = temporaryDirectory(context)
  await materialise(theirs, tree)
  // Older versions of Node cannot call the C library, and so read no extended attributes.
  const readXattrs = process.getBuiltinModule('node:ffi') === undefined ? undefined : openXattrReader()
  const place = await create(context, { readXattrs })
  const tops = readdirSync(tree)
  await place.publish(tops.map((name) => ({ kind: 'tree', at: `/${name}`, from: join(tree, name) })))
  const ours = await (await place.open()).revision()

  // The root of ours was changed at another time.
  const strip = (rows: readonly Row[]) =>
    rows.map(({ xattrs, ...row }) => ({
      ...row,
      xattrs: readXattrs === undefined ? {} : xattrs,
      mtime: row.path === '' ? 0 : row.mtime,
      ns: row.path === '' ? 0 : row.ns,
    }))
  assert.deepEqual(strip(await rowsOf(ours)), strip(await rowsOf(theirs)))
  const counters = (catalogs: readonly Catalog[]) =>
    catalogs.map(({ path, statistics }) => [
      path,
      Object.fromEntries(
        [...statistics].filter(([name]) => readXattrs !== undefined || !name.endsWith('_xattr')).sort(),
      ),
    ])
  assert.deepEqual(counters(await catalogsOf(ours)), counters(await catalogsOf(theirs)))
  await ours.close()
  await theirs.close()
})

// The real client reads it there (`Catalog::GetTTL`), and asks every 240 s where it is not, whatever the manifest says.
test('root catalogs say for how long they are used', async (context) => {
  const place = await create(context, {}, 61)
  const ttls = async () => {
    const revision = await (await place.open()).revision()
    const found = (await catalogsOf(revision)).map((catalog) => [catalog.path, catalog.number('TTL')])
    await revision.close()
    return found
  }
  assert.deepEqual(await ttls(), [['', 61]])
  await place.publish([{ kind: 'catalog', at: '/nested' }])
  assert.deepEqual(await ttls(), [
    ['', 61],
    ['/nested', undefined],
  ])
})

// `found abandoned nested catalog marker`, says the real check of anything else with this name.
test('what marks catalogs by its name is a file, and comes with its directory', async (context) => {
  const place = await create(context)
  const make = {
    directory: (at: string) => mkdirSync(at),
    link: (at: string) => symlinkSync('target', at),
    pipe: (at: string) => execFileSync('mkfifo', [at]),
  }
  for (const [kind, put] of Object.entries(make)) {
    const tree = temporaryDirectory(context)
    mkdirSync(join(tree, 'a'))
    put(join(tree, 'a/.cvmfscatalog'))
    await assert.rejects(place.publish([{ kind: 'tree', at: '/t', from: tree }]), { code: 'CVMFS_RESERVED' }, kind)
  }
  await place.publish([{ kind: 'catalog', at: '/nested' }])
  const bytes = () => Buffer.from('')
  for (const at of ['/nested/.cvmfscatalog', '/new/.cvmfscatalog', '/new/.cvmfscatalog/file']) {
    await assert.rejects(place.publish([{ kind: 'file', at, bytes }]), { code: 'CVMFS_RESERVED' })
  }
  await assert.rejects(place.publish([{ kind: 'remove', at: '/nested/.cvmfscatalog' }]), { code: 'CVMFS_RESERVED' })
  assert.deepEqual(await files(place), { '/nested/.cvmfscatalog': '' })
})

test('many objects are published also where there is no sync', async (context) => {
  const place = await create(context)
  const tree = temporaryDirectory(context)
  for (let index = 0; index < 50; index++) writeFileSync(join(tree, `f${index}`), `contents ${index}`)
  const { PATH } = process.env
  process.env.PATH = temporaryDirectory(context)
  try {
    await place.publish([{ kind: 'tree', at: '/t', from: tree }])
  } finally {
    process.env.PATH = PATH
  }
  assert.equal(Object.keys(await files(place)).length, 50)
})

test('a certificate of ours is one for openssl', async (context) => {
  const place = await create(context)
  const file = join(place.keys, `${NAME}.crt`)
  const text = execFileSync('openssl', ['x509', '-in', file, '-noout', '-subject', '-text'], { encoding: 'utf8' })
  assert.match(text, /CN = test\.hep\.example CernVM-FS Release Managers/)
  execFileSync('openssl', ['verify', '-CAfile', file, file])
  // Manifest and whitelist by openssl, as the format page has them.
  const key = join(place.keys, `${NAME}.key`)
  const { hash, signature } = splitSigned(readFileSync(join(place.directory, '.cvmfspublished')))
  const [input, signed] = [join(place.keys, 'hash'), join(place.keys, 'signature')]
  writeFileSync(input, hash)
  assert.deepEqual(execFileSync('openssl', ['dgst', '-sha1', '-sign', key, input]), signature)
  const whitelist = splitSigned(readFileSync(join(place.directory, '.cvmfswhitelist')))
  writeFileSync(signed, whitelist.signature)
  const recovered = execFileSync('openssl', [
    'pkeyutl',
    '-verifyrecover',
    '-pubin',
    '-inkey',
    join(place.keys, `${NAME}.pub`),
    '-in',
    signed,
  ])
  assert.equal(recovered.toString(), whitelist.hash)
  assert.equal(lstatSync(key).mode & 0o777, 0o600)
})

test('keys that are there are used, those that are missing made', async (context) => {
  const [keys, one, other] = [temporaryDirectory(context), temporaryDirectory(context), temporaryDirectory(context)]
  await createRepository({ name: NAME, directory: one, keyDirectory: keys })
  const file = (suffix: string) => join(keys, `${NAME}.${suffix}`)
  const before = ['masterkey', 'pub', 'key', 'crt'].map((suffix) => readFileSync(file(suffix), 'utf8'))
  // As if it had been killed after the first one.
  for (const suffix of ['pub', 'key', 'crt']) rmSync(file(suffix))
  await createRepository({ name: NAME, directory: other, keyDirectory: keys })
  assert.deepEqual([readFileSync(file('masterkey'), 'utf8'), readFileSync(file('pub'), 'utf8')], before.slice(0, 2))
  const source = directorySource(other)
  await openRepository({ source, publicKeys: [before[1]!], cacheDirectory: temporaryDirectory(context) })
  assert.deepEqual(readdirSync(keys).length, 4)
})

test('changes, additions, deletions, and what is left alone', async (context) => {
  const place = await create(context)
  const tree = temporaryDirectory(context)
  write(tree, 'a/one', 'one')
  write(tree, 'a/deep/two', 'two')
  write(tree, 'b/.cvmfscatalog', '')
  write(tree, 'b/three', 'three')
  write(tree, 'b/inner/.cvmfscatalog', '')
  write(tree, 'b/inner/four', 'four')
  await place.publish([{ kind: 'tree', at: '/x/y', from: tree }])
  assert.deepEqual(await files(place), {
    '/x/y/a/deep/two': 'two',
    '/x/y/a/one': 'one',
    '/x/y/b/.cvmfscatalog': '',
    '/x/y/b/inner/.cvmfscatalog': '',
    '/x/y/b/inner/four': 'four',
    '/x/y/b/three': 'three',
  })
  write(tree, 'a/one', 'changed')
  const second = await place.publish([{ kind: 'tree', at: '/x/y/a', from: join(tree, 'a') }])
  // The nested catalogs are not touched.
  assert.equal(second.catalogs, 1)
  assert.equal(second.manifest.revision, 3)
  const third = await place.publish([
    { kind: 'remove', at: '/x/y/a/deep' },
    { kind: 'tree', at: '/x/y/b/inner/five', from: join(tree, 'a/one') },
  ])
  assert.equal(third.catalogs, 3)
  assert.deepEqual(await files(place), {
    '/x/y/a/one': 'changed',
    '/x/y/b/.cvmfscatalog': '',
    '/x/y/b/inner/.cvmfscatalog': '',
    '/x/y/b/inner/five': 'changed',
    '/x/y/b/inner/four': 'four',
    '/x/y/b/three': 'three',
  })
  await place.publish([{ kind: 'remove', at: '/x/y/b' }])
  assert.deepEqual(await files(place), { '/x/y/a/one': 'changed' })
  const tags = (await (await place.open()).tags()).map(({ name, revision }) => `${name} ${revision}`)
  assert.deepEqual(tags, ['trunk 5', 'trunk-previous 4'])
  await assert.rejects(place.publish([{ kind: 'remove', at: '/x/nothing' }]), { code: 'CVMFS_NO_ENTRY' })
  await assert.rejects(place.publish([{ kind: 'remove', at: '/x/../y' }]), { code: 'CVMFS_PATH' })
  await assert.rejects(place.publish([{ kind: 'tree', at: '/x/y/a/one/below', from: tree }]), {
    code: 'CVMFS_NO_DIRECTORY',
  })
})

test('large files are cut where the real tool cuts, small ones are not', async (context) => {
  const place = await create(context)
  const tree = temporaryDirectory(context)
  const large = Buffer.alloc(40 << 20)
  for (let index = 0, state = 1; index < large.length; index += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    large.writeUInt32LE(state, index)
  }
  writeFileSync(join(tree, 'large'), large)
  writeFileSync(join(tree, 'zeros'), Buffer.alloc(20 << 20))
  await place.publish([{ kind: 'tree', at: '/data', from: tree }])
  const revision = await (await place.open()).revision()
  const entry = (await revision.entry('/data/large'))!
  assert.ok(entry.chunks!.length >= 3)
  for (const { size } of entry.chunks!.slice(0, -1)) assert.ok(size >= 4 << 20 && size <= 16 << 20)
  assert.ok((await contents(revision, '/data/large')).equals(large))
  // Hard cuts at 16 MiB, where nothing makes another one.
  assert.deepEqual(
    (await revision.entry('/data/zeros'))!.chunks!.map(({ size }) => size),
    [16 << 20, 4 << 20],
  )
  await revision.close()
})

test('a catalog is replaced and changed by the same publish', async (context) => {
  const place = await create(context)
  const [former, tree] = [temporaryDirectory(context), temporaryDirectory(context)]
  for (const top of [former, tree]) write(top, '.cvmfscatalog', '')
  write(former, 'former', '')
  write(tree, 'new', 'text')
  await place.publish([{ kind: 'tree', at: '/a', from: former }])
  await place.publish([
    { kind: 'tree', at: '/a', from: tree },
    { kind: 'tree', at: '/a/more', from: join(tree, 'new') },
  ])
  assert.deepEqual(await files(place), { '/a/.cvmfscatalog': '', '/a/more': 'text', '/a/new': 'text' })
  await assertRight(context, place.directory, readKeys(NAME, place.keys).publicKey)
})

test('files from memory, and what markers say', async (context) => {
  const place = await create(context)
  const [plain, marked] = [temporaryDirectory(context), temporaryDirectory(context)]
  write(plain, 'x', 'x')
  write(marked, '.cvmfscatalog', 'its own')
  const marker = () => Buffer.from('about the tree')
  const changes: Change[] = [
    { kind: 'tree', at: '/plain', from: plain, isNested: true, marker, isImmutable: true },
    { kind: 'tree', at: '/marked', from: marked, isNested: true, marker },
    { kind: 'file', at: '/below/it', bytes: () => Buffer.from('from memory'), isImmutable: true },
  ]
  const expected = {
    '/below/it': 'from memory',
    '/marked/.cvmfscatalog': 'its own',
    '/plain/.cvmfscatalog': 'about the tree',
    '/plain/x': 'x',
  }
  await place.publish(changes)
  assert.deepEqual(await files(place), expected)
  // What is there stays, or is replaced.
  assert.equal((await place.publish([changes[0]!, changes[2]!])).catalogs, 0)
  await place.publish([{ kind: 'file', at: '/below/it', bytes: () => Buffer.from('anew') }])
  assert.deepEqual(await files(place), { ...expected, '/below/it': 'anew' })
  const report = await checkRepository({
    source: directorySource(place.directory),
    publicKeys: [readKeys(NAME, place.keys).publicKey],
    cacheDirectory: temporaryDirectory(context),
  })
  assert.deepEqual(report.problems, [])
})

test('links are made without a tree, and stay where they lead where they should', async (context) => {
  const place = await create(context)
  const link = (at: string, target: string): Change => ({ kind: 'link', at, target })
  await place.publish([link('/HEP/1.0/tag', '../../nix/store/a'), link('/top', 'HEP')])
  const first = await links(place)
  assert.deepEqual(first, { '/HEP/1.0/tag': '../../nix/store/a', '/top': 'HEP' })
  assert.equal((await place.publish([link('/HEP/1.0/tag', '../../nix/store/a')])).catalogs, 0)
  await place.publish([link('/HEP/1.0/tag', '../../nix/store/b')])
  assert.deepEqual(await links(place), { ...first, '/HEP/1.0/tag': '../../nix/store/b' })
  const report = await checkRepository({
    source: directorySource(place.directory),
    publicKeys: [readKeys(NAME, place.keys).publicKey],
    cacheDirectory: temporaryDirectory(context),
  })
  assert.deepEqual(report.problems, [])
})

test('one publishes at a time, and what fails changes nothing', async (context) => {
  const place = await create(context)
  const tree = temporaryDirectory(context)
  write(tree, 'file', 'text')
  const lock = await directoryStorage(place.directory).lock()
  await assert.rejects(place.publish([{ kind: 'tree', at: '/a', from: tree }]), { code: 'CVMFS_LOCKED' })
  await lock.release()
  const before = readFileSync(join(place.directory, '.cvmfspublished'))
  await assert.rejects(
    place.publish([
      { kind: 'tree', at: '/a', from: tree },
      { kind: 'remove', at: '/nothing' },
    ]),
    { code: 'CVMFS_NO_ENTRY' },
  )
  assert.deepEqual(readFileSync(join(place.directory, '.cvmfspublished')), before)
  await place.publish([{ kind: 'tree', at: '/a', from: tree }])
  assert.deepEqual(await files(place), { '/a/file': 'text' })
})

test('on a full disk nothing stays of a publish but what was there', async (context) => {
  let full: ObjectStorage | undefined
  const place: Place = await create(context, {
    get storage() {
      return full ?? directoryStorage(place.directory)
    },
  })
  await place.publish([{ kind: 'file', at: '/old', bytes: () => Buffer.from('text 7') }])
  const tree = temporaryDirectory(context)
  for (let index = 0; index < 20; index++) write(tree, `file-${index}`, `text ${index}`)
  const objects = async (): Promise<string[]> => {
    const names: string[] = []
    for await (const { name } of directoryStorage(place.directory).objects()) names.push(name)
    return names.sort()
  }
  const before = await objects()
  for (const room of [0, 1, 10, 20]) {
    const real = directoryStorage(place.directory)
    let left = room
    full = {
      ...real,
      put: async (...object) => {
        if (left-- === 0) throw new UserError('DISK_FULL', 'no space left')
        await real.put(...object)
      },
    }
    await assert.rejects(place.publish([{ kind: 'tree', at: '/a', from: tree }]), { code: 'DISK_FULL' })
    assert.deepEqual(await objects(), before, `after ${room}`)
  }
  full = undefined
  await place.publish([{ kind: 'tree', at: '/a', from: tree }])
  assert.equal(Object.keys(await files(place)).length, 21)
})

interface Place {
  readonly directory: string
  readonly keys: string
  publish(changes: readonly Change[]): ReturnType<typeof publish>
  open(): Promise<Repository>
}

async function create(context: TestContext, options: Partial<PublishOptions> = {}, ttl?: number): Promise<Place> {
  const directory = temporaryDirectory(context)
  const keys = temporaryDirectory(context)
  const cacheDirectory = temporaryDirectory(context)
  await createRepository({ name: NAME, directory, keyDirectory: keys, ...(ttl === undefined ? {} : { ttl }) })
  const { publicKey } = readKeys(NAME, keys)
  const privateKey = createPrivateKey(readFileSync(join(keys, `${NAME}.key`)))
  return {
    directory,
    keys,
    publish: (changes) =>
      publish(
        { storage: directoryStorage(directory), publicKeys: [publicKey], privateKey, cacheDirectory, ...options },
        changes,
      ),
    open: () => openRepository({ source: directorySource(directory), publicKeys: [publicKey], cacheDirectory }),
  }
}

async function files(place: Place): Promise<Record<string, string>> {
  const revision = await (await place.open()).revision()
  const found: Record<string, string> = {}
  for await (const entry of revision.walk()) {
    if (entry.kind === 'file') found[entry.path] = (await contents(revision, entry.path)).toString()
  }
  await checkCounts(revision)
  await revision.close()
  return found
}

async function links(place: Place): Promise<Record<string, string>> {
  const revision = await (await place.open()).revision()
  const found: Record<string, string> = {}
  for await (const entry of revision.walk()) if (entry.kind === 'symlink') found[entry.path] = entry.target
  await checkCounts(revision)
  await revision.close()
  return found
}

/** Counts again, from the entries alone. */
async function checkCounts(revision: Revision): Promise<void> {
  for (const catalog of await catalogsOf(revision)) {
    const entries = [...walkCatalog(catalog, catalog.path)]
    const directories = entries.filter(({ kind }) => kind === 'directory')
    const regular = entries.filter(({ kind }) => kind === 'file')
    assert.equal(catalog.statistics.get('self_regular'), regular.length, catalog.path)
    assert.equal(catalog.statistics.get('self_dir'), directories.length, catalog.path)
    assert.equal(catalog.statistics.get('self_nested'), catalog.nested.length, catalog.path)
    for (const one of directories) {
      const below = (await revision.list(one.path)).filter(({ kind }) => kind === 'directory')
      assert.equal(one.linkCount, 2 + below.length, one.path)
    }
    let subtree = 0
    for (const nested of catalog.nested) {
      const { statistics } = await revision.catalog(nested)
      subtree += statistics.get('self_regular')! + statistics.get('subtree_regular')!
    }
    assert.equal(catalog.statistics.get('subtree_regular'), subtree, catalog.path)
  }
}

function* walkCatalog(catalog: Catalog, path: string): Generator<ReturnType<Catalog['list']>[number]> {
  yield catalog.entry(path)!
  for (const entry of catalog.list(path)) {
    if (entry.kind === 'directory' && !entry.isNestedCatalog) yield* walkCatalog(catalog, entry.path)
    else yield entry
  }
}

async function catalogsOf(revision: Revision): Promise<Catalog[]> {
  const visit = async (catalog: Catalog): Promise<Catalog[]> => {
    const below = await Promise.all(catalog.nested.map(async (nested) => visit(await revision.catalog(nested))))
    return [catalog, ...below.flat()]
  }
  return (await visit(await revision.rootCatalog())).sort((a, b) => (a.path < b.path ? -1 : 1))
}

interface Row {
  readonly path: string
  readonly mtime: number
  readonly ns: number | undefined
  readonly xattrs: object
}

async function rowsOf(revision: Revision): Promise<Row[]> {
  const rows: Row[] = []
  for await (const entry of revision.walk()) {
    const { hash: _, chunks, xattrs, mtimeNanoseconds: ns, ...rest } = entry
    const text = entry.kind === 'file' ? (await contents(revision, entry.path)).toString('latin1') : ''
    rows.push({ ...rest, ns, xattrs, text, cuts: chunks?.map(({ offset, size }) => [offset, size]) } as Row)
  }
  return rows.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function contents(revision: Revision, path: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of revision.read((await revision.entry(path))!)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** Puts a revision on the disk, with hard links and times. */
async function materialise(revision: Revision, directory: string): Promise<void> {
  const first = new Map<string, string>()
  const times: (() => void)[] = []
  for await (const entry of revision.walk()) {
    const place = Buffer.from(Buffer.from(directory).toString('latin1') + entry.path, 'latin1')
    if (entry.path === '') continue
    const time = `${entry.mtime}.${String(entry.mtimeNanoseconds ?? 0).padStart(9, '0')}`
    if (entry.kind === 'directory') mkdirSync(place)
    else if (entry.kind === 'symlink') symlinkSync(Buffer.from(entry.target, 'latin1'), place)
    else if (entry.kind === 'file') {
      const group = `${dirname(entry.path)} ${entry.hardlinkGroup}`
      const other = entry.hardlinkGroup === 0 ? undefined : first.get(group)
      if (other === undefined) writeFileSync(place, await contents(revision, entry.path))
      else linkSync(Buffer.from(other, 'latin1'), place)
      first.set(group, place.toString('latin1'))
    }
    if (entry.kind !== 'symlink') chmodSync(place, entry.mode & 0o7777)
    if (entry.xattrs.size > 0) setXattrs(place, entry.xattrs)
    // Node's times have not enough digits.
    times.push(() => execFileSync('touch', ['-h', '-d', `@${time}`, '--', place.toString('utf8')]))
  }
  for (const set of times.reverse()) set()
}

function setXattrs(file: Buffer, xattrs: ReadonlyMap<string, string>): void {
  const program =
    'import json, os, sys; file, pairs = json.load(sys.stdin)\nfor name, value in pairs: os.setxattr(file.encode("latin1"), name, value.encode("latin1"))'
  execFileSync('python3', ['-c', program], { input: JSON.stringify([file.toString('latin1'), [...xattrs]]) })
}

function write(tree: string, path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true })
  writeFileSync(join(tree, path), text)
}

function splitSigned(bytes: Buffer): { readonly hash: string; readonly signature: Buffer } {
  const start = bytes.indexOf('\n--\n') + 4
  const end = bytes.indexOf('\n', start)
  return { hash: bytes.toString('latin1', start, end), signature: bytes.subarray(end + 1) }
}
