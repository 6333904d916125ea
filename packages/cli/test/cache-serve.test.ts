/** `baryon cache serve` as a process: addresses, logs, signals, users. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatSecretKey, generateKeyPair } from '@baryon/format'
import { openStore } from '@baryon/store'
import { atEnd, ordinaryUser, temporaryDirectory, writeTree } from '@baryon/testing'

const baryon = join(import.meta.dirname, '../../../bin/baryon')
const storeDirectory = '/cvmfs/lhcb.example.org/nix/store'

interface Served {
  readonly child: ChildProcess
  /** Status and signal of its end. */
  readonly end: Promise<readonly unknown[]>
  /** The first line of standard output. */
  readonly line: string
  stderr(): string
}

/** Starts the command and waits for its address. */
async function start(child: ChildProcess, t: TestContext): Promise<Served> {
  t.after(() => child.kill('SIGKILL'))
  const end = once(child, 'exit')
  let [stdout, stderr] = ['', '']
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      if (stdout.includes('\n')) resolve(stdout.trim())
    })
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${stderr}`)))
  })
  return { child, end, line, stderr: () => stderr }
}

function serveArguments(root: string, ...more: readonly string[]): string[] {
  const address = more.includes('--socket') ? [] : ['--listen', '127.0.0.1:0']
  return ['cache', 'serve', '--root', root, '--store-dir', storeDirectory, ...address, ...more]
}

function serve(t: TestContext, root: string, ...more: readonly string[]): Promise<Served> {
  return start(spawn(baryon, serveArguments(root, ...more), { stdio: ['ignore', 'pipe', 'pipe'] }), t)
}

/** A root with a text and a path of 40 MB in its store. */
function populate(t: TestContext) {
  const root = temporaryDirectory(t)
  const store = openStore({ root, storeDirectory })
  const text = store.addText('text', 'a text\n')
  writeTree(join(root, 'large'), Buffer.alloc(40 << 20, 'contents'))
  const large = store.addPath('large', join(root, 'large'))
  store.close()
  return { root, text, large }
}

async function narOf(url: string, digest: string): Promise<string> {
  return `${url}/${/^URL: (.*)$/m.exec(await (await fetch(`${url}/${digest}.narinfo`)).text())![1]}`
}

test('signs, logs a record for each request, and ends with 0 on SIGTERM', async (t) => {
  const { root, text } = populate(t)
  const key = join(root, 'key')
  writeFileSync(key, formatSecretKey(generateKeyPair('cache.example.org-1')))
  const { child, end, line, stderr } = await serve(t, root, '--json', '--key', key, '--priority', '7')
  const { url } = JSON.parse(line) as { url: string }
  assert.match(await (await fetch(`${url}/nix-cache-info`)).text(), /^Priority: 7$/m)
  assert.match(await (await fetch(`${url}/${text.digest}.narinfo`)).text(), /^Sig: cache\.example\.org-1:/m)
  assert.equal((await fetch(`${url}/nothing`)).status, 404)
  child.kill('SIGTERM')
  assert.deepEqual(await end, [0, null])
  const records = stderr()
    .trim()
    .split('\n')
    .map((record) => JSON.parse(record) as { method: string; target: string; status: number; bytes: number })
  assert.deepEqual(
    records.map(({ method, target, status }) => [method, target, status]),
    [
      ['GET', '/nix-cache-info', 200],
      ['GET', `/${text.digest}.narinfo`, 200],
      ['GET', '/nothing', 404],
    ],
  )
})

test('a download in progress ends before the server does, or is cut after the grace', async (t) => {
  const { root, large } = populate(t)
  const first = await serve(t, root, '--grace', '60')
  const response = await fetch(await narOf(first.line, large.digest))
  first.child.kill('SIGINT')
  await sleep(500)
  assert.equal(first.child.exitCode, null)
  await assert.rejects(fetch(`${first.line}/healthz`))
  assert.ok((await response.arrayBuffer()).byteLength > 40 << 20)
  assert.deepEqual(await first.end, [0, null])

  const second = await serve(t, root, '--grace', '1')
  const target = new URL(await narOf(second.line, large.digest))
  const socket = connect(Number(target.port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`GET ${target.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await once(socket, 'readable')
  second.child.kill('SIGTERM')
  assert.deepEqual(await second.end, [0, null])
  assert.match(second.stderr(), /GET \/nar\/.* 200 \d+ .*cut$/m)
})

test('a socket in the file system, also where a killed server left one', async (t) => {
  const { root, text } = populate(t)
  const path = join(root, 'cache.sock')
  const ask = async () => {
    const [response] = await once(request({ socketPath: path, path: `/${text.digest}.narinfo` }).end(), 'response')
    response.resume()
    return response.statusCode as number
  }
  const first = await serve(t, root, '--socket', path)
  assert.equal(first.line, `unix:${path}`)
  assert.equal(await ask(), 200)
  const second = spawn(baryon, serveArguments(root, '--socket', path), { stdio: ['ignore', 'pipe', 'pipe'] })
  await assert.rejects(start(second, t), /ended with 1: .*LISTEN_FAILED/)
  assert.equal(await ask(), 200)
  first.child.kill('SIGKILL')
  await first.end
  assert.ok(existsSync(path))
  const third = await serve(t, root, '--socket', path)
  assert.equal(await ask(), 200)
  third.child.kill('SIGTERM')
  await third.end
  assert.ok(!existsSync(path))
})

const anybody = ordinaryUser({ after: () => undefined })

test('an ordinary user serves a store that is not writable, and takes no uploads for it', {
  skip: anybody.skip,
}, async (t) => {
  const { root, text } = populate(t)
  const user = ordinaryUser(t)
  for (let at = root; at !== '/tmp' && at !== '/'; at = dirname(at)) chmodSync(at, 0o755)
  const prefix = join(root, dirname(storeDirectory))
  const state = [
    prefix,
    join(prefix, 'var'),
    join(prefix, 'var/nix'),
    join(prefix, 'var/nix/db'),
    join(prefix, 'var/nix/temproots'),
    join(prefix, 'var/baryon'),
  ]
  for (const directory of state) chmodSync(directory, 0o555)
  atEnd(t, () => state.forEach((directory) => void chmodSync(directory, 0o755)))
  const served = await start(user.spawn(baryon, serveArguments(root), { stdio: ['ignore', 'pipe', 'pipe'] }), t)
  for (let round = 0; round < 2; round++) assert.equal((await fetch(await narOf(served.line, text.digest))).status, 200)
  served.child.kill('SIGTERM')
  assert.deepEqual(await served.end, [0, null])
  assert.equal(served.stderr().match(/cannot be written by this user/g)?.length, 1)

  const token = join(user.home, 'token')
  writeFileSync(token, 'correct-horse-battery')
  chmodSync(token, 0o644)
  const refused = user.run(baryon, serveArguments(root, '--upload-token-file', token))
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^error\[STORE_/)
})

test('what is wrong with the call', async (t) => {
  const { root } = populate(t)
  const user = ordinaryUser(t)
  const call = (...more: string[]) => user.run(baryon, serveArguments(root, ...more))
  const file = join(user.home, 'file')
  writeFileSync(file, 'short\n')
  chmodSync(file, 0o644)
  const cases: readonly (readonly [number, RegExp, ...string[]])[] = [
    [2, /--compression lzma/, '--compression', 'lzma'],
    [2, /either --listen or --socket/, '--listen', '127.0.0.1:0', '--socket', '/x'],
    [2, /--workers many/, '--workers', 'many'],
    [1, /error\[TOKEN_INVALID\]/, '--upload-token-file', file],
    [1, /error\[KEY_INVALID\]/, '--key', file],
    [1, /error\[FILE_UNREADABLE\]/, '--key', join(user.home, 'none')],
  ]
  for (const [status, message, ...more] of cases) {
    const result = call(...more)
    assert.match(result.stderr, message)
    assert.equal(result.status, status)
  }
})
