import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface FileServer {
  readonly url: string
  readonly requests: readonly http.IncomingMessage[]
}

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse, count: number) => void

/** An HTTP server on this machine that ends with the test; `count` numbers the requests from 1. */
export async function serve(context: TestContext, handler: Handler): Promise<FileServer> {
  const requests: http.IncomingMessage[] = []
  const server = http.createServer((request, response) => {
    requests.push(request)
    handler(request, response, requests.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** Serves files by their path, with ranges when asked. */
export function fileHandler(files: Readonly<Record<string, Buffer>>): Handler {
  return (request, response) => {
    const file = files[decodeURIComponent(request.url ?? '')]
    if (file === undefined) {
      response.writeHead(404).end('not here')
      return
    }
    sendFile(request, response, file)
  }
}

export function sendFile(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  file: Buffer,
  tag = '"v1"',
): void {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const fits = request.headers['if-range'] === undefined || request.headers['if-range'] === tag
  if (range === null || !fits) {
    response.writeHead(200, { 'content-length': file.length, etag: tag }).end(file)
    return
  }
  const start = Number(range[1])
  const headers = { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}`, etag: tag }
  response.writeHead(206, { ...headers, 'content-length': file.length - start }).end(file.subarray(start))
}

/** Announces the whole, sends a part, and drops the connection. */
export function sendPart(
  response: http.ServerResponse,
  file: Buffer,
  length: number,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(200, { 'content-length': file.length, ...headers })
  response.write(file.subarray(0, length), () => setTimeout(() => response.destroy(), 20))
}
