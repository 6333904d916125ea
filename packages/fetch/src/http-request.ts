import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { Writable } from 'node:stream'
import tls from 'node:tls'

import { isSystemError, UserError } from '@baryon/format'
import { loginFor } from './netrc.ts'

export interface HttpRequest {
  readonly url: URL
  /** Default GET. */
  readonly method?: 'GET' | 'HEAD' | 'PUT'
  /** Sends the body of a PUT; called again for each redirect. Its length must be among the headers. */
  readonly body?: (outgoing: Writable) => void
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** Milliseconds without a byte: until the answer begins, and within it. */
  readonly connectTimeout: number
  readonly stallTimeout: number
  /** A proxy's URL, `direct` for none; by default the environment decides (`http_proxy`, `https_proxy`, `no_proxy`). */
  readonly proxy?: string | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: http.IncomingMessage
  /** Where the redirects ended. */
  readonly url: URL
}

/**
 * Gets (or puts to) a URL over HTTP or HTTPS, following redirects. Statuses other than redirects are returned, not thrown; the caller must read or
 * destroy the body. Throws `UserError` for redirect loops, system errors for the rest.
 *
 * A host that neither the URL nor the headers have a password for gets the one of the netrc file, if it has one.
 * Certificates are checked against those of Node, of the system, and of `SSL_CERT_FILE`/`NIX_SSL_CERT_FILE`/`NODE_EXTRA_CA_CERTS`.
 */
export async function requestHttp(request: HttpRequest): Promise<HttpResponse> {
  let url = request.url
  let { headers } = request
  for (let redirects = 0; redirects <= redirectLimit; redirects++) {
    const body = await send(url, headers === undefined ? request : { ...request, headers })
    const status = body.statusCode ?? 0
    const location = body.headers.location
    if (!redirectStatuses.has(status) || location === undefined) return { status, headers: body.headers, body, url }
    body.resume()
    const next = URL.parse(location, url)
    if (next === null || !(next.protocol === 'http:' || next.protocol === 'https:')) {
      throw new UserError('FETCH_REDIRECT', `redirected to ${location}, which is no web address`, {
        hint: redirectHint,
      })
    }
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      throw new UserError(
        'FETCH_REDIRECT',
        `redirected from an encrypted connection to an open one, ${withoutPassword(next)}`,
        {
          hint: redirectHint,
        },
      )
    }
    if (next.origin !== url.origin) headers = withoutCredentials(headers)
    url = next
  }
  throw new UserError(
    'FETCH_REDIRECT',
    `redirected more than ${redirectLimit} times, at last to ${withoutPassword(url)}`,
    { hint: redirectHint },
  )
}

/** A URL as it may be shown. */
export function withoutPassword(url: URL | string): string {
  const parsed = typeof url === 'string' ? URL.parse(url) : new URL(url.href)
  if (parsed === null) return String(url)
  if (parsed.password !== '') parsed.password = '***'
  return parsed.href
}

/** A secret is for the server that it was given for, not for whomever that one points to. */
function withoutCredentials(headers: HttpRequest['headers']): HttpRequest['headers'] {
  return (
    headers &&
    Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie|x-amz-)/i.test(name)))
  )
}

const redirectHint = 'the server is set up wrongly, or a portal wants a login: use a mirror'
const redirectLimit = 10
const redirectStatuses = new Set([301, 302, 303, 307, 308])

function send(url: URL, request: HttpRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http
    const outgoing = client.request(url, {
      method: request.method ?? 'GET',
      agent: agentFor(url, request.proxy),
      headers: {
        'user-agent': 'baryon',
        accept: '*/*',
        'accept-encoding': 'identity',
        ...authorization(url, request.headers),
        ...request.headers,
      },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    })
    let timeout = request.connectTimeout
    let answer: http.IncomingMessage | undefined
    outgoing.setTimeout(timeout, () => {
      const error: NodeJS.ErrnoException = new Error(`no data for ${timeout / 1000} s`)
      error.code = 'ESTALLED'
      // The reader of a body sees only errors of the body.
      if (answer === undefined) outgoing.destroy(error)
      else answer.destroy(error)
    })
    outgoing.on('response', (response) => {
      answer = response
      timeout = request.stallTimeout
      outgoing.setTimeout(timeout)
      resolve(response)
    })
    outgoing.on('error', reject)
    if (request.body === undefined) outgoing.end()
    else request.body(outgoing)
  })
}

function authorization(url: URL, headers: HttpRequest['headers'] = {}): Record<string, string> {
  const isGiven = url.username !== '' || Object.keys(headers).some((name) => /^authorization$/i.test(name))
  const login = isGiven ? undefined : loginFor(url.hostname.replace(/^\[|\]$/g, ''))
  if (login === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${login.name}:${login.password}`).toString('base64')}` }
}

const agents = new Map<string, http.Agent>()

/** Agents are shared, so that many files of one archive travel over a few connections. */
function agentFor(url: URL, proxy: string | undefined): http.Agent {
  const environment =
    proxy === undefined ? proxyEnvironment() : proxy === 'direct' ? {} : { http_proxy: proxy, https_proxy: proxy }
  const key = `${url.protocol} ${JSON.stringify(environment)}`
  let agent = agents.get(key)
  if (agent === undefined) {
    // Idle sockets do not keep the process alive.
    const options = { keepAlive: true, maxSockets: 16, proxyEnv: environment }
    agent =
      url.protocol === 'https:' ? new https.Agent({ ...options, ca: trustedCertificates() }) : new http.Agent(options)
    agents.set(key, agent)
  }
  return agent
}

function proxyEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
    // HTTP_PROXY in capitals can be set by a header in a CGI process, therefore curl ignores it; sites set it all the same.
    const value = process.env[name] ?? process.env[name.toUpperCase()]
    if (value !== undefined && value !== '') environment[name] = value
  }
  return environment
}

function trustedCertificates(): string[] {
  const certificates = new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])
  const file = process.env.NIX_SSL_CERT_FILE ?? process.env.SSL_CERT_FILE
  if (file !== undefined && file !== '') {
    try {
      certificates.add(readFileSync(file, 'utf8'))
    } catch (cause) {
      if (!isSystemError(cause, 'ENOENT', 'EACCES', 'EISDIR')) throw cause
      throw new UserError(
        'FETCH_TLS',
        `the certificates of SSL_CERT_FILE cannot be read: ${(cause as Error).message}`,
        {
          hint: 'let SSL_CERT_FILE or NIX_SSL_CERT_FILE name a readable file, or unset it',
          cause,
        },
      )
    }
  }
  return [...certificates]
}
