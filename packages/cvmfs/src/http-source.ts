import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { UserError } from '@baryon/format'
import { missing, type ObjectSource, type OpenOptions } from './object-source.ts'
import { Pipeline } from './pipeline.ts'
import { parseProxies } from './proxies.ts'

export interface HttpSourceOptions {
  /** Seconds without a byte after which a server counts as dead; default 10. */
  readonly timeout?: number
  /** Tries of each server by each way; default 2. */
  readonly attempts?: number
  /** Small files in pipelines: quicker, but many are asked for before the first has come. Default: false. */
  readonly isPipelined?: boolean
  /** As in `CVMFS_HTTP_PROXY`; default: none. */
  readonly proxies?: string | undefined
}

/**
 * A repository on web servers: `http://one.example.org/cvmfs/NAME;http://two.example.org/cvmfs/NAME`. A proxy that cannot be reached, and a
 * server that does not answer or breaks off, is passed over for the next one, and stays behind the others from then on. What was given already is
 * not given again: the next server is asked for the rest.
 */
export function httpSource(urls: string, options: HttpSourceOptions = {}): ObjectSource {
  const { timeout = 10, attempts = 2 } = options
  const servers = new Ring(urls.split(';').map((text) => parseServer(text.trim())))
  const proxies = new Ring(parseProxies(options.proxies ?? ''))
  const agents = { http: new HttpAgent(KEEP_ALIVE), https: new HttpsAgent(KEEP_ALIVE) }
  const ask = (server: URL, proxy: URL | undefined, name: string, position: number, open: OpenOptions) =>
    send({ url: new URL(name, server), proxy, position, timeout, ...agents, ...open })
  const pipelines = new Map<string, Pipeline>()
  return {
    whole: async (name, limit) => {
      const server = servers.current
      const way = proxies.current ?? server
      if (options.isPipelined !== true || server.protocol !== 'http:') return undefined
      let pipeline = pipelines.get(way.host)
      if (pipeline === undefined) {
        pipeline = new Pipeline({ host: way.hostname.replace(/^\[|\]$/g, ''), port: Number(way.port || 80) }, timeout)
        pipelines.set(way.host, pipeline)
      }
      const { href, pathname, host } = new URL(name, server)
      return pipeline.get(way === server ? pathname : href, host, limit)
    },
    name: servers.current.href.replace(/\/$/, ''),
    async *open(name, open = {}) {
      if (open.isAgain === true) servers.pass(servers.current)
      let position = 0
      let absent = 0
      let failure: unknown
      for (let left = attempts * servers.size * proxies.size; left > 0; left--) {
        const server = servers.current
        const proxy = proxies.current
        let hasAnswered = false
        try {
          const response = await ask(server, proxy, name, position, open)
          hasAnswered = true
          for await (const piece of bodyOf(response, position, name, server)) {
            position += piece.length
            yield piece
          }
          return
        } catch (error) {
          open.signal?.throwIfAborted()
          if (isOurs(error)) throw error
          failure = error
          if (!hasAnswered && proxy !== undefined) proxies.pass(proxy)
          else servers.pass(server)
          // What no server has will not be there a moment later.
          if (error instanceof UserError && error.code === 'CVMFS_MISSING' && ++absent >= servers.size) throw error
        }
      }
      if (failure instanceof UserError) throw failure
      throw new UserError(
        'CVMFS_HTTP',
        `${servers.current.href}${name} cannot be fetched: ${(failure as Error).message}`,
        {
          hint: 'check the address, the proxies and the network',
          cause: failure,
        },
      )
    },
  }
}

const KEEP_ALIVE = { keepAlive: true, maxSockets: 16 }

/** Things of one kind, of which one is used until it fails. */
class Ring<T> {
  readonly #items: readonly T[]
  #position = 0

  constructor(items: readonly T[]) {
    this.#items = items
  }

  get size(): number {
    return this.#items.length
  }

  get current(): T {
    return this.#items[this.#position]!
  }

  /** Goes on, if nobody has gone on already. */
  pass(item: T): void {
    if (this.current === item) this.#position = (this.#position + 1) % this.#items.length
  }
}

/** A bug of ours, not of the network: those errors have a code. */
function isOurs(error: unknown): boolean {
  return (
    !(error instanceof UserError) &&
    !(error instanceof Error && ('code' in error || error.message.startsWith('no answer')))
  )
}

async function* bodyOf(response: IncomingMessage, position: number, name: string, server: URL): AsyncGenerator<Buffer> {
  const { statusCode } = response
  if (statusCode === 404 || statusCode === 410) {
    response.resume()
    throw missing(name, server.href)
  }
  if (statusCode !== 200 && !(statusCode === 206 && position > 0)) {
    response.resume()
    throw new UserError('CVMFS_HTTP', `${server.href}${name}: status ${statusCode}`)
  }
  // A server that does not know ranges begins again.
  let known = statusCode === 206 ? 0 : position
  for await (const piece of response as AsyncIterable<Buffer>) {
    const fresh = piece.subarray(Math.min(piece.length, known))
    known -= piece.length - fresh.length
    if (fresh.length > 0) yield fresh
  }
  if (!response.complete) throw new UserError('CVMFS_HTTP', `${server.href}${name} breaks off`)
}

function parseServer(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UserError('CVMFS_URL', `'${text}' is no address of a repository`, {
      hint: 'expected http://server.example.org/cvmfs/NAME, several with semicolons between',
    })
  }
  return url
}

interface Question extends OpenOptions {
  readonly url: URL
  readonly proxy: URL | undefined
  readonly position: number
  readonly timeout: number
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

function send({ url, proxy, position, timeout, http, https, isAgain, signal }: Question): Promise<IncomingMessage> {
  const headers = {
    ...(position > 0 ? { Range: `bytes=${position}-` } : {}),
    // Tells the proxies on the way to ask the server.
    ...(isAgain === true ? { 'Cache-Control': 'no-cache' } : {}),
  }
  const common = { headers, ...(signal === undefined ? {} : { signal }) }
  return new Promise((resolve, reject) => {
    let request: ClientRequest
    if (url.protocol === 'https:') request = httpsRequest(url, { agent: https, ...common }, resolve)
    else if (proxy === undefined) request = httpRequest(url, { agent: http, ...common }, resolve)
    else {
      const { hostname, port } = proxy
      const host = { Host: url.host }
      request = httpRequest(
        {
          agent: http,
          hostname,
          port: port === '' ? 80 : port,
          path: url.href,
          ...common,
          headers: { ...headers, ...host },
        },
        resolve,
      )
    }
    request.on('error', reject)
    request.setTimeout(timeout * 1000, () => request.destroy(new Error(`no answer for ${timeout} s`)))
    request.end()
  })
}
