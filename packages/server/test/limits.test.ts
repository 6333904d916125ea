/** What strangers send that is no request of a client. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { temporaryStore } from '@baryon/testing'
import * as fc from 'fast-check'
import { serve } from './serving.ts'

/** Sends the bytes and gives what comes back until the server closes the connection, or has answered. */
function send(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.end(Buffer.from(bytes, 'latin1')))
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })
}

test('requests too long, too large or not of HTTP', async (t) => {
  const { store } = temporaryStore(t)
  const { url } = await serve(t, store)
  const host = 'Host: x\r\nConnection: close\r\n'
  const cases: readonly (readonly [string, RegExp])[] = [
    [`GET /${'a'.repeat(2000)} HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1\.1 414 [\s\S]*ADDRESS_TOO_LONG/],
    [`GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1\.1 431 /],
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc', /^HTTP\/1\.1 400 /],
    [
      `GET /nix-cache-info HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    [`GET http://example.org/nix-cache-info HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1\.1 404 /],
    [`CONNECT example.org:443 HTTP/1.1\r\n${host}\r\n`, /^$/],
    [`OPTIONS * HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1\.1 405 /],
    [`GET /nix-cache-info HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1\.1 200 [\s\S]*StoreDir: /],
  ]
  for (const [bytes, expected] of cases) assert.match(await send(url, bytes), expected, bytes.slice(0, 60))
})

test('any bytes are answered with an error or nothing, and the server lives on', async (t) => {
  const { store } = temporaryStore(t)
  const { url, notices } = await serve(t, store)
  const line = fc.constantFrom(
    'GET ',
    'PUT ',
    '/',
    'nar/',
    ' HTTP/1.1',
    '\r\n',
    '\r\n\r\n',
    'Host: x',
    'Range: bytes=',
    '-',
    'Expect: 100-continue',
    'Content-Length: 5',
    ':',
    '\0',
    '%',
    'x',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (pieces) => {
      const answer = await send(url, `${pieces.join('')}\r\n\r\n`)
      assert.match(answer, /^(HTTP\/1\.1 (4\d\d|100) [\s\S]*)?$/)
    }),
    { numRuns: 150 },
  )
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  assert.deepEqual(notices, [])
})
