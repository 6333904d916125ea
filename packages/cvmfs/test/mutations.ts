/**
 * A small repository, and what can be wrong with one: what the real client or `check` notices, and some that they miss (the table in the
 * description of the format), with what they put up with.
 */
import { constants, privateEncrypt, sign } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deflateSync, gzipSync, inflateSync } from 'node:zlib'
import { type Cleanup, temporaryDirectory } from '@baryon/testing'
import {
  createRepository,
  directoryStorage,
  formatContentHash,
  hashContent,
  objectName,
  parseContentHash,
  parseManifest,
  publish,
  readKeys,
} from '../index.ts'

const NAME = 'check.hep.example'

export interface Mutation {
  /** Of a problem that is found. */
  readonly code: string
  /** What its message says is wrong. */
  readonly names: RegExp
  mutate(place: Place): void
}

/** As the name of an object in the storage. */
const OBJECT = /data\/[0-9a-f]{2}\/[0-9a-f]{38}/
const CATALOG = /^data\/[0-9a-f]{2}\/[0-9a-f]{38}C: a catalog /

export const mutations: Readonly<Record<string, Mutation>> = {
  'data object corrupted': {
    code: 'CVMFS_CORRUPT',
    names: OBJECT,
    mutate: (place) => flip(place, place.object('/a/file'), 20),
  },
  'data object missing': {
    code: 'CVMFS_MISSING',
    names: OBJECT,
    mutate: (place) => rmSync(join(place.directory, place.object('/a/file'))),
  },
  'object of a whole file missing, which has chunks as well': {
    code: 'CVMFS_MISSING',
    names: /abababab/,
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
    names: /manifest/,
    mutate: (place) => place.edit('.cvmfspublished', (text) => text.replace('\nD240', '\nD241')),
  },
  'manifest signature changed': {
    code: 'CVMFS_SIGNATURE',
    names: /manifest/,
    mutate: (place) => flip(place, '.cvmfspublished', -3),
  },
  'manifest signed with SHA-256': {
    code: 'CVMFS_SIGNATURE',
    names: /manifest/,
    mutate: (place) => place.resign((hash) => sign('RSA-SHA256', hash, place.keys.privateKey)),
  },
  'whitelist changed': {
    code: 'CVMFS_WHITELIST',
    names: /whitelist/,
    mutate: (place) => flip(place, '.cvmfswhitelist', 3),
  },
  'whitelist missing': {
    code: 'CVMFS_MISSING',
    names: /\.cvmfswhitelist/,
    mutate: (place) => rmSync(join(place.directory, '.cvmfswhitelist')),
  },
  'whitelist signed with a DigestInfo': {
    code: 'CVMFS_WHITELIST',
    names: /whitelist/,
    mutate: (place) => place.resignWhitelist((hash) => sign('RSA-SHA1', hash, place.keys.masterKey)),
  },
  'whitelist expired': {
    code: 'CVMFS_WHITELIST_EXPIRED',
    names: /whitelist/,
    mutate: (place) => place.editWhitelist((lines) => lines.map((line) => line.replace(/^E20\d\d/, 'E2020'))),
  },
  'whitelist of another certificate': {
    code: 'CVMFS_CERTIFICATE',
    names: /certificate/,
    mutate: (place) => place.editWhitelist((lines) => lines.map((line) => line.replace(/^..:..:/, '00:00:'))),
  },
  'another name': {
    code: 'CVMFS_NAME_MISMATCH',
    names: /other\.hep\.example/,
    mutate: (place) => place.editManifest((line) => line.replace(/^N.*/, 'Nother.hep.example')),
  },
  'no D line': {
    code: 'CVMFS_MANIFEST',
    names: /manifest/,
    mutate: (place) => place.editManifest((line) => (line.startsWith('D') ? '' : line)),
  },
  'no S line': {
    code: 'CVMFS_MANIFEST',
    names: /manifest/,
    mutate: (place) => place.editManifest((line) => (line.startsWith('S') ? '' : line)),
  },
  'no C line': {
    code: 'CVMFS_MANIFEST',
    names: /manifest/,
    mutate: (place) => place.editManifest((line) => (line.startsWith('C') ? '' : line)),
  },
  'no R line': {
    code: 'CVMFS_MANIFEST',
    names: /manifest/,
    mutate: (place) => place.editManifest((line) => (line.startsWith('R') ? '' : line)),
  },
  'B wrong': {
    code: 'CVMFS_SIZE',
    names: OBJECT,
    mutate: (place) => place.editManifest((line) => line.replace(/^B\d+/, 'B12345')),
  },
  'reflog changed': {
    code: 'CVMFS_INCONSISTENT',
    names: /reflog/,
    mutate: (place) => flip(place, '.cvmfsreflog', 5000),
  },
  'reflog without the certificate': {
    code: 'CVMFS_INCONSISTENT',
    names: /the reflog lacks the certificate [0-9a-f]{40} of the manifest/,
    mutate: (place) => place.editReflog('DELETE FROM refs WHERE type = 1'),
  },
  'nested size wrong': {
    code: 'CVMFS_SIZE',
    names: OBJECT,
    mutate: (place) => place.editCatalog('UPDATE nested_catalogs SET size = size + 1'),
  },
  'statistics rows missing': {
    code: 'CVMFS_INCONSISTENT',
    names: /self_regular = nothing/,
    mutate: (place) => place.editCatalog("DELETE FROM statistics WHERE counter = 'self_regular'"),
  },
  'statistics values wrong': {
    code: 'CVMFS_INCONSISTENT',
    names: /subtree_dir = 77/,
    mutate: (place) => place.editCatalog("UPDATE statistics SET value = 77 WHERE counter = 'subtree_dir'"),
  },
  'directory link count wrong': {
    code: 'CVMFS_INCONSISTENT',
    names: /link count 9 instead of 2/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET hardlinks = 9 WHERE name = 'a'"),
  },
  'path hashes big endian': {
    code: 'CVMFS_INCONSISTENT',
    names: /no row for its root/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET md5path_1 = 1 WHERE name = ''"),
  },
  'a row that no directory holds': {
    code: 'CVMFS_INCONSISTENT',
    names: /rows that no directory holds/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET parent_1 = 1 WHERE name = 'link'"),
  },
  'link size wrong': {
    code: 'CVMFS_INCONSISTENT',
    names: /link of 4 bytes with the size 5/,
    mutate: (place) => place.editCatalog("UPDATE catalog SET size = 5 WHERE name = 'link'"),
  },
  'no marker': {
    code: 'CVMFS_INCONSISTENT',
    names: /has no \.cvmfscatalog/,
    mutate: (place) =>
      place.editNested(
        "UPDATE catalog SET name = '.renamed' WHERE name = '.cvmfscatalog'; DELETE FROM catalog WHERE name = '.renamed'",
      ),
  },
  'nested catalog without root_prefix': {
    code: 'CVMFS_CATALOG',
    names: CATALOG,
    mutate: (place) => place.editNested("DELETE FROM properties WHERE key = 'root_prefix'"),
  },
  'a write-ahead log': {
    code: 'CVMFS_CATALOG',
    names: CATALOG,
    mutate: (place) => place.changeCatalog((bytes) => bytes.fill(2, 18, 20)),
  },
  'no SQLite file': {
    code: 'CVMFS_CATALOG',
    names: CATALOG,
    mutate: (place) => place.changeCatalog(() => Buffer.from('not a database, but longer than a header')),
  },
  'certificate without X': {
    code: 'CVMFS_MISSING',
    names: OBJECT,
    mutate: (place) => {
      const { certificate } = parseManifest(readFileSync(join(place.directory, '.cvmfspublished')))
      const name = objectName(certificate, 'certificate')
      cpSync(join(place.directory, name), join(place.directory, name.slice(0, -1)))
      rmSync(join(place.directory, name))
    },
  },
  'raw deflate': {
    code: 'CVMFS_CORRUPT',
    names: OBJECT,
    mutate: (place) => place.storeFile((bytes) => deflateSync(bytes).subarray(2, -4)),
  },
  gzip: { code: 'CVMFS_CORRUPT', names: OBJECT, mutate: (place) => place.storeFile((bytes) => gzipSync(bytes)) },
  'hash over the plain bytes': {
    code: 'CVMFS_CORRUPT',
    names: OBJECT,
    mutate: (place) =>
      place.storeFile(
        (bytes) => deflateSync(bytes),
        (bytes) => bytes,
      ),
  },
  'no table of bind mount points': {
    code: 'CVMFS_INCONSISTENT',
    names: /catalog of '\/nested' has no table bind_mountpoints/,
    mutate: (place) => place.editNested('DROP TABLE bind_mountpoints'),
  },
  'a bomb': {
    code: 'CVMFS_SIZE',
    names: OBJECT,
    mutate: (place) => place.storeFile(() => deflateSync(Buffer.alloc(50 << 20))),
  },
  'a name that leads out': {
    code: 'CVMFS_CATALOG',
    names: CATALOG,
    mutate: (place) => place.editCatalog("UPDATE catalog SET name = '..' WHERE name = 'link'"),
  },
  'a nested catalog that lies elsewhere': {
    code: 'CVMFS_CATALOG',
    names: CATALOG,
    mutate: (place) => place.editCatalog("UPDATE nested_catalogs SET path = '/../x'"),
  },
}

const WITHOUT = /^[GATHMY]/

/** What real clients put up with, and so do we. */
export const harmless: Readonly<Record<string, (place: Place) => void>> = {
  'no G, A, T, H, M and Y': (place) => {
    // Without a reflog there is nothing to compare.
    rmSync(join(place.directory, '.cvmfsreflog'))
    place.editManifest((line) => (WITHOUT.test(line) ? '' : line))
  },
  'no B': (place) => place.editManifest((line) => (line.startsWith('B') ? '' : line)),
  'nested size 0': (place) => place.editCatalog('UPDATE nested_catalogs SET size = 0'),
  'no nested size': (place) => place.editCatalog('UPDATE nested_catalogs SET size = NULL'),
  'no properties but those that are needed': (place) => {
    place.editNested("DELETE FROM properties WHERE key IN ('last_modified', 'revision', 'previous_revision')")
    place.editCatalog("DELETE FROM properties WHERE key IN ('last_modified', 'TTL', 'revision', 'previous_revision')")
  },
  'pages of 1024 bytes': (place) => place.editCatalog('PRAGMA page_size = 1024; VACUUM'),
  'schema revision 6': (place) => {
    const sql = `ALTER TABLE catalog DROP COLUMN mtimens; UPDATE properties SET value = '6' WHERE key = 'schema_revision'`
    place.editNested(sql)
    place.editCatalog(sql)
  },
  'zlib level 9': (place) => place.storeFile((bytes) => deflateSync(bytes, { level: 9 })),
  'contents as they are': (place) => {
    place.storeFile((bytes) => bytes)
    place.editCatalog("UPDATE catalog SET flags = flags | 2048 WHERE name = 'file'")
  },
  'chunks of any size': (place) => place.storeChunks([1, 7, 2]),
}

export interface Place {
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
  /** Stores the contents of `/a/file` in another way, under the hash of these or of other bytes. */
  storeFile(encode: (bytes: Buffer) => Buffer, hashed?: (bytes: Buffer) => Buffer): void
  /** Stores them as chunks of so many bytes, and one of all that is left. */
  storeChunks(sizes: readonly number[]): void
}

export async function create(context: Cleanup): Promise<Place> {
  const [directory, scratch] = [temporaryDirectory(context), temporaryDirectory(context)]
  original ??= createOriginal()
  const { repository, keys } = await original
  cpSync(repository, directory, { recursive: true })
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
    storeFile: (encode, hashed = encode) => {
      const bytes = read(place.object('/a/file'))
      const stored = encode(bytes)
      const hash = hashContent('sha1', hashed(bytes))
      writeFileSync(path(objectName(hash, 'file')), stored)
      place.editCatalog(`UPDATE catalog SET hash = x'${hash.hex}' WHERE name = 'file'`)
    },
    storeChunks: (sizes) => {
      const bytes = read(place.object('/a/file'))
      const cuts = [0, ...sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size))]
      const rows = cuts.map((cut, index) => {
        const plain = bytes.subarray(cut, cuts[index + 1])
        const stored = deflateSync(plain)
        const hash = hashContent('sha1', stored)
        writeFileSync(path(objectName(hash, 'chunk')), stored)
        return `SELECT md5path_1, md5path_2, ${cut}, ${plain.length}, x'${hash.hex}' FROM catalog WHERE name = 'file'`
      })
      place.editCatalog(`INSERT INTO chunks ${rows.join(' UNION ALL ')};
        UPDATE catalog SET flags = flags | 64, hash = NULL WHERE name = 'file';
        UPDATE statistics SET value = ${rows.length} WHERE counter = 'self_chunks';
        UPDATE statistics SET value = 1 WHERE counter = 'self_chunked';
        UPDATE statistics SET value = ${bytes.length} WHERE counter = 'self_chunked_size'`)
    },
  }
  return place
}

function flip(place: Place, name: string, offset: number): void {
  const file = join(place.directory, name)
  const bytes = readFileSync(file)
  const index = offset < 0 ? bytes.length + offset : offset
  bytes[index]! ^= 0x01
  writeFileSync(file, bytes)
}

/** Made once: keys take long. */
let original: ReturnType<typeof createOriginal> | undefined

async function createOriginal() {
  const top = mkdtempSync(join(tmpdir(), 'baryon-check-original-'))
  process.on('exit', () => rmSync(top, { recursive: true, force: true }))
  const [repository, keyDirectory, tree] = ['repository', 'keys', 'tree'].map((name) => join(top, name)) as [
    string,
    string,
    string,
  ]
  await createRepository({ name: NAME, directory: repository, keyDirectory })
  const keys = readKeys(NAME, keyDirectory)
  mkdirSync(join(tree, 'a'), { recursive: true })
  writeFileSync(join(tree, 'a/file'), 'contents of a file that is compressed')
  mkdirSync(join(tree, 'nested/inner'), { recursive: true })
  writeFileSync(join(tree, 'nested/.cvmfscatalog'), '')
  writeFileSync(join(tree, 'nested/inner/other'), 'other')
  symlinkSync('file', join(tree, 'link'))
  await publish(
    {
      storage: directoryStorage(repository),
      publicKeys: [keys.publicKey],
      privateKey: keys.privateKey,
      cacheDirectory: join(top, 'cache'),
    },
    ['a', 'nested', 'link'].map((name) => ({ kind: 'tree', at: `/${name}`, from: join(tree, name) })),
  )
  return { repository, keys }
}
