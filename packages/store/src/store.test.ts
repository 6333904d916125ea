import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { formatContentAddress, hashBytes, parseBaseName, type StorePath } from '@baryon/format'
import { arbitraryDerivation, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import * as fc from 'fast-check'
import { dumpNar, hashPath } from './nar-tree.ts'
import { openStore } from './store.ts'

const missing: StorePath = { digest: '0'.repeat(32), name: 'missing' }

function narOf(path: string): Buffer {
  const chunks: Buffer[] = []
  dumpNar(path, (chunk) => chunks.push(Buffer.from(chunk)))
  return Buffer.concat(chunks)
}

test('the layout on disk follows root and store directory', (t) => {
  const { store, root } = temporaryStore(t)
  const prefix = join(root, '/cvmfs/lhcb.example.org/nix')
  assert.equal(store.physicalDirectory, join(prefix, 'store'))
  assert.equal(store.stateDirectory, join(prefix, 'var/nix'))
  assert.equal(store.logDirectory, join(prefix, 'var/log/nix'))
  assert.equal(store.ownDirectory, join(prefix, 'var/baryon'))
  assert.equal(readFileSync(join(store.stateDirectory, 'db/schema'), 'utf8'), '10')
  for (const storeDirectory of ['nix/store', '/', '/nix/store/', '/nix/../store']) {
    assert.throws(() => openStore({ storeDirectory, root }), { code: 'STORE_DIRECTORY_INVALID' })
  }
  assert.throws(() => openStore({ storeDirectory: '/nix/store', root: 'here' }), { code: 'STORE_ROOT_INVALID' })
  writeFileSync(join(root, 'file'), '')
  assert.throws(() => openStore({ storeDirectory: '/nix/store', root: join(root, 'file') }), {
    code: 'STORE_UNWRITABLE',
  })
})

test('databases of other schema versions, and other databases, are refused', (t) => {
  const root = temporaryDirectory(t)
  const database = join(root, 'nix/var/nix/db')
  mkdirSync(database, { recursive: true })
  for (const version of ['6', '11', 'x']) {
    writeFileSync(join(database, 'schema'), version)
    assert.throws(() => openStore({ storeDirectory: '/nix/store', root }), { code: 'STORE_SCHEMA_VERSION' })
  }
  rmSync(join(database, 'schema'))
  const other = new DatabaseSync(join(database, 'db.sqlite'))
  other.exec('create table Customers (id integer)')
  other.close()
  assert.throws(() => openStore({ storeDirectory: '/nix/store', root }), { code: 'STORE_SCHEMA_VERSION' })
  writeFileSync(join(database, 'db.sqlite'), 'no database at all'.repeat(100))
  assert.throws(() => openStore({ storeDirectory: '/nix/store', root }), { code: 'STORE_CORRUPT' })
  writeFileSync(join(database, 'schema'), '10')
  assert.throws(() => openStore({ storeDirectory: '/nix/store', root }), { code: 'STORE_CORRUPT' })
})

test('paths that were added have canonical metadata and no second copy', (t) => {
  const { store } = temporaryStore(t)
  const source = join(temporaryDirectory(t), 'source')
  writeTree(source, { entries: { program: { file: 'x', mode: 0o700 }, data: 'y', skipped: 'z' } })
  const asked: string[] = []
  const filter = (path: string) => {
    asked.push(path)
    return !path.endsWith('/skipped')
  }
  const path = store.addPath('source', source, { filter })
  assert.deepEqual(
    asked,
    ['data', 'program', 'skipped'].map((name) => join(source, name)),
  )
  const physical = store.physicalPath(path)
  assert.deepEqual(readdirSync(physical), ['data', 'program'])
  assert.deepEqual(
    [physical, join(physical, 'program'), join(physical, 'data')].map((file) => lstatSync(file).mode & 0o7777),
    [0o555, 0o555, 0o444],
  )
  assert.equal(lstatSync(physical).mtimeMs, 1000)
  const { ino } = lstatSync(physical)
  assert.deepEqual(store.addPath('source', source, { filter: (name) => !name.endsWith('/skipped') }), path)
  assert.equal(lstatSync(physical).ino, ino)
  assert.throws(() => store.addPath('a b', source), { code: 'STORE_PATH_NAME_INVALID' })
  assert.throws(() => store.addPath('x', source, { method: 'flat' }), { code: 'NOT_A_FILE' })
  assert.throws(() => store.addPath('x', join(source, 'data'), { expectedHash: hashBytes('sha256', '') }), {
    code: 'HASH_MISMATCH',
  })
  assert.throws(() => store.addPath('x', join(source, 'data'), { algorithm: 'sha1', references: [path] }), {
    code: 'FIXED_OUTPUT_REFERENCES',
  })
  assert.deepEqual(store.verify({ checkContents: true }), { checked: 1, problems: [], orphans: [] })
})

test('a NAR is imported only when hash, size, references and content address are right', (t) => {
  const { store } = temporaryStore(t)
  const { store: other } = temporaryStore(t)
  const text = other.addText('text', 'hello')
  const nar = narOf(other.physicalPath(text))
  const info = other.pathInfo(text)
  assert.throws(() => store.addNar({ ...info, narHash: hashBytes('sha256', '') }, [nar]), { code: 'HASH_MISMATCH' })
  assert.throws(() => store.addNar({ ...info, narSize: 1 }, [nar]), { code: 'SIZE_MISMATCH' })
  assert.throws(() => store.addNar({ ...info, references: [missing] }, [nar]), { code: 'CONTENT_ADDRESS_MISMATCH' })
  assert.throws(() => store.addNar({ ...info, contentAddress: undefined, references: [missing] }, [nar]), {
    code: 'REFERENCE_INVALID',
  })
  const wrong = formatContentAddress({ method: 'text', hash: hashBytes('sha256', 'other') })
  assert.throws(() => store.addNar({ ...info, contentAddress: wrong }, [nar]), { code: 'HASH_MISMATCH' })
  assert.throws(() => store.addNar(info, [nar.subarray(8)]), { code: 'NAR_INVALID' })
  assert.deepEqual(store.verify(), { checked: 0, problems: [], orphans: [] })
  store.addNar(info, [nar.subarray(0, 50), nar.subarray(50)])
  assert.deepEqual({ ...store.pathInfo(text), registrationTime: 0 }, { ...info, registrationTime: 0 })
})

test('a group of paths is registered as a whole or not at all; cycles are refused', (t) => {
  const { store } = temporaryStore(t)
  const paths = ['a', 'b', 'c'].map((name, index): StorePath => ({ digest: String(index).repeat(32), name }))
  const [a, b, c] = paths as [StorePath, StorePath, StorePath]
  for (const path of paths) writeFileSync(store.physicalPath(path), path.name)
  const info = (path: StorePath, references: StorePath[]) => {
    const { hash, size } = hashPath(store.physicalPath(path))
    return { path, narHash: hash, narSize: size, references }
  }
  assert.throws(() => store.registerValidPaths([info(a, [b]), info(b, [c]), info(c, [a])]), { code: 'REFERENCE_CYCLE' })
  assert.throws(() => store.registerValidPaths([info(a, []), info(b, [c])]), { code: 'REFERENCE_INVALID' })
  assert.deepEqual(store.allValidPaths(), [])
  store.registerValidPaths([info(a, [a, b]), info(c, []), info(b, [b, c])])
  assert.deepEqual(store.topologicalOrder([a, b, c]), [c, b, a])
  assert.deepEqual(store.computeClosure([a]), [a, b, c])
  assert.deepEqual(store.computeClosure([c], { direction: 'referrers' }), [c, b, a])
  assert.deepEqual(store.queryReferrers(b), [a, b])
  assert.deepEqual(store.queryPathFromHashPart(b.digest), b)
  assert.equal(store.queryPathFromHashPart('z'.repeat(32)), undefined)
  assert.throws(() => store.computeClosure([missing]), { code: 'PATH_INVALID' })
})

test('outputs are scanned once and their positions remembered', (t) => {
  const { store } = temporaryStore(t)
  const input = store.addText('input', 'x')
  const unused = store.addText('unused', 'y')
  const out: StorePath = { digest: '1'.repeat(32), name: 'out' }
  const at = join(store.physicalDirectory, 'scratch')
  const self = store.format(out)
  const large = 'x'.repeat(262144 - 10)
  writeTree(at, {
    entries: {
      'big\xff': `${large}${input.digest}`,
      lib: { file: `\x7fELF\0${self}\0${store.format(input)}/lib`, mode: 0o755 },
      link: { symlink: `${store.format(input)}/bin` },
      [`${input.digest}-name`]: '',
    },
  })
  const refuse = () => {
    throw new Error('refused')
  }
  assert.throws(
    () => store.registerOutputs([{ path: out, location: at }], { candidates: [input, unused], check: refuse }),
    /refused/,
  )
  assert.ok(!store.isValid(out))
  const [info] = store.registerOutputs([{ path: out, location: at }], { candidates: [input, unused] })
  assert.deepEqual(
    info!.references,
    [out, input].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
  )
  const prefix = store.storeDirectory.length + 1
  assert.deepEqual(
    store.referencePositions(out),
    [
      { path: 'big\xff', kind: 'text', places: [{ digest: input.digest, offset: large.length }] },
      {
        path: 'lib',
        kind: 'elf',
        places: [
          { digest: out.digest, offset: 5 + prefix },
          { digest: input.digest, offset: 5 + self.length + 1 + prefix },
        ],
      },
      { path: 'link', kind: 'symlink', places: [{ digest: input.digest, offset: prefix }] },
      { path: `${input.digest}-name`, kind: 'name', places: [{ digest: input.digest, offset: 0 }] },
    ].sort((a, b) => (a.path < b.path ? -1 : 1)),
  )
  assert.deepEqual(store.referencePositions(input), undefined)
  assert.deepEqual(store.verify({ checkContents: true }), { checked: 3, problems: [], orphans: [] })
})

test('derivations come back as they were written', (t) => {
  const { store } = temporaryStore(t)
  fc.assert(
    fc.property(arbitraryDerivation(store.storeDirectory), (derivation) => {
      const lonely = { ...derivation, inputDerivations: new Map(), inputSources: [] }
      const path = store.writeDerivation(lonely, 'name')
      assert.deepEqual(store.readDerivation(path), {
        ...lonely,
        outputs: new Map([...lonely.outputs].sort()),
        env: new Map([...lonely.env].sort()),
      })
      assert.deepEqual([...store.queryDerivationOutputs(path).keys()], [...lonely.outputs.keys()].sort())
    }),
    { numRuns: 25 },
  )
})

test('a batch is valid to its store at once, and to others from its commit on', (t) => {
  const { store, root } = temporaryStore(t)
  const { store: other } = temporaryStore(t, { root })
  const batch = store.startBatch()
  const a = store.addText('a', 'x')
  const b = store.addText('b', store.format(a), [a])
  assert.throws(() => store.addText('c', '', [missing]), { code: 'PATH_INVALID' })
  assert.deepEqual(store.pathInfo(b).references, [a])
  assert.deepEqual([store.isValid(b), other.isValid(b)], [true, false])
  batch.commit()
  assert.deepEqual([store.isValid(b), other.isValid(b)], [true, true])
  const later = store.startBatch()
  const c = store.addText('c', 'z')
  assert.deepEqual(store.computeClosure([b, c]), [b, c, a])
  later.commit()
  assert.deepEqual(other.verify({ checkContents: true }), { checked: 3, problems: [], orphans: [] })
})

test('verify finds what is missing, changed, left over and broken', (t) => {
  const { store } = temporaryStore(t)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => store.addText(name, name)) as [StorePath, StorePath, StorePath]
  const user = store.addText('user', store.format(a), [a])
  const file = (path: StorePath) => store.physicalPath(path)
  rmSync(file(a))
  for (const path of [b, c]) chmodSync(file(path), 0o644)
  writeFileSync(file(b), 'changed')
  chmodSync(file(c), 0o755)
  writeFileSync(join(store.physicalDirectory, 'left over'), '')
  const report = store.verify({ checkContents: true })
  const found = report.problems.map((problem) =>
    'path' in problem ? `${problem.kind} ${problem.path.name}` : problem.kind,
  )
  assert.deepEqual(found.sort(), ['broken-reference user', 'corrupt b', 'corrupt c', 'missing a'])
  assert.deepEqual(report.orphans, ['left over'])
  assert.ok(store.isValid(user))
})

test('a link that names the store by another way to it is a root, and can be replaced', (t) => {
  const { store, root } = temporaryStore(t)
  const home = temporaryDirectory(t)
  const [a, b] = ['a', 'b'].map((name) => store.addText(name, name)) as [StorePath, StorePath]
  symlinkSync(root, join(home, 'other way'))
  const result = join(home, 'result')
  const otherWay = (path: StorePath) => store.physicalPath(path).toString().replace(root, join(home, 'other way'))
  assert.notEqual(otherWay(a), store.physicalPath(a).toString())
  store.addPermanentRoot(result, a)
  rmSync(result)
  symlinkSync(otherWay(a), result)
  store.close()

  // What the first one has made it keeps for as long as it is open.
  const { store: second } = temporaryStore(t, { root })
  assert.deepEqual(second.collectGarbage().deleted, [second.format(b)])
  second.addPermanentRoot(result, a)
  assert.equal(readlinkSync(result), second.format(a))
})

test('the dead are collected, the needed kept', (t) => {
  const { store, root } = temporaryStore(t)
  const home = temporaryDirectory(t)
  const a = store.addText('a', 'a')
  const b = store.addText('b', store.format(a), [a])
  const dead = store.addText('dead', store.format(a), [a])
  store.addPermanentRoot(join(home, 'result'), b)
  assert.throws(() => store.addPermanentRoot(join(home, 'other'), missing), { code: 'PATH_INVALID' })
  writeFileSync(join(home, 'precious'), '')
  assert.throws(() => store.addPermanentRoot(join(home, 'precious'), b), { code: 'ROOT_INVALID' })
  assert.deepEqual(store.collectGarbage().deleted, [])
  store.close()

  const { store: second } = temporaryStore(t, { root })
  writeFileSync(join(second.physicalDirectory, 'left over'), 'x')
  writeTree(join(second.physicalDirectory, `${'0'.repeat(32)}-baryon-tmp`), { entries: { x: 'y' } })
  symlinkSync('/nowhere', join(second.stateDirectory, 'gcroots/auto/stale'))
  writeFileSync(join(second.physicalDirectory, '.links/unused'), 'x'.repeat(5000))
  const dry = second.collectGarbage({ dryRun: true })
  assert.deepEqual(dry.deleted, [second.format(dead), `${second.storeDirectory}/left over`])
  assert.throws(() => second.collectGarbage({ paths: [a] }), { code: 'PATH_ALIVE' })
  const result = second.collectGarbage()
  assert.deepEqual([...result.deleted].sort(), [second.format(dead), `${second.storeDirectory}/left over`].sort())
  assert.deepEqual(
    result.live,
    [a, b].sort((x, y) => (x.digest < y.digest ? -1 : 1)),
  )
  assert.ok(result.bytes > 5000)
  assert.equal(result.links, 1)
  assert.ok(!existsSync(join(second.stateDirectory, 'gcroots/auto/stale')))
  assert.deepEqual(second.verify({ checkContents: true }), { checked: 2, problems: [], orphans: [] })
  rmSync(join(home, 'result'))
  assert.deepEqual(
    second.collectGarbage().deleted,
    [b, a].map((path) => second.format(path)),
  )
  assert.deepEqual(readdirSync(second.physicalDirectory), ['.links'])
})

test('collection stops at the wanted number of bytes', (t) => {
  const { store, root } = temporaryStore(t)
  store.startBatch()
  for (let index = 0; index < 250; index++) store.addText(`text-${index}`, String(index).repeat(3000))
  store.close()
  const { store: second } = temporaryStore(t, { root })
  const { deleted, bytes } = second.collectGarbage({ maxFreed: 100_000 })
  assert.ok(bytes >= 100_000 && deleted.length > 0 && deleted.length < 250, `${deleted.length}`)
  assert.equal(second.allValidPaths().length, 250 - deleted.length)
})

test('path locks exclude, are waited for and can be given up waiting for', async (t) => {
  const { store, root } = temporaryStore(t)
  const { store: other } = temporaryStore(t, { root })
  const paths = ['x', 'y'].map((name) => parseBaseName(`${'0'.repeat(32)}-${name}`))
  const lock = await store.lockPaths(paths)
  assert.equal(other.tryLockPaths(paths.slice(1)), undefined)
  assert.equal(store.tryLockPaths(paths.slice(1)), undefined)
  await assert.rejects(other.lockPaths(paths, { signal: AbortSignal.timeout(30) }), { name: 'AbortError' })
  let waited = ''
  const waiting = other.lockPaths([...paths].reverse(), { onWait: (path) => (waited += path.name) })
  setTimeout(() => lock.release(), 50)
  const second = await waiting
  assert.equal(waited, 'x')
  second.release()
  second.release()
  assert.deepEqual(
    readdirSync(join(store.ownDirectory, 'locks')).filter((name) => name.includes('-x') || name.includes('-y')),
    [],
  )
})

test('a changed source is added as it is when copied', (t) => {
  const { store } = temporaryStore(t)
  const file = join(temporaryDirectory(t), 'file')
  writeFileSync(file, 'one')
  const first = store.addPath('file', file)
  writeFileSync(file, 'two')
  utimesSync(file, 1, 1)
  assert.notDeepEqual(store.addPath('file', file), first)
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
})
