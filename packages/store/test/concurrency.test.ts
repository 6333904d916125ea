/** Several processes on one store. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseBaseName } from '@baryon/format'
import { openStore } from '@baryon/store'
import { peer, temporaryDirectory, temporaryStore } from '@baryon/testing'

const worker = join(import.meta.dirname, 'store-worker.ts')
const nix = peer('nix-store')

async function run(root: string, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, [worker, root, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  const [status, signal] = await once(child, 'close')
  assert.equal(status, 0, `${signal} ${errors}`)
}

test('three processes add the same paths while two collect garbage', async (t) => {
  const root = temporaryDirectory(t)
  await Promise.all([
    run(root, 'add', '1', '15'),
    run(root, 'add', '2', '15'),
    run(root, 'add', '3', '15'),
    run(root, 'collect', '8'),
    run(root, 'collect', '8'),
  ])
  const { store } = temporaryStore(t, { root, storeDirectory: '/nix/store' })
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  store.collectGarbage()
  assert.deepEqual(store.allValidPaths(), [])
  assert.deepEqual(readdirSync(store.physicalDirectory), ['.links'])
  assert.deepEqual(readdirSync(join(store.stateDirectory, 'temproots')), [])
})

test('links that keep paths come and go while others collect', async (t) => {
  const root = temporaryDirectory(t)
  const keepers = [1, 2].map((seed) => run(root, 'root', String(seed), '400'))
  await Promise.all([...keepers, run(root, 'collect', '60'), run(root, 'collect', '60')])
  const { store } = temporaryStore(t, { root, storeDirectory: '/nix/store' })
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  store.collectGarbage()
  const left = readdirSync(root).filter((name) => name.startsWith('link-'))
  assert.ok(left.length > 0)
  const kept = store.findRoots()
  assert.deepEqual(kept.map(({ source }) => source).sort(), left.map((name) => join(root, name)).sort())
  for (const { path } of kept)
    assert.ok(store.isValid(path) && existsSync(store.physicalPath(path)), store.format(path))
})

test('a store is new to several processes at once', async (t) => {
  const directory = temporaryDirectory(t)
  const rounds = 12
  // Each waits until all are there, so that they open the store at the same moment.
  const script = `
    import { readdirSync, writeFileSync } from 'node:fs'
    import { openStore } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))}
    import { openPositions } from ${JSON.stringify(join(import.meta.dirname, '../src/reference-positions.ts'))}
    for (let round = 0; round < ${rounds}; round++) {
      const root = ${JSON.stringify(directory)} + '/' + round
      writeFileSync(root + '/' + process.pid, '')
      while (readdirSync(root).filter((name) => /^[0-9]+$/.test(name)).length < 4);
      openStore({ storeDirectory: '/nix/store', root }).close()
      writeFileSync(root + '/opened-' + process.pid, '')
      while (readdirSync(root).filter((name) => name.startsWith('opened-')).length < 4);
      const positions = openPositions(root + '/own', false)
      positions.put([])
      positions.close()
    }`
  for (let round = 0; round < rounds; round++) mkdirSync(join(directory, String(round)))
  const file = join(directory, 'opener.ts')
  writeFileSync(file, script)
  const children: ChildProcess[] = []
  const openers = Array.from({ length: 4 }, async () => {
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'pipe'] })
    children.push(child)
    let errors = ''
    child.stderr.on('data', (chunk) => (errors += chunk))
    const [status] = await once(child, 'close')
    if (status !== 0) for (const one of children) one.kill()
    return { status, errors }
  })
  for (const { status, errors } of await Promise.all(openers)) assert.equal(status, 0, errors)
})

test('the roots of a killed process are given up, its locks as well', async (t) => {
  const { store, root } = temporaryStore(t)
  const path = parseBaseName(`${'0'.repeat(32)}-locked`)
  const script = `
    import { openStore } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))}
    const store = openStore({ storeDirectory: ${JSON.stringify(store.storeDirectory)}, root: ${JSON.stringify(root)} })
    store.addText('kept', 'kept')
    await store.lockPaths([{ digest: ${JSON.stringify(path.digest)}, name: 'locked' }])
    console.log('ready')
    setInterval(() => undefined, 1000)`
  const file = join(temporaryDirectory(t), 'holder.ts')
  writeFileSync(file, script)
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const kept = store.allValidPaths()[0]!
  assert.equal(store.tryLockPaths([path]), undefined)
  assert.equal(store.collectGarbage().deleted.length, 0)
  const waiting = store.lockPaths([path])
  child.kill('SIGKILL')
  const lock = await waiting
  lock.release()
  assert.deepEqual(store.collectGarbage().deleted, [store.format(kept)])
  assert.deepEqual(readdirSync(join(store.stateDirectory, 'temproots')), [])
})

test('many paths locked by many holders, one at a time each', async (t) => {
  const root = temporaryDirectory(t)
  const counter = join(root, 'counter')
  writeFileSync(counter, '0')
  const path = parseBaseName(`${'0'.repeat(32)}-counter`)
  const stores = Array.from({ length: 3 }, () => openStore({ storeDirectory: '/nix/store', root }))
  await Promise.all(
    stores.map(async (store) => {
      for (let round = 0; round < 5; round++) {
        const lock = await store.lockPaths([path])
        const value = Number(readFileSync(counter, 'utf8'))
        await new Promise((resolve) => setTimeout(resolve, 2))
        writeFileSync(counter, String(value + 1))
        lock.release()
      }
      store.close()
    }),
  )
  assert.equal(readFileSync(counter, 'utf8'), '15')
})

test('Nix collects and adds while we add and collect', { skip: nix.skip }, async (t) => {
  const { store, root } = temporaryStore(t, { storeDirectory: '/nix/store' })
  const home = temporaryDirectory(t)
  writeFileSync(join(home, 'file'), 'x')
  const environment = { home, store }
  const ours = Promise.all([run(root, 'add', '1', '12'), run(root, 'collect', '5')])
  let finished = false
  ours.finally(() => (finished = true)).catch(() => undefined)
  while (!finished) {
    assert.equal(nix.run(['--gc'], environment).status, 0)
    const added = nix.run(['--add', join(home, 'file')], environment)
    assert.equal(added.status, 0, added.stderr)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await ours
  const verified = nix.run(['--verify', '--check-contents'], environment)
  assert.equal(verified.status, 0, verified.stderr)
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
})

test('a process in a read-only view of the store sees what is added meanwhile', (t) => {
  const { store, root, storeDirectory } = temporaryStore(t)
  const reader = openStore({ storeDirectory, root, readOnly: true })
  const path = store.addText('x', 'x')
  assert.ok(reader.isValid(path))
  store.close()
  assert.ok(reader.isValid(path))
  const { store: again } = temporaryStore(t, { root })
  const other = again.addText('y', 'y')
  assert.ok(reader.isValid(other))
  assert.throws(() => reader.addText('z', 'z'), { code: 'STORE_READ_ONLY' })
  assert.throws(() => reader.collectGarbage(), { code: 'STORE_READ_ONLY' })
  reader.close()
})
