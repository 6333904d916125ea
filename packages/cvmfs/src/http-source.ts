import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { UserError } from '@baryon/format'
import { missing, type ObjectSource, type OpenOptions } from './object-source.ts'

export interface HttpSourceOptions {
  /** Seconds without a byte after which a server counts as dead; default 10. */
  readonly timeout?: number
  /** Tries over all servers; default 3. */
  readonly attempts?: number
}

/**
 * A repository on web servers: `http://one.example.org/cvmfs/NAME;http://two.example.org/cvmfs/NAME`. A server that does not answer, or breaks
 * off, is passed over for the next one, and stays behind the others from then on. What was given already is not given again: the next
 * server is asked for the rest.
 */
export function httpSource(urls: string, options: HttpSourceOptions = {}): ObjectSource {
  const { timeout = 10, attempts = 3 } = options
  const servers = urls.split(';').map((text) => parseServer(text.trim()))
  const agents = { http: new HttpAgent(KEEP_ALIVE), https: new HttpsAgent(KEEP_ALIVE) }
  let preferred = 0
  return {
    name: servers[0]!.href.replace(/\/$/, ''),
    async *open(name, { isAgain = false, signal }: OpenOptions = {}) {
      let position = 0
      let failure: unknown
      if (isAgain) preferred = (preferred + 1) % servers.length
      for (let attempt = 0; attempt < attempts * servers.length; attempt++) {
        const server = servers[preferred]!
        try {
          const response = await get(new URL(name, server), agents, timeout, position, isAgain, signal)
          if (response.statusCode === 404) {
            response.resume()
            throw missing(name, server.href)
          }
          let toSkip = position
          if (response.statusCode === 206 && position > 0) toSkip = 0
          else if (response.statusCode !== 200) {
            response.resume()
            throw new UserError('CVMFS_HTTP', `${server.href}${name}: status ${response.statusCode}`)
          }
          for await (const piece of response as AsyncIterable<Buffer>) {
            const fresh = piece.subarray(Math.min(piece.length, toSkip))
            toSkip -= piece.length - fresh.length
            position += fresh.length
            if (fresh.length > 0) yield fresh
          }
          if (!response.complete) throw new UserError('CVMFS_HTTP', `${server.href}${name} breaks off`)
          return
        } catch (error) {
          signal?.throwIfAborted()
          failure = error
          preferred = (servers.indexOf(server) + 1) % servers.length
          const isGone = error instanceof UserError && error.code === 'CVMFS_MISSING'
          // What no server has will not be there a moment later.
          if (isGone && attempt >= servers.length - 1) throw error
        }
      }
      if (failure instanceof UserError) throw failure
      throw new UserError('CVMFS_HTTP', `${servers[0]!.href}${name} cannot be fetched: ${(failure as Error).message}`, {
        hint: 'check the address and the network',
        cause: failure,
      })
    },
  }
}

const KEEP_ALIVE = { keepAlive: true, maxSockets: 16 }

function parseServer(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UserError('CVMFS_URL', `'${text}' is no address of a repository`, {
      hint: 'expected http://server.example.org/cvmfs/NAME, several with semicolons between',
    })
  }
  return url
}

function get(
  url: URL,
  agents: { readonly http: HttpAgent; readonly https: HttpsAgent },
  timeout: number,
  position: number,
  isAgain: boolean,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const isSecure = url.protocol === 'https:'
    const headers = {
      ...(position > 0 ? { Range: `bytes=${position}-` } : {}),
      // Tells the proxies on the way to ask the server.
      ...(isAgain ? { 'Cache-Control': 'no-cache' } : {}),
    }
    const request: ClientRequest = (isSecure ? httpsRequest : httpRequest)(
      url,
      { agent: isSecure ? agents.https : agents.http, headers, ...(signal === undefined ? {} : { signal }) },
      resolve,
    )
    request.on('error', reject)
    request.setTimeout(timeout * 1000, () => request.destroy(new Error(`no answer for ${timeout} s`)))
    request.end()
  })
}
