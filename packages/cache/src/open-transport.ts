import { withoutPassword } from '@baryon/fetch'
import { encodeS3Key, formatHash, signS3Request } from '@baryon/format'
import type { CacheUrl, S3Url } from './cache-url.ts'
import { fileTransport } from './file-transport.ts'
import { type HttpOptions, httpTransport } from './http-transport.ts'
import { locateBucket } from './locate-bucket.ts'
import { defaultRetries, type RetryPolicy } from './retry.ts'
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
        urlOf: (name) => new URL(encodeS3Key(name), url.base),
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
  const { name, root, prefix, region, credentials } = locateBucket(url, environment)
  return httpTransport({
    url: name,
    retries,
    timeouts,
    urlOf: (key) => new URL(root.href + encodeS3Key(prefix + key)),
    authorise: (method, target, body, headers) =>
      credentials === undefined
        ? {}
        : signS3Request(
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
