/** Files over HTTP as a function, without sockets. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { createFileService, type WebService } from '../index.ts'
import { bytesOf } from './serving.ts'

const noBody = { [Symbol.asyncIterator]: async function* () {} }
const large = Buffer.alloc(700_001, 'contents of an object ')

function open(t: TestContext): { readonly directory: string; readonly service: WebService } {
  const directory = realpathSync(temporaryDirectory(t))
  mkdirSync(join(directory, 'data'))
  writeFileSync(join(directory, 'data/object'), large)
  writeFileSync(join(directory, 'data/empty'), '')
  writeFileSync(join(directory, 'manifest'), 'first')
  const service = createFileService({
    maxAge: 61,
    find: (path) => {
      const name = path.slice(1)
      return { directory, name, isImmutable: name.startsWith('data/'), type: 'application/octet-stream' }
    },
  })
  return { directory, service }
}

async function ask(service: WebService, target: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await service.handle({ method, target, headers, body: noBody })
  return { ...response, bytes: await bytesOf(response) }
}

test('objects: whole, in part, known already; for ever', async (t) => {
  const { service } = open(t)
  const before = openFiles()
  const whole = await ask(service, '/data/object')
  assert.equal(whole.status, 200)
  assert.ok(whole.bytes.equals(large))
  assert.match(whole.headers['Cache-Control']!, /max-age=31536000, immutable/)
  assert.equal((await ask(service, '/data/empty')).bytes.length, 0)
  const tag = whole.headers.ETag!
  const known = await ask(service, '/data/object', { 'if-none-match': `"x", W/${tag}`, range: 'bytes=900000-' })
  assert.deepEqual([known.status, known.bytes.length], [304, 0])
  const part = await ask(service, '/data/object', { range: 'bytes=300000-599999' })
  assert.deepEqual([part.status, part.headers['Content-Range']], [206, 'bytes 300000-599999/700001'])
  assert.ok(part.bytes.equals(large.subarray(300_000, 600_000)))
  assert.ok((await ask(service, '/data/object', { range: 'bytes=-7' })).bytes.equals(large.subarray(-7)))
  assert.equal((await ask(service, '/data/object', { range: 'bytes=5-', 'if-range': tag })).status, 206)
  assert.equal((await ask(service, '/data/object', { range: 'bytes=5-', 'if-range': '"x"' })).status, 200)
  const beyond = await ask(service, '/data/object', { range: 'bytes=700001-' })
  assert.deepEqual([beyond.status, beyond.headers['Content-Range']], [416, 'bytes */700001'])
  // A body that nobody reads is closed as well.
  const unread = await service.handle({ method: 'HEAD', target: '/data/object', headers: {}, body: noBody })
  assert.ok(typeof unread.body === 'object' && 'close' in unread.body && unread.body.length === 700_001)
  unread.body.close()
  unread.body.close()
  assert.deepEqual(openFiles(), before)
})

test('what changes is asked for again, and has another tag', async (t) => {
  const { directory, service } = open(t)
  const before = openFiles()
  const first = await ask(service, '/manifest')
  assert.deepEqual([first.status, first.bytes.toString()], [200, 'first'])
  assert.equal(first.headers['Cache-Control'], 'public, max-age=61, must-revalidate')
  assert.equal((await ask(service, '/manifest', { 'if-none-match': first.headers.ETag! })).status, 304)
  // As large, and in the same second.
  writeFileSync(join(directory, 'aside'), 'other')
  renameSync(join(directory, 'aside'), join(directory, 'manifest'))
  const second = await ask(service, '/manifest', { 'if-none-match': first.headers.ETag! })
  assert.deepEqual([second.status, second.bytes.toString()], [200, 'other'])
  assert.deepEqual(openFiles(), before)
})

test('nothing but files of the directory', async (t) => {
  const { directory, service } = open(t)
  const secret = join(temporaryDirectory(t), 'secret')
  writeFileSync(secret, 'secret')
  symlinkSync(secret, join(directory, 'link'))
  symlinkSync('manifest', join(directory, 'inner-link'))
  symlinkSync(join(secret, '..'), join(directory, 'linked'))
  mkdirSync(join(directory, 'directory'))
  execFileSync('mkfifo', [join(directory, 'pipe')])
  const before = openFiles()
  for (const target of [
    '/link',
    '/inner-link',
    '/linked/secret',
    '/directory',
    '/data',
    '/',
    '/pipe',
    '/none',
    '/manifest/below',
    `/${'x'.repeat(300)}`,
    `/../${secret.slice(1)}`,
    `/..%2f..%2f..%2f..${encodeURIComponent(secret)}`,
    '/%',
    '/manifest%00',
  ]) {
    const response = await ask(service, target)
    assert.ok(response.status === 404, `${target}: ${response.status} ${response.bytes}`)
    assert.equal(response.headers['Cache-Control'], 'no-store')
  }
  assert.deepEqual(openFiles(), before)
  for (const method of ['PUT', 'POST', 'DELETE', 'OPTIONS']) {
    assert.equal((await ask(service, '/manifest', {}, method)).status, 405)
  }
  assert.equal(readFileSync(join(directory, 'manifest'), 'utf8'), 'first')
  assert.equal((await ask(service, '/manifest?x=y')).status, 200)
})

function openFiles(): number {
  return readdirSync('/proc/self/fd').length
}
