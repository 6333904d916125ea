/** Databases of other schema versions: upgraded as Nix upgrades them, or refused and not touched. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { openStore } from '@baryon/store'
import { peer, readTree, temporaryDirectory, temporaryStore } from '@baryon/testing'

const nix = peer('nix-store')
const storeDirectory = '/nix/store'

/** What `nix-store --init` of Nix 1.11 makes, by version. */
const tables = (version: number) => `
  create table if not exists ValidPaths (
    id               integer primary key autoincrement not null,
    path             text unique not null,
    hash             text not null,
    registrationTime integer not null,
    deriver          text,
    narSize          integer${version >= 8 ? ',\n    ultimate integer, -- null implies "false"\n    sigs text -- space-separated' : ''}
  );
  create table if not exists Refs (
    referrer  integer not null,
    reference integer not null,
    primary key (referrer, reference),
    foreign key (referrer) references ValidPaths(id) on delete cascade,
    foreign key (reference) references ValidPaths(id) on delete restrict
  );
  create index if not exists IndexReferrer on Refs(referrer);
  create index if not exists IndexReference on Refs(reference);
  create trigger if not exists DeleteSelfRefs before delete on ValidPaths
    begin
      delete from Refs where referrer = old.id and reference = old.id;
    end;
  create table if not exists DerivationOutputs (
    drv  integer not null,
    id   text not null,
    path text not null,
    primary key (drv, id),
    foreign key (drv) references ValidPaths(id) on delete cascade
  );
  create index if not exists IndexDerivationOutputs on DerivationOutputs(path);
  ${version < 9 ? 'create table if not exists FailedPaths (path text primary key not null, time integer not null);' : ''}`

/** A root with a store of that version, holding two texts of which one refers to the other. */
function oldStore(t: TestContext, version: number): { readonly root: string; readonly database: string } {
  const root = temporaryDirectory(t)
  const { store } = temporaryStore(t, { root, storeDirectory })
  const text = store.addText('text', 'text')
  const user = store.addText('user', store.format(text), [text])
  const rows = [text, user].map((path) => store.database.row(store.format(path))!)
  store.close()
  const database = join(root, 'nix/var/nix/db')
  rmSync(database, { recursive: true })
  mkdirSync(database)
  const old = new DatabaseSync(join(database, 'db.sqlite'))
  old.exec(tables(version))
  for (const { path, hash, narSize } of rows)
    old
      .prepare('insert into ValidPaths (path, hash, registrationTime, narSize) values (?, ?, 1, ?)')
      .run(path, hash, narSize)
  old.exec('insert into Refs (referrer, reference) values (2, 1)')
  if (version < 9) old.exec("insert into FailedPaths values ('/nix/store/failed', 1)")
  old.close()
  writeFileSync(join(database, 'schema'), String(version))
  return { root, database }
}

/** All that is in a database, the texts of its tables included. */
function contents(directory: string): unknown {
  const database = new DatabaseSync(join(directory, 'db.sqlite'))
  const all = (sql: string) => database.prepare(sql).all()
  const result = {
    version: readFileSync(join(directory, 'schema'), 'utf8').trim(),
    mode: all('pragma journal_mode'),
    tables: all('select type, name, sql from sqlite_master order by name'),
    rows: ['ValidPaths', 'Refs', 'DerivationOutputs'].map((table) => all(`select * from ${table}`)),
  }
  database.close()
  return result
}

for (const version of [7, 8, 9]) {
  test(`schema ${version} is upgraded as Nix upgrades it`, { skip: nix.skip }, (t) => {
    const ours = oldStore(t, version)
    const theirs = temporaryDirectory(t)
    cpSync(ours.root, theirs, { recursive: true })
    const reading = readTree(ours.root)
    assert.throws(() => openStore({ root: ours.root, storeDirectory, readOnly: true }), {
      code: 'STORE_SCHEMA_VERSION',
    })
    assert.deepEqual(readTree(ours.root), reading)
    const { store } = temporaryStore(t, { root: ours.root, storeDirectory })
    assert.deepEqual(store.verify({ checkContents: true }), { checked: 2, problems: [], orphans: [] })
    store.close()
    const home = temporaryDirectory(t)
    nix.output(['--verify'], { home, environment: { NIX_REMOTE: theirs } })
    assert.deepEqual(contents(ours.database), contents(join(theirs, 'nix/var/nix/db')))
    nix.output(['--verify', '--check-contents'], { home, store })
  })
}

test('an upgrade that was cut short before its version was written is finished', (t) => {
  const { root, database } = oldStore(t, 7)
  temporaryStore(t, { root, storeDirectory }).store.close()
  const after = contents(database)
  writeFileSync(join(database, 'schema'), '7')
  temporaryStore(t, { root, storeDirectory }).store.close()
  assert.deepEqual(contents(database), after)
})

test('processes that upgrade at once do it once', async (t) => {
  const { root, database } = oldStore(t, 7)
  const script = `import { openStore } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))}
    const store = openStore({ root: ${JSON.stringify(root)}, storeDirectory: '/nix/store' })
    if (store.allValidPaths().length !== 2) process.exit(1)
    store.close()`
  const ends = await Promise.all(
    [1, 2, 3].map(async () => {
      const words = ['--input-type=module-typescript', '-e', script]
      const [status] = await once(spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'] }), 'close')
      return status as unknown
    }),
  )
  assert.deepEqual(ends, [0, 0, 0])
  assert.equal(readFileSync(join(database, 'schema'), 'utf8'), '10')
})

test('newer, older and damaged databases are refused and left as they are', (t) => {
  const { root, database } = oldStore(t, 9)
  for (const [version, hint] of [
    ['11', /newer Baryon/],
    ['100', /newer Baryon/],
    ['6', /Nix 2/],
    ['1', /Nix 2/],
    ['ten', /newer Baryon/],
    ['', /newer Baryon/],
  ] as const) {
    writeFileSync(join(database, 'schema'), version)
    const before = readTree(root)
    for (const readOnly of [false, true]) {
      assert.throws(
        () => openStore({ root, storeDirectory, readOnly }),
        (error: { code?: string; hint?: string }) =>
          error.code === 'STORE_SCHEMA_VERSION' && hint.test(error.hint ?? ''),
      )
      assert.deepEqual(readTree(root), before, version)
    }
  }
  // A version that promises a table which is not there.
  const file = join(database, 'db.sqlite')
  rmSync(file)
  writeFileSync(join(database, 'schema'), '8')
  assert.throws(() => openStore({ root, storeDirectory }), { code: 'STORE_CORRUPT' })
  const other = new DatabaseSync(file)
  other.exec('create table ValidPaths (id integer)')
  other.close()
  assert.throws(() => openStore({ root, storeDirectory }), { code: 'STORE_CORRUPT' })
  const again = new DatabaseSync(file)
  assert.deepEqual(again.prepare('pragma table_info(ValidPaths)').all().length, 1)
  again.close()
  assert.equal(readFileSync(join(database, 'schema'), 'utf8'), '8')
})

test('a creation that was killed in the middle of a transaction is begun again', (t) => {
  const root = temporaryDirectory(t)
  const directory = join(root, 'nix/var/nix/db')
  mkdirSync(directory, { recursive: true })
  // Before the database is in WAL mode, what is half written has a journal that the next one must roll back.
  const script = `
    const database = new (require('node:sqlite').DatabaseSync)(process.argv[1])
    database.exec('pragma cache_size = 1; begin immediate; create table half (id integer)')
    for (let id = 0; id < 3000; id++) database.exec('insert into half values (' + id + ')')
    process.kill(process.pid, 'SIGKILL')`
  const file = join(directory, 'db.sqlite')
  assert.equal(spawnSync(process.execPath, ['-e', script, file]).signal, 'SIGKILL')
  const reader = new DatabaseSync(file, { readOnly: true })
  assert.throws(() => reader.prepare('select * from sqlite_master').all(), { errcode: 776 })
  reader.close()
  const { store } = temporaryStore(t, { root, storeDirectory })
  assert.ok(store.isValid(store.addText('text', 'text')))
  assert.equal(readFileSync(join(directory, 'schema'), 'latin1'), '10')
})

test('a path in a damaged database leads nowhere', (t) => {
  const { root, store } = temporaryStore(t, { storeDirectory })
  const kept = store.addText('kept', 'kept')
  mkdirSync(join(root, 'outside'))
  for (const path of [`${storeDirectory}/../../outside`, `${storeDirectory}/${'0'.repeat(32)}-a\0b`, '/outside']) {
    const database = new DatabaseSync(join(store.stateDirectory, 'db/db.sqlite'))
    const insert = 'insert into ValidPaths (path, hash, registrationTime, narSize) values (?, ?, 1, 1)'
    database.prepare(insert).run(path, `sha256:${'0'.repeat(64)}`)
    assert.throws(() => store.collectGarbage(), { code: 'STORE_CORRUPT' }, path)
    database.prepare('delete from ValidPaths where path = ?').run(path)
    database.close()
  }
  assert.ok(existsSync(join(root, 'outside')))
  // What this process has added stays.
  store.collectGarbage()
  assert.deepEqual(store.allValidPaths(), [kept])
})
