/** Whatever a server does, a pipeline gives the bytes that it sent whole, or nothing. */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { Pipeline } from '../src/pipeline.ts'

type Behaviour = (socket: Socket, paths: readonly string[]) => void

/** A server that is told the paths of the questions of a connection each time that there are more. */
async function pipelineTo(t: TestContext, behaviour: Behaviour): Promise<Pipeline> {
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      text += piece
      const paths = [...text.matchAll(/GET (\S+) HTTP\/1\.1\r\nHost: host\r\n\r\n/g)].map((match) => match[1]!)
      text = ''
      behaviour(socket, paths)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return new Pipeline({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, 1)
}

function answer(body: string, header = `Content-Length: ${Buffer.byteLength(body, 'latin1')}`): string {
  return `HTTP/1.1 200 OK\r\nServer: x\r\n${header}\r\n\r\n${body}`
}

test('many questions, answers in pieces of any size', async (t) => {
  const pipeline = await pipelineTo(t, async (socket, paths) => {
    const text = paths.map((path) => answer(path.repeat(50))).join('')
    for (let start = 0; start < text.length; start += 777) {
      socket.write(text.slice(start, start + 777), 'latin1')
      await delay(1)
    }
  })
  const paths = Array.from({ length: 200 }, (_, index) => `/data/${index}`)
  const bodies = await Promise.all(paths.map((path) => pipeline.get(path, 'host', 10_000)))
  assert.deepEqual(
    bodies.map(String),
    paths.map((path) => path.repeat(50)),
  )
  assert.equal(String(await pipeline.get('/', 'host', 50)), '/'.repeat(50))
})

test('what is no plain answer is nothing, and the next question is asked anew', async (t) => {
  const odd: Readonly<Record<string, string>> = {
    '/absent': 'HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc',
    '/old': 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    '/chunked': answer('3\r\nabc\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'),
    '/both': answer('abc', 'Transfer-Encoding: chunked\r\nContent-Length: 3'),
    '/packed': answer('abc', 'Content-Encoding: gzip\r\nContent-Length: 3'),
    '/last': answer('abc', 'Content-Length: 3\r\nConnection: close'),
    '/endless': answer('abc', 'X: y'),
    '/twice': answer('abc', 'Content-Length: 3\r\nContent-Length: 5'),
    '/large': answer('x'.repeat(101)),
    '/negative': answer('abc', 'Content-Length: -3'),
    '/header': `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}`,
    '/silent': '',
    '/short': answer('abc', 'Content-Length: 4'),
  }
  const pipeline = await pipelineTo(t, (socket, paths) => {
    for (const path of paths) {
      socket.write(odd[path] ?? answer(path))
      if (path === '/short') socket.end()
    }
  })
  for (const path of Object.keys(odd)) {
    assert.equal(await pipeline.get(path, 'host', 100), undefined, path)
    assert.equal(String(await pipeline.get('/good', 'host', 100)), '/good', `after ${path}`)
  }
})

test('nobody listens', async () => {
  assert.equal(await new Pipeline({ host: '127.0.0.1', port: 1 }, 1).get('/', 'host', 10), undefined)
})

test('any bytes', async (t) => {
  let bytes: Uint8Array = Buffer.alloc(0)
  const pipeline = await pipelineTo(t, (socket) => socket.end(bytes))
  const line = fc.constantFrom(
    'HTTP/1.1 200 OK',
    'Content-Length: 3',
    'Content-Length: 99999999999999999999',
    '',
    'abc',
    'Connection: close',
  )
  const lines = fc.array(line, { maxLength: 8 }).map((list) => Buffer.from(list.join('\r\n')))
  await fc.assert(
    fc.asyncProperty(fc.oneof(lines, fc.uint8Array({ maxLength: 200 })), async (sent) => {
      bytes = sent
      const body = await pipeline.get('/', 'host', 1000)
      assert.ok(body === undefined || Buffer.from(sent).includes(body))
    }),
    { numRuns: 200 },
  )
})
