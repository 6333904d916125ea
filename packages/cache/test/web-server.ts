/** A static web server for a directory, with ranges, uploads and faults. */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { Cleanup } from '@baryon/testing'

export interface WebServer {
  readonly url: string
  /** `METHOD /name` of every request. */
  readonly requests: string[]
  /** Connections that were made. */
  readonly connections: () => number
}

/** Answers by itself and returns true, or leaves the request to the server. `count` numbers the requests of that name from 1. */
export type Fault = (
  name: string,
  response: http.ServerResponse,
  file: Buffer | undefined,
  count: number,
  request: http.IncomingMessage,
) => boolean

export interface WebServerOptions {
  readonly fault?: Fault
  /** Takes uploads with this token. */
  readonly token?: string
  readonly ranges?: boolean
}

export async function serveDirectory(
  test: Cleanup,
  directory: string,
  { fault, token, ranges = true }: WebServerOptions = {},
): Promise<WebServer> {
  const requests: string[] = []
  const counts = new Map<string, number>()
  let connections = 0
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(request.url ?? '').slice(1)
    requests.push(`${request.method} /${name}`)
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    if (request.method === 'PUT') return upload(request, response, join(directory, name), token)
    const file = readIfThere(join(directory, name))
    if (fault?.(name, response, file, count, request) === true) return
    if (file === undefined) response.writeHead(404).end()
    else send(request, response, file, ranges)
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
  }
}

function send(request: http.IncomingMessage, response: http.ServerResponse, file: Buffer, ranges: boolean): void {
  const range = ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '') : null
  const start = range === null ? 0 : Number(range[1])
  const headers: http.OutgoingHttpHeaders = { 'content-length': file.length - start }
  if (range !== null) headers['content-range'] = `bytes ${start}-${file.length - 1}/${file.length}`
  response.writeHead(range === null ? 200 : 206, headers)
  response.end(request.method === 'HEAD' ? undefined : file.subarray(start))
}

function upload(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  file: string,
  token: string | undefined,
): void {
  if (token === undefined || request.headers.authorization !== `Bearer ${token}`) {
    request.resume()
    response.writeHead(token === undefined ? 405 : 401).end()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    if (body.length !== Number(request.headers['content-length'])) return void response.writeHead(400).end()
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.part`, body)
    renameSync(`${file}.part`, file)
    response.writeHead(201).end()
  })
}

function readIfThere(file: string): Buffer | undefined {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : undefined
}
