/** Files of a store that somebody else may have written: another program, another version, a failing disk. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openSourceArchive } from '@baryon/fetch'
import { formatHash, hashBytes, UserError } from '@baryon/format'
import { allRoots, decodePositions, encodePositions, openStore, type Store } from '@baryon/store'
import { randomNumbers } from '@baryon/testing'
import type { Format } from '../format.ts'

const STORE = '/nix/store'

export const storeFiles: readonly Format[] = [
  {
    name: 'database',
    samples: databases,
    writes: true,
    words: ['ValidPaths', 'create table', '\0'],
    read: readDatabase,
  },
  { name: 'database-rows', samples: () => [SOUND_ROWS], writes: true, read: readDatabaseRows },
  {
    name: 'temporary-roots',
    samples: temporaryRoots,
    writes: true,
    words: ['\0', '/nix/store/', '\n', '..'],
    read: readTemporaryRoots,
  },
  { name: 'positions', samples: positions, read: (bytes) => void decodePositions(bytes) },
  {
    name: 'source-record',
    samples: records,
    writes: true,
    words: ['"', '{', '}', '[', 'null', ':', 'sha256:'],
    read: readSourceRecord,
  },
]

function databases(directory: string): Uint8Array[] {
  const store = filledStore(directory)
  store.database.barrier()
  store.close()
  return [readFileSync(`${directory}/nix/var/nix/db/db.sqlite`)]
}

function readDatabase(bytes: Buffer, directory: string): void {
  mkdirSync(`${directory}/nix/var/nix/db`, { recursive: true })
  writeFileSync(`${directory}/nix/var/nix/db/schema`, '10')
  writeFileSync(`${directory}/nix/var/nix/db/db.sqlite`, bytes)
  askEverything(() => openStore({ storeDirectory: STORE, root: directory }))
}

/** Rows that SQLite takes although no honest program writes them; the bytes choose which. */
function readDatabaseRows(bytes: Buffer, directory: string): void {
  filledStore(directory).close()
  const random = randomNumbers(
    Number(BigInt.asIntN(31, BigInt(`0x${formatHash(hashBytes('sha1', bytes), 'base16', false)}`))),
  )
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const database = new DatabaseSync(`${directory}/nix/var/nix/db/db.sqlite`, { enableForeignKeyConstraints: false })
  for (let left = bytes.equals(SOUND_ROWS) ? 0 : 1 + Math.floor(random() * 3); left > 0; left--) {
    const [table, column] = pick(COLUMNS)
    try {
      database.prepare(`update ${table} set ${column} = ? where rowid = 1 + abs(random() % 3)`).run(pick(VALUES))
    } catch (error) {
      // Not null, unique, a type: SQLite itself refuses this one.
      if (!(error instanceof Error && 'errcode' in error)) throw error
    }
  }
  if (!bytes.equals(SOUND_ROWS) && random() < 0.1)
    database.exec(
      pick([
        'drop table Refs',
        'drop table ValidPaths',
        'alter table ValidPaths drop column ca',
        'drop index IndexReferrer',
      ]),
    )
  database.close()
  askEverything(() => openStore({ storeDirectory: STORE, root: directory }))
}

const SOUND_ROWS = Buffer.from('any other bytes choose what is wrong')

const COLUMNS = [
  ...['path', 'hash', 'registrationTime', 'deriver', 'narSize', 'ultimate', 'sigs', 'ca'].map(
    (column) => ['ValidPaths', column] as const,
  ),
  ...['referrer', 'reference'].map((column) => ['Refs', column] as const),
  ...['drv', 'id', 'path'].map((column) => ['DerivationOutputs', column] as const),
]
const VALUES = [
  ...[
    null,
    0,
    -1,
    2n ** 62n,
    -(2n ** 63n),
    1.5,
    '',
    'x',
    '\0',
    Buffer.from([255, 0]),
    '../../etc',
    '/nix/store/..',
    '/etc/passwd',
  ],
  ...[
    'sha256:',
    'sha256:zz',
    'md5:00',
    'text:',
    'fixed:r:sha1:0',
    `${STORE}/${'0'.repeat(32)}-`,
    `${STORE}/${'0'.repeat(32)}-x.drv`,
    ' '.repeat(9),
  ],
]

/** What the commands ask of a store. Each may be refused with a code. */
function askEverything(open: () => Store): void {
  const store = open()
  let refusal: unknown
  const attempt = (question: () => unknown) => {
    try {
      question()
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      refusal ??= error
    }
  }
  attempt(() => store.verify({ checkContents: true }))
  attempt(() => {
    for (const path of store.allValidPaths()) {
      attempt(() => store.pathInfo(path))
      attempt(() => store.computeClosure([path], { includeOutputs: true }))
      attempt(() => store.computeClosure([path], { direction: 'referrers', includeDerivers: true }))
      if (path.name.endsWith('.drv')) attempt(() => store.queryDerivationOutputs(path))
    }
  })
  attempt(() => store.addText('new', 'new'))
  attempt(() => store.collectGarbage({ dryRun: true }))
  attempt(() => store.collectGarbage())
  attempt(() => store.close())
  if (refusal !== undefined) throw refusal
}

function temporaryRoots(): Uint8Array[] {
  const path = `${STORE}/${'0'.repeat(32)}-root`
  return [Buffer.from(`${path}\0`), Buffer.from(`${path}\0`.repeat(20))]
}

function readTemporaryRoots(bytes: Buffer, directory: string): void {
  const store = openStore({ storeDirectory: STORE, root: directory })
  try {
    store.addText('text', 'text')
    // Of a process that lives: our own, as far as numbers go.
    writeFileSync(`${directory}/nix/var/nix/temproots/1`, bytes)
    allRoots(store)
    store.collectGarbage({ dryRun: true })
  } finally {
    store.close()
  }
}

function positions(): Uint8Array[] {
  const digest = '0'.repeat(32)
  const places = [
    { digest, offset: 5 },
    { digest: digest.replace(/0/, '1'), offset: 7000 },
  ]
  return [
    encodePositions([]),
    encodePositions([
      { path: 'bin/a', kind: 'text', places },
      { path: 'bin/ab', kind: 'symlink', places },
    ]),
  ]
}

const SOURCE = 'the bytes of a source'

function records(directory: string): Uint8Array[] {
  const archive = openSourceArchive(`${directory}/source`)
  writeFileSync(`${directory}/file`, SOURCE)
  archive.put(`${directory}/file`, { name: 'file', origin: 'https://example.org/file' })
  return [readFileSync(recordFile(directory))]
}

function readSourceRecord(bytes: Buffer, directory: string): void {
  records(directory)
  writeFileSync(recordFile(directory), bytes)
  const archive = openSourceArchive(`${directory}/source`)
  archive.verify()
  archive.get(hashBytes('sha256', SOURCE))
  Array.from(archive.list())
}

function recordFile(directory: string): string {
  const digits = formatHash(hashBytes('sha256', SOURCE), 'base16', false)
  return `${directory}/source/record/${digits.slice(0, 2)}/${digits}.json`
}

function filledStore(root: string): Store {
  const store = openStore({ storeDirectory: STORE, root })
  const text = store.addText('text', 'text')
  store.addText('user', store.format(text), [text])
  store.addText('other', 'other')
  return store
}
