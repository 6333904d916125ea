/** Requests to a bucket, signed, and tried again when the network or the server fails. */
import { createHash } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeS3Key, type S3Credentials, signS3Request, UserError } from '@baryon/format'

export interface S3Bucket {
  /** Its root: `https://BUCKET.s3.REGION.amazonaws.com/`, or `http://HOST:PORT/BUCKET/`. */
  readonly url: URL
  readonly region: string
  /** Undefined: requests are not signed. */
  readonly credentials: S3Credentials | undefined
  /** Tries of each request; default 5. */
  readonly attempts?: number
  /** Seconds without a byte after which a server counts as dead; default 30. */
  readonly timeout?: number
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  readonly key: string
  readonly query?: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
}

export interface S3Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface S3Client {
  /** Any answer but one of a server that fails, which is asked again; then throws `CVMFS_S3`. */
  send(request: S3Request): Promise<S3Answer>
  /** The same, with the body still to come. */
  open(request: S3Request): Promise<IncomingMessage>
}

export function createS3Client(bucket: S3Bucket): S3Client {
  const agents = { http: new HttpAgent(KEEP_ALIVE), https: new HttpsAgent(KEEP_ALIVE) }
  const { attempts = 5 } = bucket
  const withRetries = async <T>(request: S3Request, use: (answer: IncomingMessage) => T | Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      let reason: string
      try {
        const answer = await ask(bucket, agents, request)
        const { statusCode = 0 } = answer
        if (statusCode < 500 && statusCode !== 429) return await use(answer)
        answer.resume()
        reason = `status ${statusCode}`
      } catch (error) {
        request.signal?.throwIfAborted()
        if (!(error instanceof Error) || !('code' in error)) throw error
        reason = error.message
      }
      if (attempt >= attempts) {
        throw new UserError('CVMFS_S3', `${request.method} ${bucket.url.href}${request.key}: ${reason}`, {
          hint: 'check the address of the bucket and the network; what was published before is complete',
        })
      }
      await sleep(PAUSE * 2 ** attempt, undefined, { signal: request.signal })
    }
  }
  return {
    send: (request) =>
      withRetries(request, async (answer) => ({
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body: await whole(answer),
      })),
    open: (request) => withRetries(request, (answer) => answer),
  }
}

/** Why a request was refused. */
export function refused(what: string, { status, body }: Pick<S3Answer, 'status' | 'body'>): UserError {
  const code = /<Code>(\w+)<\/Code>/.exec(body.toString('latin1', 0, 4096))?.[1]
  const hint =
    status === 403 || status === 401
      ? 'check the credentials, and what they may do with the bucket'
      : 'check the address of the bucket; what was published before is complete'
  return new UserError('CVMFS_S3', `${what}: status ${status}${code === undefined ? '' : ` (${code})`}`, { hint })
}

const KEEP_ALIVE = { keepAlive: true, maxSockets: 32 }
/** Milliseconds, before doubling. */
const PAUSE = 50

function ask(
  bucket: S3Bucket,
  agents: { readonly http: HttpAgent; readonly https: HttpsAgent },
  { method, key, query = {}, headers = {}, body, signal }: S3Request,
): Promise<IncomingMessage> {
  const url = new URL(bucket.url.href + encodeS3Key(key))
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value)
  // As the signature has it: blanks are no plus signs.
  url.search = url.search.replaceAll('+', '%20')
  const bodyHash = body === undefined ? undefined : createHash('sha256').update(body).digest('hex')
  const signed =
    bucket.credentials === undefined
      ? {}
      : signS3Request({ method, url, headers, bodyHash }, bucket.credentials, bucket.region, new Date())
  const length: Record<string, string> = method === 'PUT' ? { 'content-length': String(body?.length ?? 0) } : {}
  const options = { method, headers: { ...headers, ...length, ...signed }, ...(signal === undefined ? {} : { signal }) }
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, agent: agents.https }, resolve)
        : httpRequest(url, { ...options, agent: agents.http }, resolve)
    const timeout = (bucket.timeout ?? 30) * 1000
    request.on('error', reject)
    request.setTimeout(timeout, () =>
      request.destroy(Object.assign(new Error(`no answer for ${timeout / 1000} s`), { code: 'ETIMEDOUT' })),
    )
    request.end(body)
  })
}

async function whole(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece)
  if (!answer.complete) throw Object.assign(new Error('the answer breaks off'), { code: 'ECONNRESET' })
  return Buffer.concat(pieces)
}
