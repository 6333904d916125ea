import { formatHash, type Hash, UserError } from '@baryon/format'

/** Why one URL did not give the file. */
export interface FetchFailure {
  readonly url: string
  readonly code: string
  readonly reason: string
  readonly hint: string
  /** Trying again later may help. */
  readonly transient: boolean
  /** Milliseconds that the server wants to be left alone. */
  readonly retryAfter?: number
  readonly cause?: unknown
}

/** The one error for all URLs tried; its code is that of the failures when they agree, of a wrong hash when there was one. */
export function fetchError(name: string, failures: readonly FetchFailure[]): UserError {
  const codes = new Set(failures.map(({ code }) => code))
  const mismatch = failures.find(({ code }) => code === 'HASH_MISMATCH')
  const main = mismatch ?? failures.at(-1)
  const code = mismatch?.code ?? (codes.size === 1 ? main!.code : 'FETCH_FAILED')
  const lines = failures.map(({ url, reason }) => `  ${url}: ${reason}`)
  return new UserError(code, `${name} could not be fetched:\n${lines.join('\n')}`, {
    hint: main?.hint ?? 'give at least one URL',
    cause: main?.cause,
  })
}

export function hashMismatch(url: string, wanted: Hash, got: Hash): FetchFailure {
  const both = (hash: Hash) => `${formatHash(hash, 'sri')} (${formatHash(hash, 'nix32')})`
  return {
    url,
    code: 'HASH_MISMATCH',
    reason: `hash mismatch\n    wanted: ${both(wanted)}\n    got:    ${both(got)}`,
    hint: 'if a new file was meant, write the hash that was got into the recipe; if not, the file was changed by whoever serves it: do not use it',
    transient: false,
  }
}

export function statusFailure(url: string, status: number): FetchFailure {
  const reason = `the server answered ${status}`
  if (status === 404 || status === 410) {
    return {
      url,
      code: 'FETCH_NOT_FOUND',
      reason,
      hint: 'check the URL; if the file has moved, add its new place or a mirror',
      transient: false,
    }
  }
  if (status === 401 || status === 403 || status === 407) {
    return {
      url,
      code: 'FETCH_FORBIDDEN',
      reason,
      hint: 'the server or a proxy wants credentials: check them, or use a mirror',
      transient: false,
    }
  }
  return {
    url,
    code: 'FETCH_HTTP',
    reason,
    hint: 'try again later, or use a mirror',
    transient: status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501),
  }
}

/** Explains an error of a connection or of a file; an unknown one is thrown on. */
export function connectionFailure(url: string, error: unknown): FetchFailure {
  if (error instanceof UserError) {
    return { url, code: error.code, reason: error.message, hint: error.hint ?? '', transient: false, cause: error }
  }
  if (!(error instanceof Error)) throw error
  const code = String((error as NodeJS.ErrnoException).code ?? '')
  const failure = { url, reason: error.message, cause: error }
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return {
        ...failure,
        code: 'FETCH_DNS',
        reason: `the name of the server is not known (${code})`,
        hint: 'check the URL and the network; behind a proxy set http_proxy and https_proxy',
        transient: code === 'EAI_AGAIN',
      }
    case 'ESTALLED':
    case 'ETIMEDOUT':
      return {
        ...failure,
        code: 'FETCH_TIMEOUT',
        hint: 'check the network; behind a proxy set http_proxy and https_proxy',
        transient: true,
      }
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return {
        ...failure,
        code: 'FETCH_CONNECT',
        reason: `no connection (${code})`,
        hint: 'check the URL and the network; behind a proxy set http_proxy and https_proxy',
        transient: true,
      }
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
    case 'ECONNABORTED':
      return {
        ...failure,
        code: 'FETCH_INTERRUPTED',
        reason: 'the connection was closed before the end of the file',
        hint: 'try again; what was fetched before was used as long as the server allowed it',
        transient: true,
      }
    case 'ERR_PROXY_TUNNEL':
    case 'ERR_PROXY_INVALID_CONFIG':
      return { ...failure, code: 'FETCH_PROXY', hint: 'check http_proxy, https_proxy and no_proxy', transient: false }
  }
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/.test(code)) {
    return {
      ...failure,
      code: 'FETCH_TLS',
      reason: `no trusted encrypted connection: ${error.message}`,
      hint: 'if the site or a proxy has its own certificate authority, let SSL_CERT_FILE name its certificates',
      transient: false,
    }
  }
  if (code.startsWith('HPE_')) {
    return { ...failure, code: 'FETCH_HTTP', hint: 'the server does not speak HTTP: use a mirror', transient: false }
  }
  throw error
}
