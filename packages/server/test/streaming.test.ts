/** Downloads that take long: slow clients, collections, sizes beyond memory. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatHash, hashBytes, type StorePath, storePathBaseName } from '@baryon/format'
import { dumpNar, hashPath, openStore, type Store } from '@baryon/store'
import { temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import { createRootHolder, LIFETIME } from '../src/thread/root-holder.ts'
import { serve } from './serving.ts'

async function narUrlOf(url: string, path: StorePath): Promise<string> {
  const text = await (await fetch(`${url}/${path.digest}.narinfo`)).text()
  return `${url}/${/^URL: (.*)$/m.exec(text)![1]}`
}

/** Asks and reads nothing. */
function stalled(url: string): Promise<Socket> {
  const { port, pathname } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.pause()
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, () => resolve(socket))
    })
    socket.on('error', () => undefined)
  })
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const all = Buffer.concat(chunks)
  return all.subarray(all.indexOf('\r\n\r\n') + 4)
}

/** A path of many files, larger than what sockets and buffers hold, compressed as well. */
function addLarge(store: Store, directory: string, megabytes: number): StorePath {
  const entries = Object.fromEntries(
    Array.from({ length: megabytes }, (_, index) => [`f${index}`, randomBytes(1 << 20)]),
  )
  writeTree(join(directory, 'large'), { entries })
  return store.addPath('large', join(directory, 'large'))
}

test('a path that is being sent is not collected', async (t) => {
  const { store, root, storeDirectory } = temporaryStore(t)
  const { url } = await serve(t, store)
  // By another process, so to speak, which is gone when the collection comes.
  const builder = openStore({ root, storeDirectory })
  const path = addLarge(builder, temporaryDirectory(t), 40)
  builder.close()
  const { hash } = hashPath(store.physicalPath(path))
  const socket = await stalled(await narUrlOf(url, path))
  for (;;) {
    if (/^baryon_cache_streams 1$/m.test(await (await fetch(`${url}/metrics`)).text())) break
    await sleep(20)
  }
  assert.deepEqual(store.collectGarbage().deleted, [])
  const nar = await readAll(socket)
  assert.deepEqual(hashBytes('sha256', nar), hash)
})

test('roots are given up some time after the last of those that began together', (t) => {
  const { store, root, storeDirectory } = temporaryStore(t)
  const other = openStore({ root, storeDirectory })
  const [one, two] = [other.addText('one', '1'), other.addText('two', '2')]
  other.close()
  let now = 0
  const timers: { readonly at: number; readonly work: () => void }[] = []
  const pass = (milliseconds: number) => {
    now += milliseconds
    for (const timer of timers.splice(0))
      if (timer.at <= now) timer.work()
      else timers.push(timer)
  }
  const after = (milliseconds: number, work: () => void) => void timers.push({ at: now + milliseconds, work })
  const holder = createRootHolder(store, { now: () => now, after })
  const first = holder.hold(storePathBaseName(one))
  const second = holder.hold(storePathBaseName(two))
  holder.release(first)
  pass(LIFETIME)
  // `one` is free, but its generation lasts as long as `two` is being sent.
  assert.deepEqual(store.collectGarbage().deleted, [])
  const third = holder.hold(storePathBaseName(two))
  holder.release(second)
  assert.deepEqual(store.collectGarbage().deleted, [store.format(one)])
  holder.release(third)
  pass(LIFETIME)
  assert.deepEqual(store.collectGarbage().deleted, [store.format(two)])
})

test('clients that do not read keep nobody else waiting, and cost bounded memory', async (t) => {
  const { store } = temporaryStore(t)
  const path = addLarge(store, temporaryDirectory(t), 40)
  const small = store.addText('small', 'x')
  const { url } = await serve(t, store, { readers: 1 })
  const target = await narUrlOf(url, path)
  const before = process.memoryUsage().rss
  const sockets = await Promise.all(Array.from({ length: 100 }, () => stalled(target)))
  t.after(() => sockets.forEach((socket) => void socket.destroy()))
  await sleep(1000)
  const chunks: Buffer[] = []
  dumpNar(store.physicalPath(small), (chunk) => chunks.push(Buffer.from(chunk)))
  const nar = Buffer.from(await (await fetch(await narUrlOf(url, small))).arrayBuffer())
  assert.ok(nar.equals(Buffer.concat(chunks)))
  // 32 buffers of 2 MiB, and small ones for the others; with all that was sent it would be 4 GB.
  assert.ok(process.memoryUsage().rss - before < 400 << 20, `${process.memoryUsage().rss - before} bytes`)
})

test('clients that go away end their stream', async (t) => {
  const { store } = temporaryStore(t)
  const path = addLarge(store, temporaryDirectory(t), 40)
  const { url, log } = await serve(t, store)
  const target = await narUrlOf(url, path)
  for (const ending of ['', '.zst']) {
    const socket = await stalled(target + ending)
    await sleep(300)
    socket.destroy()
  }
  for (let tries = 0; log.filter((record) => record.cut).length < 2 && tries < 200; tries++) await sleep(50)
  assert.deepEqual(
    log.filter((record) => record.cut).map((record) => record.status),
    [200, 200],
  )
  for (let tries = 0; tries < 200; tries++) {
    if (/^baryon_cache_streams 0$/m.test(await (await fetch(`${url}/metrics`)).text())) return
    await sleep(50)
  }
  assert.fail('a stream is still open')
})

test('the end of a NAR of 6 GiB comes at once', async (t) => {
  const { store } = temporaryStore(t)
  const path: StorePath = { digest: 'a'.repeat(32), name: 'sparse' }
  const size = 6 * 2 ** 30
  mkdirSync(store.physicalPath(path))
  const fd = openSync(join(store.physicalPath(path), 'sparse'), 'w')
  ftruncateSync(fd, size)
  writeSync(fd, 'the end', size - 7)
  closeSync(fd)
  // Its hash would take seconds, and does not matter: what is registered is believed.
  const narHash = hashBytes('sha256', 'any')
  writeTree(join(store.physicalDirectory, 'small'), { entries: { sparse: '12345678' } })
  const overhead = dumpNar(join(store.physicalDirectory, 'small'), () => undefined) - 8
  store.registerValidPaths([{ path, narHash, narSize: size + overhead, references: [] }])
  const { url } = await serve(t, store)
  const target = await narUrlOf(url, path)
  assert.match(target, new RegExp(formatHash(narHash, 'nix32', false)))
  const response = await fetch(target, { headers: { Range: 'bytes=-100' } })
  assert.equal(response.status, 206)
  const tail = Buffer.from(await response.arrayBuffer()).toString('latin1')
  assert.equal(tail.length, 100)
  assert.match(tail, /^\0+the end\0*\x01\0{7}\)\0{7}\x01\0{7}\)\0{7}\x01\0{7}\)\0{7}$/)
  const middle = await fetch(target, { headers: { Range: `bytes=${2 ** 32}-${2 ** 32 + 9}` } })
  assert.deepEqual(Buffer.from(await middle.arrayBuffer()), Buffer.alloc(10))
})

test('a path that loses a file while it is sent breaks the connection', async (t) => {
  const { store } = temporaryStore(t)
  const path: StorePath = { digest: 'b'.repeat(32), name: 'broken' }
  writeTree(store.physicalPath(path), 'short')
  store.registerValidPaths([{ path, narHash: hashBytes('sha256', 'any'), narSize: 1_000_000, references: [] }])
  const { url, log } = await serve(t, store)
  const response = await fetch(await narUrlOf(url, path))
  await assert.rejects(response.arrayBuffer())
  for (let tries = 0; !log.some((record) => record.cut) && tries < 200; tries++) await sleep(20)
  assert.ok(log.some((record) => record.cut))
})
