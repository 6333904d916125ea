import { withoutPassword } from '@baryon/fetch'
import { formatHash } from '@baryon/format'
import { findCredentials, findRegion } from './aws-credentials.ts'
import type { CacheUrl, S3Url } from './cache-url.ts'
import { fileTransport } from './file-transport.ts'
import { type HttpOptions, httpTransport } from './http-transport.ts'
import { defaultRetries, type RetryPolicy } from './retry.ts'
import { encodeKey, signRequest } from './sign-request.ts'
import type { Transport } from './transport.ts'

export interface TransportOptions {
  /** `Authorization: Bearer TOKEN` for what is put on a web server. */
  readonly token?: string | undefined
  readonly retries?: RetryPolicy | undefined
  readonly timeouts?: HttpOptions['timeouts'] | undefined
  /** Where credentials are looked for; default: that of the process. */
  readonly environment?: NodeJS.ProcessEnv | undefined
}

export function openTransport(url: CacheUrl, options: TransportOptions): Transport {
  const { retries = defaultRetries, timeouts = { connect: 15_000, stall: 30_000 } } = options
  switch (url.kind) {
    case 'file':
      return fileTransport(url.directory)
    case 'http':
      return httpTransport({
        url: withoutPassword(url.base).replace(/\/$/, ''),
        retries,
        timeouts,
        urlOf: (name) => new URL(encodeKey(name), url.base),
        authorise: (method) =>
          method === 'PUT' && options.token !== undefined ? { authorization: `Bearer ${options.token}` } : {},
      })
    case 's3':
      return s3Transport(url, options.environment ?? process.env, retries, timeouts)
  }
}

function s3Transport(
  url: S3Url,
  environment: NodeJS.ProcessEnv,
  retries: RetryPolicy,
  timeouts: HttpOptions['timeouts'],
): Transport {
  const credentials = findCredentials(url.profile, environment)
  const region = url.region ?? findRegion(url.profile, environment)
  const base =
    url.endpoint === undefined
      ? `${url.scheme}://${url.bucket}.s3.${region}.amazonaws.com/`
      : `${url.scheme}://${url.endpoint}/${url.bucket}/`
  return httpTransport({
    url: `s3://${url.bucket}${url.prefix === '' ? '' : `/${url.prefix.slice(0, -1)}`}`,
    retries,
    timeouts,
    urlOf: (name) => new URL(base + encodeKey(url.prefix + name)),
    authorise: (method, target, body, headers) =>
      credentials === undefined
        ? {}
        : signRequest(
            {
              method,
              url: target,
              headers,
              bodyHash: body === undefined ? undefined : formatHash(body, 'base16', false),
            },
            credentials,
            region,
            new Date(),
          ),
  })
}
