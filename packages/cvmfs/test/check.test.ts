/** Every mutation that the real `check` or the real client notices is found, and some that they miss. */
import assert from 'node:assert/strict'
import { constants, privateEncrypt, sign } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { deflateSync, gzipSync, inflateSync } from 'node:zlib'
import { temporaryDirectory } from '@baryon/testing'
import {
  checkRepository,
  createRepository,
  directorySource,
  directoryStorage,
  formatContentHash,
  hashContent,
  objectName,
  parseContentHash,
  parseManifest,
  publish,
  readKeys,
} from '../index.ts'

const data = join(import.meta.dirname, 'data')
const NAME = 'check.hep.example'

test('the sample of the real tool is right', async (context) => {
  const report = await checkRepository({
    source: directorySource(join(data, 'sample')),
    publicKeys: [readFileSync(join(data, 'sample.pub'))],
    cacheDirectory: temporaryDirectory(context),
    withTags: true,
  })
  assert.deepEqual(report.problems, [])
  assert.equal(report.revisions, 2)
  assert.equal(report.catalogs, 6)
})

// As the real `pull` leaves it: other times, and of former revisions only those that have a tag.
test('a Stratum 1 has a reflog of its own', async (context) => {
  const { directory, keys } = await create(context)
  const reflog = new DatabaseSync(join(directory, '.cvmfsreflog'))
  reflog.exec('UPDATE refs SET timestamp = timestamp + 100')
  reflog.close()
  const problems = async () => {
    const report = await checkRepository({
      source: directorySource(directory),
      publicKeys: [keys.publicKey],
      cacheDirectory: temporaryDirectory(context),
    })
    return report.problems.map(({ message }) => message)
  }
  assert.deepEqual(await problems(), ['the reflog is not the one that the manifest names'])
  rmSync(join(directory, '.cvmfs_master_replica'))
  assert.deepEqual(await problems(), [])
  writeFileSync(join(directory, '.cvmfsreflog'), 'no database at all')
  assert.match((await problems()).join(), /^the reflog cannot be read: /)
})

/** `code` is the first problem that is found. */
interface Mutation {
  readonly code: string
  readonly message?: RegExp
  mutate(place: Place): void
}

const mutations: Readonly<Record<string, Mutation>> = {
  'data object corrupted': {
    code: 'CVMFS_CORRUPT',
    mutate: (place) => flip(place, place.object('/a/file'), 20),
  },
  'data object missing': {
    code: 'CVMFS_MISSING',
    mutate: (place) => rmSync(join(place.directory, place.object('/a/file'))),
  },
  'object of a whole file missing, which has chunks as well': {
    code: 'CVMFS_MISSING',
    message: /abababab/,
    mutate: (place) => {
      const file = join(place.directory, place.object('/a/file'))
      cpSync(file, `${file}P`)
      place.editCatalog(`INSERT INTO chunks SELECT md5path_1, md5path_2, 0, size, hash FROM catalog WHERE name = 'file';
        UPDATE catalog SET flags = flags | 64, hash = x'${'ab'.repeat(20)}' WHERE name = 'file';
        UPDATE statistics SET value = 1 WHERE counter IN ('self_chunked', 'self_chunks')`)
    },
  },
  'manifest body changed': {
    code: 'CVMFS_MANIFEST',
    mutate: (place) => place.edit('.cvmfspublished', (text) => text.replace('\nD240', '\nD241')),
  },
  'manifest signature changed': {
    code: 'CVMFS_SIGNATURE',
    mutate: (place) => flip(place, '.cvmfspublished', -3),
  },
  'manifest signed with SHA-256': {
    code: 'CVMFS_SIGNATURE',
    mutate: (place) => place.resign((hash) => sign('RSA-SHA256', hash, place.keys.privateKey)),
  },
  'whitelist changed': { code: 'CVMFS_WHITELIST', mutate: (place) => flip(place, '.cvmfswhitelist', 3) },
  'whitelist missing': { code: 'CVMFS_MISSING', mutate: (place) => rmSync(join(place.directory, '.cvmfswhitelist')) },
  'whitelist signed with a DigestInfo': {
    code: 'CVMFS_WHITELIST',
    mutate: (place) => place.resignWhitelist((hash) => sign('RSA-SHA1', hash, place.keys.masterKey)),
  },
  'whitelist expired': {
    code: 'CVMFS_WHITELIST_EXPIRED',
    mutate: (place) => place.editWhitelist((lines) => lines.map((line) => line.replace(/^E20\d\d/, 'E2020'))),
  },
  'whitelist of another certificate': {
    code: 'CVMFS_CERTIFICATE',
    mutate: (place) => place.editWhitelist((lines) => lines.map((line) => line.replace(/^..:..:/, '00:00:'))),
  },
  'another name': {
    code: 'CVMFS_NAME_MISMATCH',
    mutate: (place) => place.editManifest((line) => line.replace(/^N.*/, 'Nother.hep.example')),
  },
  'no D line': {
    code: 'CVMFS_MANIFEST',
    mutate: (place) => place.editManifest((line) => (line.startsWith('D') ? '' : line)),
  },
  'no S line': {
    code: 'CVMFS_MANIFEST',
    mutate: (place) => place.editManifest((line) => (line.startsWith('S') ? '' : line)),
  },
  'no C line': {
    code: 'CVMFS_MANIFEST',
    mutate: (place) => place.editManifest((line) => (line.startsWith('C') ? '' : line)),
  },
  'no R line': {
    code: 'CVMFS_MANIFEST',
    mutate: (place) => place.editManifest((line) => (line.startsWith('R') ? '' : line)),
  },
  'B wrong': { code: 'CVMFS_SIZE', mutate: (place) => place.editManifest((line) => line.replace(/^B\d+/, 'B12345')) },
  'reflog changed': {
    code: 'CVMFS_INCONSISTENT',
    message: /reflog/,
    mutate: (place) => flip(place, '.cvmfsreflog', 5000),
  },
  'reflog without the certificate': {
    code: 'CVMFS_INCONSISTENT',
    message: /the reflog lacks the certificate [0-9a-f]{40} of the manifest/,
    mutate: (place) => place.editReflog('DELETE FROM refs WHERE type = 1'),
  },
  'nested size wrong': {
    code: 'CVMFS_SIZE',
    mutate: (place) => place.editCatalog('UPDATE nested_catalogs SET size = size + 1'),
  },
  'statistics rows missing': {
    code: 'CVMFS_INCONSISTENT',
    message: /self_regular = nothing/,
    mutate: (place) => place.editCatalog("DELETE FROM statistics WHERE counter = 'self_regular'"),
  },
  'statistics values wrong': {
    code: 'CVMFS_INCONSISTENT',
    message: /subtree_dir = 77/,
    mutate: (place) => place.editCatalog("UPDATE statistics SET value = 77 WHERE counter = 'subtree_dir'"),
  },
  'directory link count wrong': {
    code: 'CVMFS_INCONSISTENT',
    message: /link count 9 instead of 2/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET hardlinks = 9 WHERE name = 'a'"),
  },
  'path hashes big endian': {
    code: 'CVMFS_INCONSISTENT',
    message: /no row for its root/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET md5path_1 = 1 WHERE name = ''"),
  },
  'a row that no directory holds': {
    code: 'CVMFS_INCONSISTENT',
    message: /rows that no directory holds/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET parent_1 = 1 WHERE name = 'link'"),
  },
  'link size wrong': {
    code: 'CVMFS_INCONSISTENT',
    message: /link of 4 bytes with the size 5/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET size = 5 WHERE name = 'link'"),
  },
  'no marker': {
    code: 'CVMFS_INCONSISTENT',
    message: /has no \.cvmfscatalog/,
    mutate: (place) =>
      place.editNested(
        "UPDATE catalog SET name = '.renamed' WHERE name = '.cvmfscatalog'; DELETE FROM catalog WHERE name = '.renamed'",
      ),
  },
  'nested catalog without root_prefix': {
    code: 'CVMFS_CATALOG',
    mutate: (place) => place.editNested("DELETE FROM properties WHERE key = 'root_prefix'"),
  },
  'a write-ahead log': {
    code: 'CVMFS_CATALOG',
    mutate: (place) => place.changeCatalog((bytes) => bytes.fill(2, 18, 20)),
  },
  'no SQLite file': {
    code: 'CVMFS_CATALOG',
    mutate: (place) => place.changeCatalog(() => Buffer.from('not a database, but longer than a header')),
  },
  'certificate without X': {
    code: 'CVMFS_MISSING',
    mutate: (place) => {
      const { certificate } = parseManifest(readFileSync(join(place.directory, '.cvmfspublished')))
      const name = objectName(certificate, 'certificate')
      cpSync(join(place.directory, name), join(place.directory, name.slice(0, -1)))
      rmSync(join(place.directory, name))
    },
  },
  'raw deflate': {
    code: 'CVMFS_CORRUPT',
    mutate: (place) => place.storeFile((bytes) => deflateSync(bytes).subarray(2, -4)),
  },
  gzip: { code: 'CVMFS_CORRUPT', mutate: (place) => place.storeFile((bytes) => gzipSync(bytes)) },
  'a bomb': { code: 'CVMFS_SIZE', mutate: (place) => place.storeFile(() => deflateSync(Buffer.alloc(50 << 20))) },
  'a name that leads out': {
    code: 'CVMFS_CATALOG',
    mutate: (place) => place.editCatalog("UPDATE catalog SET name = '..' WHERE name = 'link'"),
  },
  'a nested catalog that lies elsewhere': {
    code: 'CVMFS_CATALOG',
    mutate: (place) => place.editCatalog("UPDATE nested_catalogs SET path = '/../x'"),
  },
}

for (const [name, { code, message, mutate }] of Object.entries(mutations)) {
  test(name, async (context) => {
    const place = await create(context)
    const options = { source: directorySource(place.directory), publicKeys: [place.keys.publicKey] }
    const before = await checkRepository({ ...options, cacheDirectory: temporaryDirectory(context) })
    assert.deepEqual(before.problems, [])
    mutate(place)
    const { problems } = await checkRepository({ ...options, cacheDirectory: temporaryDirectory(context) })
    const found = problems.find(
      (problem) => problem.code === code && (message === undefined || message.test(problem.message)),
    )
    assert.ok(found, JSON.stringify(problems, undefined, 1))
  })
}

test('the wrong public key', async (context) => {
  const place = await create(context)
  const { problems } = await checkRepository({
    source: directorySource(place.directory),
    publicKeys: [readFileSync(join(data, 'sample.pub'))],
    cacheDirectory: temporaryDirectory(context),
  })
  assert.equal(problems[0]?.code, 'CVMFS_WHITELIST')
})

interface Place {
  readonly directory: string
  readonly keys: ReturnType<typeof readKeys>
  /** Name of the object of a file. */
  object(path: string): string
  edit(name: string, change: (text: string) => string): void
  /** Signs the manifest in another way. */
  resign(signature: (hash: Buffer) => Buffer): void
  editManifest(change: (line: string) => string): void
  resignWhitelist(signature: (hash: Buffer) => Buffer): void
  editWhitelist(change: (lines: string[]) => string[]): void
  /** Runs SQL in the root catalog and publishes the result. */
  editCatalog(sql: string): void
  changeCatalog(change: (bytes: Buffer) => Buffer): void
  /** Runs SQL in the reflog, and signs a manifest that names it. */
  editReflog(sql: string): void
  /** The same in the nested catalog. */
  editNested(sql: string): void
  /** Stores the contents of `/a/file` in another way. */
  storeFile(encode: (bytes: Buffer) => Buffer): void
}

async function create(context: TestContext): Promise<Place> {
  const directory = temporaryDirectory(context)
  const keyDirectory = temporaryDirectory(context)
  const scratch = temporaryDirectory(context)
  const tree = temporaryDirectory(context)
  await createRepository({ name: NAME, directory, keyDirectory })
  const keys = readKeys(NAME, keyDirectory)
  mkdirSync(join(tree, 'a'))
  writeFileSync(join(tree, 'a/file'), 'contents of a file that is compressed')
  mkdirSync(join(tree, 'nested/inner'), { recursive: true })
  writeFileSync(join(tree, 'nested/.cvmfscatalog'), '')
  writeFileSync(join(tree, 'nested/inner/other'), 'other')
  process.getBuiltinModule('node:fs').symlinkSync('file', join(tree, 'link'))
  await publish(
    {
      storage: directoryStorage(directory),
      publicKeys: [keys.publicKey],
      privateKey: keys.privateKey,
      cacheDirectory: scratch,
    },
    ['a', 'nested', 'link'].map((name) => ({ kind: 'tree', at: `/${name}`, from: join(tree, name) })),
  )
  const path = (name: string) => join(directory, name)
  const manifest = () => parseManifest(readFileSync(path('.cvmfspublished')))
  const read = (name: string) => inflateSync(readFileSync(path(name)))
  const put = (bytes: Buffer): string => {
    const stored = deflateSync(bytes)
    const hash = hashContent('sha1', stored)
    writeFileSync(path(objectName(hash, 'catalog')), stored)
    return formatContentHash(hash)
  }
  const sqlite = (bytes: Buffer, sql: string): Buffer => {
    const file = join(scratch, 'edited')
    writeFileSync(file, bytes)
    const database = new DatabaseSync(file)
    database.exec(sql)
    database.close()
    return readFileSync(file)
  }
  const lines = (name: string): string[] => readFileSync(path(name)).toString('latin1').split('\n--\n')[0]!.split('\n')
  const signed = (name: string, body: readonly string[], signature: (hash: Buffer) => Buffer): void => {
    const text = Buffer.from(`${body.join('\n')}\n`, 'latin1')
    const hash = Buffer.from(hashContent('sha1', text).hex)
    writeFileSync(path(name), Buffer.concat([text, Buffer.from('--\n'), hash, Buffer.from('\n'), signature(hash)]))
  }
  const plainSignature = (hash: Buffer) => sign('RSA-SHA1', hash, keys.privateKey)
  const rawSignature = (hash: Buffer) =>
    privateEncrypt({ key: keys.masterKey, padding: constants.RSA_PKCS1_PADDING }, hash)
  const setRoot = (bytes: Buffer): void => {
    const hash = put(bytes)
    const body = lines('.cvmfspublished').map((line) =>
      line.replace(/^C.*/, `C${hash}`).replace(/^B\d+/, `B${bytes.length}`),
    )
    signed('.cvmfspublished', body, plainSignature)
    place.editReflog(`INSERT OR IGNORE INTO refs VALUES ('${hash}', 0, 0)`)
  }
  const rootBytes = () => read(objectName(manifest().rootCatalog, 'catalog'))
  const query = (bytes: Buffer, sql: string): string => {
    const file = join(scratch, 'read')
    writeFileSync(file, bytes)
    const database = new DatabaseSync(file, { readOnly: true })
    const value = Object.values(database.prepare(sql).get()!)[0]
    database.close()
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)
  }
  const place: Place = {
    directory,
    keys,
    object: (file) =>
      objectName(
        parseContentHash(
          query(rootBytes(), `SELECT hash FROM catalog WHERE name = '${file.split('/').at(-1)}'`),
          'a hash',
        ),
        'file',
      ),
    edit: (name, change) =>
      writeFileSync(path(name), Buffer.from(change(readFileSync(path(name)).toString('latin1')), 'latin1')),
    resign: (signature) => signed('.cvmfspublished', lines('.cvmfspublished'), signature),
    editManifest: (change) =>
      signed(
        '.cvmfspublished',
        lines('.cvmfspublished')
          .map(change)
          .filter((line) => line !== ''),
        plainSignature,
      ),
    resignWhitelist: (signature) => signed('.cvmfswhitelist', lines('.cvmfswhitelist'), signature),
    editWhitelist: (change) => signed('.cvmfswhitelist', change(lines('.cvmfswhitelist')), rawSignature),
    editCatalog: (sql) => setRoot(sqlite(rootBytes(), sql)),
    changeCatalog: (change) => setRoot(change(rootBytes())),
    editReflog: (sql) => {
      const bytes = sqlite(readFileSync(path('.cvmfsreflog')), sql)
      writeFileSync(path('.cvmfsreflog'), bytes)
      place.editManifest((line) => line.replace(/^Y.*/, `Y${hashContent('sha1', bytes).hex}`))
    },
    editNested: (sql) => {
      const former = query(rootBytes(), 'SELECT sha1 FROM nested_catalogs')
      const bytes = sqlite(read(objectName(parseContentHash(former, 'a hash'), 'catalog')), sql)
      setRoot(sqlite(rootBytes(), `UPDATE nested_catalogs SET sha1 = '${put(bytes)}', size = ${bytes.length}`))
    },
    storeFile: (encode) => {
      const stored = encode(read(place.object('/a/file')))
      const hash = hashContent('sha1', stored)
      writeFileSync(path(objectName(hash, 'file')), stored)
      place.editCatalog(`UPDATE catalog SET hash = x'${hash.hex}' WHERE name = 'file'`)
    },
  }
  assert.ok(readdirSync(directory).includes('data'))
  return place
}

function flip(place: Place, name: string, offset: number): void {
  const file = join(place.directory, name)
  const bytes = readFileSync(file)
  const index = offset < 0 ? bytes.length + offset : offset
  bytes[index]! ^= 0x01
  writeFileSync(file, bytes)
}
