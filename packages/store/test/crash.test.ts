/** Processes that die, disks that are full, directories that cannot be written. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '@baryon/store'
import { atEnd, ordinaryUser, peer, readTree, temporaryDirectory, temporaryStore } from '@baryon/testing'

const worker = join(import.meta.dirname, 'store-worker.ts')
const door = join(import.meta.dirname, '../index.ts')
const nix = peer('nix-store')
const canMountProbe = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
const cannotMount = canMountProbe.status === 0 ? false : 'no user namespace with mounts here'

/** Starts the worker and kills it after so many milliseconds from its first sign of work. */
async function runAndKill(root: string, delay: number, ...args: string[]): Promise<boolean> {
  const child = spawn(process.execPath, [worker, root, ...args], { stdio: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), delay)
  const [, signal] = await once(child, 'close')
  clearTimeout(timer)
  return signal === 'SIGKILL'
}

test('after kill -9 at any point the store verifies and the work can be repeated', async (t) => {
  const root = temporaryDirectory(t)
  let killed = 0
  for (let round = 0; round < 8; round++) {
    // 0.2 s is about when a worker has started; a run of it lasts 0.5 s or more.
    const delay = 200 + Math.floor(Math.random() * 400)
    const [adder] = await Promise.all([
      runAndKill(root, delay, 'add', String(round), '20'),
      round % 2 === 0 ? runAndKill(root, delay + 100, 'collect', '5') : undefined,
    ])
    if (adder) killed++
    const store = openStore({ storeDirectory: '/nix/store', root })
    assert.deepEqual(store.verify({ checkContents: true }).problems, [], `round ${round}, killed after ${delay} ms`)
    store.close()
  }
  assert.ok(killed > 0, 'no worker was killed at work')
  const repeated = spawnSync(process.execPath, [worker, root, 'add', '1', '20'], { encoding: 'utf8' })
  assert.equal(repeated.status, 0, repeated.stderr)
  const { store } = temporaryStore(t, { root, storeDirectory: '/nix/store' })
  if (nix.skip === false) {
    const verified = nix.run(['--verify', '--check-contents'], { store, home: temporaryDirectory(t) })
    assert.equal(verified.status, 0, verified.stderr)
  }
  store.collectGarbage()
  assert.deepEqual(store.verify({ checkContents: true }), { checked: 0, problems: [], orphans: [] })
})

test('a full disk gives a coded error, and nothing under a final name', { skip: cannotMount }, (t) => {
  const directory = temporaryDirectory(t)
  const script = join(directory, 'fill.ts')
  writeFileSync(
    script,
    `import assert from 'node:assert/strict'
    import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
    import { openStore } from ${JSON.stringify(door)}
    const store = openStore({ storeDirectory: '/nix/store', root: process.argv[2] + '/root' })
    const small = store.addText('small', 'small')
    const source = process.argv[2] + '/../large'
    mkdirSync(source, { recursive: true })
    for (let i = 0; i < 4; i++) writeFileSync(source + '/' + i, Buffer.alloc(3 << 20, i))
    const codes = new Set()
    for (const fill of [
      () => store.addPath('large', source),
      () => store.addPath('large', source + '/0', { method: 'flat', algorithm: 'sha1' }),
      () => { for (let i = 0; i < 3000; i++) store.addText('text-' + i, 'x'.repeat(20000)) },
    ]) {
      writeFileSync(process.argv[2] + '/ballast', '')
      try { writeFileSync(process.argv[2] + '/ballast', Buffer.alloc(6 << 20)) } catch {}
      assert.throws(fill, (error) => { codes.add(error.code); return typeof error.code === 'string' && error.name === 'UserError' })
      rmSync(process.argv[2] + '/ballast')
      const report = store.verify({ checkContents: true })
      assert.deepEqual([report.problems, report.orphans], [[], []])
    }
    assert.ok(existsSync(store.physicalPath(small)))
    rmSync(source + '/3')
    rmSync(source + '/2')
    store.collectGarbage()
    store.close()
    const again = openStore({ storeDirectory: '/nix/store', root: process.argv[2] + '/root' })
    again.collectGarbage()
    again.addPath('fits', source + '/0')
    assert.deepEqual(again.verify({ checkContents: true }).problems, [])
    console.log([...codes].sort().join(' '))`,
  )
  const disk = join(directory, 'disk')
  mkdirSync(disk)
  const command = 'mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" "$3" "$1"'
  const result = spawnSync('unshare', ['-Urm', 'sh', '-c', command, 'sh', disk, process.execPath, script], {
    encoding: 'utf8',
  })
  assert.equal(result.status, 0, result.stderr)
  assert.match(result.stdout, /^(DISK_FULL| )+$/m)
})

test('a store on a read-only file system can be read, and is not changed by it', { skip: cannotMount }, (t) => {
  const { store, root, storeDirectory } = temporaryStore(t)
  const path = store.addText('text', 'hello')
  store.close()
  const script = join(temporaryDirectory(t), 'read.ts')
  writeFileSync(
    script,
    `import assert from 'node:assert/strict'
    import { openStore } from ${JSON.stringify(door)}
    const [root, storeDirectory] = process.argv.slice(2)
    assert.throws(() => openStore({ root, storeDirectory }), (error) => error.name === 'UserError')
    const store = openStore({ root, storeDirectory, readOnly: true })
    assert.deepEqual(store.verify({ checkContents: true }), { checked: 1, problems: [], orphans: [] })
    assert.equal(store.format(store.allValidPaths()[0]), process.argv[4])
    assert.equal(store.format(store.addText('text', 'hello')), process.argv[4])
    for (const change of [() => store.addText('x', 'x'), () => store.addTempRoot(store.allValidPaths()[0]), () => store.collectGarbage(), () => store.registerValidPaths([])]) {
      assert.throws(change, { code: 'STORE_READ_ONLY' })
    }
    store.close()`,
  )
  const command = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" "$3" "$1" "$4" "$5"'
  const before = readTree(root)
  const result = spawnSync(
    'unshare',
    ['-Urm', 'sh', '-c', command, 'sh', root, process.execPath, script, storeDirectory, store.format(path)],
    { encoding: 'utf8' },
  )
  assert.equal(result.status, 0, result.stderr)
  assert.deepEqual(readTree(root), before)
})

test('reading only writes nothing, not even beside the database', (t) => {
  const { store, root, storeDirectory } = temporaryStore(t)
  store.addText('text', 'hello')
  store.close()
  const before = readTree(root)
  const reader = openStore({ root, storeDirectory, readOnly: true })
  assert.equal(reader.verify({ checkContents: true }).checked, 1)
  assert.equal(reader.collectGarbage({ dryRun: true }).deleted.length, 1)
  reader.close()
  assert.deepEqual(readTree(root), before)
  assert.throws(() => openStore({ root, storeDirectory: '/other/store', readOnly: true }), { code: 'STORE_MISSING' })
  assert.deepEqual(readTree(root), before)
})

test('an ordinary user without rights on the store gets an error with a code', (t) => {
  const user = ordinaryUser(t)
  if (user.skip) {
    t.skip(user.skip)
    return
  }
  const locked = join(user.home, 'locked')
  mkdirSync(locked)
  chmodSync(locked, 0o500)
  atEnd(t, () => chmodSync(locked, 0o700))
  const script = `import { openStore } from ${JSON.stringify(door)}
    try { openStore({ storeDirectory: '/nix/store', root: ${JSON.stringify(locked)} }) } catch (error) { console.log(error.name, error.code) }
    const store = openStore({ storeDirectory: '/nix/store', root: ${JSON.stringify(join(user.home, 'root'))} })
    store.addPath('source', ${JSON.stringify(import.meta.dirname)})
    console.log(store.verify({ checkContents: true }).problems.length)
    store.close()
    const again = openStore({ storeDirectory: '/nix/store', root: ${JSON.stringify(join(user.home, 'root'))} })
    console.log(again.collectGarbage().deleted.length)`
  const result = user.run(process.execPath, ['--input-type=module-typescript', '-e', script])
  assert.equal(result.stdout, 'UserError STORE_UNWRITABLE\n0\n1\n', result.stderr)
})

test('nothing is collected while a root cannot be looked at', (t) => {
  const user = ordinaryUser(t)
  if (user.skip) {
    t.skip(user.skip)
    return
  }
  const script = `import { chmodSync, mkdirSync, rmSync } from 'node:fs'
    import { openStore } from ${JSON.stringify(door)}
    const store = openStore({ storeDirectory: '/nix/store', root: process.cwd() + '/afs-root' })
    mkdirSync('closed')
    store.addPermanentRoot(process.cwd() + '/closed/link', store.addText('kept', 'kept'))
    store.close()
    const again = openStore({ storeDirectory: '/nix/store', root: process.cwd() + '/afs-root' })
    chmodSync('closed', 0)
    for (const dryRun of [true, false])
      try { again.collectGarbage({ dryRun }) } catch (error) { console.log(error.code, again.allValidPaths().length) }
    console.log(again.findRoots().length)
    chmodSync('closed', 0o700)
    console.log(again.collectGarbage().deleted.length, again.findRoots().length)
    rmSync('closed/link')
    console.log(again.collectGarbage().deleted.length)`
  const result = user.run(process.execPath, ['--input-type=module-typescript', '-e', script])
  assert.equal(result.stdout, 'ROOT_UNREADABLE 1\nROOT_UNREADABLE 1\n0\n0 1\n1\n', result.stderr)
})

test('nor while a link leads to the store by a way that is closed', (t) => {
  const user = ordinaryUser(t)
  if (user.skip) {
    t.skip(user.skip)
    return
  }
  const script = `import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
    import { openStore } from ${JSON.stringify(door)}
    const here = process.cwd()
    mkdirSync('way')
    mkdirSync('place')
    symlinkSync('../place', 'way/alias')
    const store = openStore({ storeDirectory: '/nix/store', root: here + '/way/alias' })
    store.addPermanentRoot(here + '/kept-link', store.addText('kept', 'kept'), { reachable: true })
    store.close()
    const again = openStore({ storeDirectory: '/nix/store', root: here + '/place' })
    chmodSync('way', 0)
    try { again.collectGarbage() } catch (error) { console.log(error.code, again.allValidPaths().length) }
    chmodSync('way', 0o700)
    console.log(again.collectGarbage().deleted.length)`
  const result = user.run(process.execPath, ['--input-type=module-typescript', '-e', script])
  assert.equal(result.stdout, 'ROOT_UNREADABLE 1\n0\n', result.stderr)
})

test('a lock that cannot be removed is given up all the same', (t) => {
  const user = ordinaryUser(t)
  if (user.skip) {
    t.skip(user.skip)
    return
  }
  const script = `import { chmodSync } from 'node:fs'
    import { openLockDirectory } from ${JSON.stringify(door)}
    const [mine, yours] = [openLockDirectory('locks'), openLockDirectory('locks')]
    const lock = mine.tryLock('a')
    chmodSync('locks', 0o500)
    try { lock.release() } catch (error) { console.log(error.name) }
    chmodSync('locks', 0o700)
    console.log(yours.tryLock('a') !== undefined, mine.tryLock('b') !== undefined)`
  const result = user.run(process.execPath, ['--input-type=module-typescript', '-e', script])
  assert.equal(result.stdout, 'true true\n', result.stderr)
})
