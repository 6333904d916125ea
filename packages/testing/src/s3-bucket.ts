/** A look-alike of S3 that checks every signature by the rules of the specification, and knows conditional writes and listings. */
import { createHash, createHmac } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Cleanup } from './temporary-store.ts'

export const S3_KEY = {
  id: 'AKIDEXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  token: 'a session',
}

/** As the tools of AWS want them in the environment. */
export const S3_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: S3_KEY.id,
  AWS_SECRET_ACCESS_KEY: S3_KEY.secret,
  AWS_SESSION_TOKEN: S3_KEY.token,
}

export interface TestBucket {
  /** `127.0.0.1:PORT`. */
  readonly endpoint: string
  /** By path, which begins with the name of the bucket: `/BUCKET/KEY`. */
  readonly objects: Map<string, Buffer>
  /** `PUT /BUCKET/KEY` of each request. */
  readonly requests: string[]
  /** Anybody may read. */
  isPublic: boolean
  /** Answers instead of the bucket, with this status: for a server that fails. */
  failure: ((method: string, path: string) => number | undefined) | undefined
  /** True: does what is asked for, and hangs up without an answer. */
  isLost: ((method: string, path: string) => boolean) | undefined
  /** Added to the clock of the server, in milliseconds. */
  clock: number
}

export async function serveBucket(t: Cleanup, region: string, pageSize = 1000): Promise<TestBucket> {
  const times = new Map<string, number>()
  const bucket: { -readonly [K in keyof TestBucket]: TestBucket[K] } = {
    endpoint: '',
    objects: new Map(),
    requests: [],
    isPublic: false,
    failure: undefined,
    isLost: undefined,
    clock: 0,
  }
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(Buffer.concat(chunks), request, response))
  })

  function answer(body: Buffer, request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method = '' } = request
    const isRead = method === 'GET' || method === 'HEAD'
    const [path = '', query] = request.url!.split('?')
    bucket.requests.push(`${method} ${request.url}`)
    const failure = bucket.failure?.(method, path)
    if (failure !== undefined) {
      response.writeHead(failure).end('<Error><Code>SlowDown</Code></Error>')
      return
    }
    const isAnonymous = bucket.isPublic && isRead && request.headers.authorization === undefined
    if (!isAnonymous && !isSigned(request, body, region)) {
      response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>')
      return
    }
    response.setHeader('date', new Date(Date.now() + bucket.clock).toUTCString())
    if (query !== undefined && isRead) {
      response.writeHead(200).end(list(path, new URLSearchParams(query)))
      return
    }
    if (bucket.isLost?.(method, path) === true) {
      bucket.objects.set(path, body)
      times.set(path, Date.now() + bucket.clock)
      request.socket.destroy()
      return
    }
    const object = bucket.objects.get(path)
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
    if (match !== undefined && (object === undefined || match !== tagOf(object))) {
      response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
    } else if (noneMatch === '*' && object !== undefined) {
      response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
    } else if (method === 'PUT') {
      bucket.objects.set(path, body)
      times.set(path, Date.now() + bucket.clock)
      response.writeHead(200, { etag: tagOf(body) }).end()
    } else if (method === 'DELETE') {
      bucket.objects.delete(path)
      response.writeHead(204).end()
    } else if (object === undefined) {
      // As S3 does for those who may not list the bucket.
      response.writeHead(path.endsWith('.lock') ? 404 : 403).end()
    } else {
      const changed = new Date(times.get(path) ?? 0).toUTCString()
      response.writeHead(200, { 'content-length': object.length, etag: tagOf(object), 'last-modified': changed })
      response.end(method === 'HEAD' ? undefined : object)
    }
  }

  function list(root: string, query: URLSearchParams): string {
    const start = `${root}${query.get('prefix') ?? ''}`
    const after = query.get('continuation-token') ?? ''
    const keys = [...bucket.objects.keys()].filter((path) => path.startsWith(start)).sort()
    const rest = keys.filter((path) => path > after)
    const page = rest.slice(0, pageSize)
    const items = page.map(
      (path) =>
        `<Contents><Key>${path.slice(root.length)}</Key><Size>${bucket.objects.get(path)!.length}</Size></Contents>`,
    )
    const isCut = rest.length > page.length
    const next = isCut ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isCut}</IsTruncated>${items.join('')}${next}</ListBucketResult>`
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  bucket.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return bucket
}

function tagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

/** The server's side: from the bytes of the request alone. */
function isSigned(request: http.IncomingMessage, body: Buffer, region: string): boolean {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(.*)$/
  const match = pattern.exec(request.headers.authorization ?? '')
  if (match === null) return false
  const [, id, day, usedRegion, names, signature] = match
  const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
  if (id !== S3_KEY.id || usedRegion !== region || request.headers['x-amz-content-sha256'] !== sha256(body))
    return false
  if (request.headers['x-amz-security-token'] !== S3_KEY.token || !names!.split(';').includes('host')) return false
  const lines = names!.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
  const [path, query = ''] = request.url!.split('?')
  const parameters = query.split('&').sort().join('&')
  const canonical = [request.method, path, parameters, lines.join(''), names, sha256(body)].join('\n')
  const text = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'],
    `${day}/${region}/s3/aws4_request`,
    sha256(canonical),
  ].join('\n')
  const secret = [day!, region, 's3', 'aws4_request', text].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${S3_KEY.secret}`,
  )
  return (secret as Buffer).toString('hex') === signature
}
