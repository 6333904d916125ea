/** One store, two programs: what either writes, the other reads, verifies and collects. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { createDerivationHasher, type Derivation, fillOutputPaths, formatHash } from '@baryon/format'
import type { Store } from '@baryon/store'
import { peer, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'

const nix = peer('nix-store')
const instantiate = peer('nix-instantiate')
const skip = nix.skip || instantiate.skip

/** A derivation with these texts in it, its output paths filled in. */
function derivation(
  store: Store,
  name: string,
  inputs: { readonly sources?: readonly string[]; readonly derivations?: readonly string[] } = {},
): Derivation {
  const bare: Derivation = {
    outputs: new Map(['out', 'dev'].map((output) => [output, { path: '', hashAlgo: '', hash: '' }])),
    inputDerivations: new Map((inputs.derivations ?? []).map((path) => [path, ['out']])),
    inputSources: [...(inputs.sources ?? [])].sort(),
    system: 'x86_64-linux',
    builder: '/bin/sh',
    args: ['-c', 'echo "\\" > $out'],
    env: new Map([
      ['name', name],
      ['builder', '/bin/sh'],
      ['system', 'x86_64-linux'],
    ]),
  }
  return fillOutputPaths(
    store.storeDirectory,
    name,
    bare,
    createDerivationHasher((text) => store.readDerivation(store.parse(text))),
  ).derivation
}

function verifyWithNix(store: Store, home: string): void {
  const result = nix.run(['--verify', '--check-contents'], { store, home })
  assert.equal(result.status, 0, result.stderr)
  assert.doesNotMatch(result.stderr, /error|modified|disappeared|missing|not in the store/i)
}

/** A store with texts, trees, derivations and built outputs that refer to each other and to themselves. */
function populate(store: Store, t: TestContext) {
  const directory = temporaryDirectory(t)
  const text = store.addText('text', 'a text\n')
  const tree = join(directory, 'tree')
  writeTree(tree, {
    entries: { 'odd \xff name': 'x', run: { file: '#!/bin/sh\n', mode: 0o755 }, link: { symlink: store.format(text) } },
  })
  const source = store.addPath('source', tree)
  const flat = store.addPath('flat', join(tree, 'run'), { method: 'flat', algorithm: 'sha512' })
  const first = derivation(store, 'first', { sources: [store.format(text), store.format(source)] })
  const firstPath = store.writeDerivation(first)
  const second = derivation(store, 'second', { derivations: [store.format(firstPath)], sources: [store.format(flat)] })
  const secondPath = store.writeDerivation(second)
  const out = store.parse(first.outputs.get('out')!.path)
  const dev = store.parse(first.outputs.get('dev')!.path)
  writeTree(store.physicalPath(out), {
    entries: {
      bin: { entries: { x: { file: `\x7fELF\0\0${store.format(source)}/lib\0${store.format(out)}\0`, mode: 0o755 } } },
    },
  })
  writeTree(store.physicalPath(dev), `-L${store.format(out)}/lib`)
  store.registerOutputs([{ path: out }, { path: dev }], {
    candidates: store.computeClosure([text, source]),
    deriver: firstPath,
  })
  return { text, source, flat, firstPath, secondPath, out, dev, tree }
}

test('Nix reads, queries and verifies our store', { skip }, (t) => {
  const { store } = temporaryStore(t)
  const home = temporaryDirectory(t)
  const { text, source, flat, firstPath, secondPath, out, dev, tree } = populate(store, t)
  const query = (...args: string[]) => nix.output(['-q', ...args], { store, home })
  verifyWithNix(store, home)
  const sorted = (paths: readonly { digest: string; name: string }[]) => paths.map((path) => store.format(path)).sort()
  for (const path of [text, source, flat, firstPath, secondPath, out, dev]) {
    const info = store.pathInfo(path)
    const full = store.format(path)
    assert.equal(query('--hash', full), formatHash(info.narHash, 'nix32'))
    assert.equal(query('--size', full), String(info.narSize))
    assert.equal(query('--deriver', full), info.deriver === undefined ? 'unknown-deriver' : store.format(info.deriver))
    assert.deepEqual(query('--references', full).split('\n').filter(Boolean).sort(), sorted(info.references))
    assert.deepEqual(query('--referrers', full).split('\n').filter(Boolean).sort(), sorted(store.queryReferrers(path)))
    assert.deepEqual(query('--requisites', full).split('\n').sort(), sorted(store.computeClosure([path])))
    assert.deepEqual(
      query('--referrers-closure', full).split('\n').sort(),
      sorted(store.computeClosure([path], { direction: 'referrers' })),
    )
  }
  assert.deepEqual(query('--outputs', store.format(firstPath)).split('\n').sort(), sorted([out, dev]))
  assert.match(query('--tree', store.format(dev)), new RegExp(`${out.digest}-first`))
  assert.deepEqual(sorted(store.pathInfo(out).references), sorted([out, source]))
  assert.equal(nix.output(['--add', tree], { store, home }), store.format(store.addPath('tree', tree)))
  assert.equal(
    nix.output(['--add-fixed', 'sha1', join(tree, 'run')], { store, home }),
    store.format(store.addPath('run', join(tree, 'run'), { method: 'flat', algorithm: 'sha1' })),
  )
  assert.equal(
    nix.output(['--add-fixed', '--recursive', 'md5', tree], { store, home }),
    store.format(store.addPath('tree', tree, { algorithm: 'md5' })),
  )
  verifyWithNix(store, home)
  assert.deepEqual(store.verify({ checkContents: true }), { checked: 10, problems: [], orphans: [] })
})

test('we read, query and verify a store of Nix, and both go on writing to it', { skip }, (t) => {
  const root = temporaryDirectory(t)
  const home = temporaryDirectory(t)
  const storeDirectory = '/cvmfs/lhcb.example.org/nix/store'
  const location = {
    storeDirectory,
    physicalDirectory: join(root, storeDirectory),
    stateDirectory: join(root, '/cvmfs/lhcb.example.org/nix/var/nix'),
    logDirectory: join(root, '/cvmfs/lhcb.example.org/nix/var/log/nix'),
    ownDirectory: join(root, '/cvmfs/lhcb.example.org/nix/var/baryon'),
  }
  mkdirSync(location.physicalDirectory, { recursive: true })
  writeFileSync(
    join(home, 'default.nix'),
    `let text = builtins.toFile "text" "some text"; in rec {
      a = derivation { name = "a"; system = "x86_64-linux"; builder = "/bin/sh"; outputs = [ "out" "lib" ]; inherit text; src = ./default.nix; };
      b = derivation { name = "b"; system = "x86_64-linux"; builder = "/bin/sh"; inherit a; args = [ "-c" "x \\"y\\"" ]; };
    }`,
  )
  const paths = instantiate.output([join(home, 'default.nix')], { store: location, home }).split('\n')
  const { store } = temporaryStore(t, { root, storeDirectory })
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  const b = store.parse(paths.find((path) => path.endsWith('-b.drv'))!)
  assert.deepEqual(
    store
      .computeClosure([b])
      .map((path) => path.name)
      .sort(),
    ['a.drv', 'b.drv', 'default.nix', 'text'],
  )
  const a = store.computeClosure([b]).find((path) => path.name === 'a.drv')!
  const read = store.readDerivation(a)
  assert.deepEqual(
    [...store.queryDerivationOutputs(a)].map(([name, path]) => [name, store.format(path)]),
    [...read.outputs].map(([name, output]) => [name, output.path]).sort(),
  )
  assert.deepEqual(store.queryValidDerivers(store.parse(read.outputs.get('lib')!.path)), [a])
  assert.deepEqual(store.writeDerivation(read), a)
  assert.deepEqual(
    store.addText('text', 'some text'),
    store.computeClosure([b]).find((path) => path.name === 'text'),
  )
  populate(store, t)
  verifyWithNix(store, home)
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
})

test('the database has the tables that Nix makes', { skip }, (t) => {
  const theirs = temporaryDirectory(t)
  nix.output(['--init'], { home: theirs, environment: { NIX_REMOTE: theirs } })
  const { store, root } = temporaryStore(t, { storeDirectory: '/nix/store' })
  const schema = (directory: string) => {
    const database = new DatabaseSync(join(directory, 'nix/var/nix/db/db.sqlite'))
    const rows = database.prepare('select type, name, sql from sqlite_master order by name').all()
    const mode = database.prepare('pragma journal_mode').get()
    database.close()
    // Comments and spacing are part of the stored text.
    return {
      mode: { ...mode },
      rows: rows.map((row) => ({ ...row, sql: String(row.sql).replace(/--.*/g, '').replace(/\s+/g, ' ') })),
    }
  }
  store.close()
  assert.deepEqual(schema(root), schema(theirs))
})

test('both find the same live and dead paths, and roots', { skip }, (t) => {
  const { store, root } = temporaryStore(t, { storeDirectory: '/nix/store' })
  const home = temporaryDirectory(t)
  const { out, flat, secondPath } = populate(store, t)
  store.addPermanentRoot(join(home, 'result'), out)
  store.addPermanentRoot(join(store.stateDirectory, 'gcroots/kept'), flat)
  store.addPermanentRoot(join(store.stateDirectory, 'profiles/default-1-link'), flat)
  store.close()
  const { store: again } = temporaryStore(t, { storeDirectory: '/nix/store', root })
  for (const [keepOutputs, keepDerivations] of [
    [false, true],
    [true, true],
    [false, false],
    [true, false],
  ] as const) {
    const print = (what: string) =>
      nix
        .output(
          [
            '--gc',
            what,
            '--option',
            'keep-outputs',
            String(keepOutputs),
            '--option',
            'keep-derivations',
            String(keepDerivations),
          ],
          { store: again, home },
        )
        .split('\n')
        .filter((line) => line.startsWith('/'))
        .sort()
    const result = again.collectGarbage({ dryRun: true, keepOutputs, keepDerivations })
    assert.deepEqual([...result.deleted].sort(), print('--print-dead'))
    assert.deepEqual(result.live.map((path) => again.format(path)).sort(), print('--print-live'))
  }
  const theirRoots = nix
    .output(['--gc', '--print-roots'], { store: again, home })
    .split('\n')
    .filter((line) => line.includes(' -> /'))
  assert.deepEqual(
    theirRoots.sort(),
    again
      .findRoots()
      .map((link) => `${link.source} -> ${again.format(link.path)}`)
      .sort(),
  )

  assert.ok(!again.isValid(secondPath) || again.collectGarbage().deleted.includes(again.format(secondPath)))
  verifyWithNix(again, home)
  const live = again.allValidPaths()
  again.close()
  nix.output(['--gc'], { store: again, home })
  const { store: last } = temporaryStore(t, { storeDirectory: '/nix/store', root })
  assert.deepEqual(last.allValidPaths(), live)
  assert.deepEqual(last.verify({ checkContents: true }).problems, [])
})

test('a collection by Nix keeps the temporary roots of a living process', { skip }, (t) => {
  const { store } = temporaryStore(t)
  const home = temporaryDirectory(t)
  const kept = store.addText('kept', 'kept')
  nix.output(['--gc'], { store, home })
  assert.ok(store.isValid(kept))
  verifyWithNix(store, home)
  store.close()
  assert.deepEqual(readdirSync(join(store.stateDirectory, 'temproots')), [])
  nix.output(['--gc'], { store, home })
  assert.ok(!existsSync(store.physicalPath(kept)))
})

test('a forged derivation is refused, and so is none at all', (t) => {
  const { store } = temporaryStore(t)
  const forged = `Derive([("out","${store.storeDirectory}/${'0'.repeat(32)}-forged","","")],[],[],"x","/bin/sh",[],[("out","")])`
  assert.throws(() => store.addText('forged.drv', forged), { code: 'DERIVATION_OUTPUT_INVALID' })
  assert.throws(() => store.addText('garbage.drv', 'no derivation'), { code: 'DERIVATION_INVALID' })
  assert.deepEqual(store.allValidPaths(), [])
})
