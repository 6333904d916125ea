/**
 * AWS Signature Version 4 for S3, in the `Authorization` header:
 *
 *     AWS4-HMAC-SHA256 Credential=KEYID/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;…,Signature=HEX
 *
 * Specification: "Authenticating Requests: Using the Authorization Header" in the API reference of Amazon S3.
 */
import { createHash, createHmac } from 'node:crypto'

export interface S3Credentials {
  readonly keyId: string
  readonly secret: string
  readonly sessionToken?: string | undefined
}

export interface UnsignedRequest {
  readonly method: string
  readonly url: URL
  /** Lower-case names; `host` is added. */
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body in base 16; of nothing by default. */
  readonly bodyHash?: string | undefined
}

/** The headers to add: `authorization`, `x-amz-date`, `x-amz-content-sha256` and, when there is one, the session token. */
export function signS3Request(
  request: UnsignedRequest,
  credentials: S3Credentials,
  region: string,
  now: Date,
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const added: Record<string, string> = {
    'x-amz-content-sha256': request.bodyHash ?? sha256(''),
    'x-amz-date': time,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  }
  const { text, signedHeaders } = canonicalRequest(request, { ...request.headers, ...added })
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(text)}`
  let key: Buffer | string = `AWS4${credentials.secret}`
  for (const part of scope.split('/')) key = hmac(key, part)
  const signature = hmac(key, toSign).toString('hex')
  return {
    ...added,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.keyId}/${scope},SignedHeaders=${signedHeaders},Signature=${signature}`,
  }
}

/** Encodes a key of an object for a URL as the signature wants it: everything but letters, digits, `-._~` and slashes. */
export function encodeS3Key(key: string): string {
  return encodeURIComponent(key)
    .replace(/%2F/g, '/')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function canonicalRequest(
  { method, url }: UnsignedRequest,
  headers: Readonly<Record<string, string>>,
): { readonly text: string; readonly signedHeaders: string } {
  const all = Object.entries({ ...headers, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1))
  const signedHeaders = all.map(([name]) => name).join(';')
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeS3Key(name).replaceAll('/', '%2F')}=${encodeS3Key(value).replaceAll('/', '%2F')}`)
    .sort()
    .join('&')
  const lines = all.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}\n`).join('')
  return {
    text: `${method}\n${url.pathname}\n${query}\n${lines}\n${signedHeaders}\n${headers['x-amz-content-sha256']}`,
    signedHeaders,
  }
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
