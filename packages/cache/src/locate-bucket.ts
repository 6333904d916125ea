import type { S3Credentials } from '@baryon/format'
import { findCredentials, findRegion } from './aws-credentials.ts'
import { parseCacheUrl, type S3Url } from './cache-url.ts'

/** A folder of a bucket, and who asks for it. */
export interface BucketLocation {
  /** For messages: `s3://BUCKET/FOLDER`. */
  readonly name: string
  /** Of the bucket; keys are put behind it. */
  readonly root: URL
  /** Of all keys; empty, or ends in a slash. */
  readonly prefix: string
  readonly region: string
  /** Undefined: requests are anonymous. */
  readonly credentials: S3Credentials | undefined
}

/** Reads `s3://BUCKET/FOLDER?region=…&endpoint=…&scheme=…&profile=…`; undefined for what is no such address. Throws `CACHE_URL`, `S3_CREDENTIALS`. */
export function parseBucketLocation(
  text: string,
  environment: NodeJS.ProcessEnv = process.env,
): BucketLocation | undefined {
  if (!/^s3:\/\//i.test(text)) return undefined
  const url = parseCacheUrl(text)
  return url.kind === 's3' ? locateBucket(url, environment) : undefined
}

export function locateBucket(url: S3Url, environment: NodeJS.ProcessEnv): BucketLocation {
  const { bucket, prefix, scheme, endpoint, profile } = url
  const region = url.region ?? findRegion(profile, environment)
  const root =
    endpoint === undefined ? `${scheme}://${bucket}.s3.${region}.amazonaws.com/` : `${scheme}://${endpoint}/${bucket}/`
  return {
    name: `s3://${bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}`,
    root: new URL(root),
    prefix,
    region,
    credentials: findCredentials(profile, environment),
  }
}
