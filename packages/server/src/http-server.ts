/**
 * A service behind sockets: Node's HTTP server, turned into requests and responses of ours and back.
 *
 * Node's parser and not one of our own: a narinfo takes 30 µs of CPU with it, of which a third is the kernel's (nginx: 22).
 * One core then answers 30,000 a second, which leaves no reason to read headers of strangers ourselves.
 */
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { isSystemError, UserError } from '@baryon/format'
import {
  type Answer,
  type BodyStream,
  type CacheRequest,
  type CacheResponse,
  errorResponse,
  isBodyStream,
  type WebService,
} from './exchange.ts'
import { pacedBody } from './paced-body.ts'

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }

/** One line of the access log. */
export interface AccessRecord {
  readonly method: string
  readonly target: string
  readonly status: number
  /** Bytes of the body that were sent. */
  readonly bytes: number
  readonly milliseconds: number
  readonly client: string
  /** The response did not come to its end. */
  readonly cut: boolean
}

export interface HttpServerOptions {
  readonly onRequest?: (record: AccessRecord) => void
  readonly limits?: Partial<HttpLimits>
}

export interface HttpLimits {
  /** Milliseconds in which the headers must have come. */
  readonly headers: number
  /** Milliseconds without a byte in either direction. */
  readonly silence: number
  /** Milliseconds in which each next 64 KiB of an upload must have come. */
  readonly pace: number
  readonly connections: number
}

export interface RunningServer {
  /** `http://127.0.0.1:8080`, or `unix:/run/cache.sock`. */
  readonly url: string
  /** Takes no more requests, lets those in progress end within so many milliseconds, and cuts the rest. */
  stop(grace: number): Promise<void>
}

export async function serveHttp(
  service: WebService,
  address: ListenAddress,
  options: HttpServerOptions = {},
): Promise<RunningServer> {
  const limits = { ...DEFAULTS, ...options.limits }
  const connection: Connection = { service, limits, onRequest: options.onRequest, inFlight: 0, onIdle: undefined }
  const server = createServer(
    {
      headersTimeout: limits.headers,
      // Uploads take as long as they take: `pacedBody` looks after them.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE,
      connectionsCheckingInterval: Math.min(5000, limits.headers),
      maxHeaderSize: 16384,
      noDelay: true,
    },
    (incoming, outgoing) => serve(connection, incoming, outgoing),
  )
  server.on('checkContinue', (incoming, outgoing) => serve(connection, incoming, outgoing))
  server.timeout = limits.silence
  server.maxConnections = limits.connections
  server.maxHeadersCount = 100
  server.on('clientError', (error, socket) => {
    service.metrics.add('baryon_cache_bad_connections_total', `code="${(error as NodeJS.ErrnoException).code ?? ''}"`)
    const status = CLIENT_ERRORS[(error as NodeJS.ErrnoException).code ?? ''] ?? '400 Bad Request'
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    else socket.destroy()
  })
  service.metrics.gauge('baryon_cache_requests_in_flight', 'Requests being answered.', () => connection.inFlight)
  await listen(server, address)
  return {
    url: urlOf(server, address),
    stop: async (grace) => {
      service.drain()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // A connection that has had its answer would wait for the next request.
      connection.onIdle = () => setImmediate(() => server.closeIdleConnections())
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), grace)
      await closed
      clearTimeout(timer)
    },
  }
}

interface Connection {
  readonly service: WebService
  readonly limits: HttpLimits
  readonly onRequest: ((record: AccessRecord) => void) | undefined
  inFlight: number
  /** Called when a response has ended, while the server is stopping. */
  onIdle: (() => void) | undefined
}

function serve(connection: Connection, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const started = performance.now()
  // Unknown once the connection is closed.
  const client = incoming.socket.remoteAddress ?? 'local'
  let bytes = 0
  connection.inFlight++
  outgoing.on('error', ignore)
  outgoing.on('close', () => {
    connection.inFlight--
    const cut = !outgoing.writableFinished
    connection.service.metrics.add('baryon_cache_sent_bytes_total', '', bytes)
    if (cut) connection.service.metrics.add('baryon_cache_cut_responses_total', '')
    connection.onRequest?.({
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      status: outgoing.statusCode,
      bytes,
      milliseconds: performance.now() - started,
      client,
      cut,
    })
    if (!incoming.complete) discardRest(incoming)
    connection.onIdle?.()
  })
  const answer = respond(connection, incoming, outgoing)
  if (answer instanceof Promise) answer.then(send, (error: unknown) => outgoing.destroy(error as Error))
  else send(answer)

  function send(response: CacheResponse): void {
    const { body } = response
    if (isBodyStream(body)) {
      void sendStream(response, body, incoming, outgoing, (count) => {
        bytes += count
      })
      return
    }
    const length = body.length
    const complete = 'Content-Length' in response.headers || response.status === 304
    outgoing.writeHead(
      response.status,
      complete ? response.headers : { ...response.headers, 'Content-Length': String(length) },
    )
    if (incoming.method === 'HEAD' || response.status === 304) {
      outgoing.end()
      return
    }
    bytes = length
    // One string goes out together with the headers, in one system call.
    if (typeof body === 'string') outgoing.end(body, 'latin1')
    else outgoing.end(body)
  }
}

function respond({ service, limits }: Connection, incoming: IncomingMessage, outgoing: ServerResponse): Answer {
  const target = incoming.url ?? ''
  if (target.length > MAX_TARGET) {
    return errorResponse(414, new UserError('ADDRESS_TOO_LONG', `no address here has ${target.length} characters`))
  }
  const request: CacheRequest = {
    method: incoming.method ?? '',
    target,
    headers: incoming.headers,
    body: incoming.method === 'PUT' ? pacedBody(incoming, outgoing, limits.pace, service.metrics) : NO_BODY,
  }
  return service.handle(request)
}

async function sendStream(
  response: CacheResponse,
  body: BodyStream,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  onSent: (bytes: number) => void,
): Promise<void> {
  const headers = body.length === undefined ? response.headers : { ...response.headers, 'Content-Length': body.length }
  outgoing.once('close', () => body.close())
  try {
    outgoing.writeHead(response.status, headers)
    if (incoming.method === 'HEAD') {
      outgoing.end()
      return
    }
    let sent = 0
    for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
      if (outgoing.destroyed) return
      await written(outgoing, chunk)
      sent += chunk.length
      onSent(chunk.length)
    }
    // A path that shrank: the client must see that something is missing.
    if (body.length !== undefined && sent !== body.length) outgoing.destroy()
    else outgoing.end()
  } catch {
    // Headers are gone, and with them every way to say what happened but this one.
    outgoing.destroy()
  } finally {
    body.close()
  }
}

/** Settles when the system has taken all of the chunk: its buffer is used again then. */
function written(outgoing: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    outgoing.write(chunk, (error) => (error == null ? resolve() : reject(error)))
  })
}

/** A refused upload is read on for a moment, or its sender sees a broken connection instead of the refusal. */
function discardRest(incoming: IncomingMessage): void {
  if (incoming.destroyed) return
  const timer = setTimeout(() => incoming.socket.destroy(), LINGER)
  timer.unref()
  incoming.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
  incoming.resume()
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  if (address.kind === 'socket') await removeDeadSocket(address.path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const where = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path
      reject(
        new UserError('LISTEN_FAILED', `cannot listen on '${where}': ${cause.code ?? cause.message}`, {
          hint: 'another program may have it, or this user may not: choose another --listen or --socket',
          cause,
        }),
      )
    })
    if (address.kind === 'tcp') server.listen({ host: address.host, port: address.port, backlog: 1024 }, resolve)
    else server.listen(address.path, resolve)
  })
  // Who may connect is decided by the directory; a proxy runs as another user.
  if (address.kind === 'socket') chmodSync(address.path, 0o666)
}

/** What a killed server leaves. One that somebody answers at is left alone, and listening fails. */
async function removeDeadSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const refused = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(false)).once('error', (error) => resolve(isSystemError(error, 'ECONNREFUSED')))
    socket.once('connect', () => socket.destroy())
  })
  if (refused) rmSync(path, { force: true })
}

function urlOf(server: Server, address: ListenAddress): string {
  if (address.kind === 'socket') return `unix:${address.path}`
  const { address: host, port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function ignore(): void {}

const NO_BODY: CacheRequest['body'] = { [Symbol.asyncIterator]: async function* () {} }
const DEFAULTS: HttpLimits = { headers: 20_000, silence: 60_000, pace: 60_000, connections: 8192 }
/** Longer than the minute for which proxies keep connections to us. */
const KEEP_ALIVE = 65_000
const LINGER = 5000
const MAX_TARGET = 1024
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}
