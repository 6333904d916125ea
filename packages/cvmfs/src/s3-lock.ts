/**
 * A lock in a bucket: an object that only one can make (`If-None-Match`), and that its owner makes anew every now and then. One that is old is of
 * a dead owner, and replaced (`If-Match`). The clock is that of the server.
 */
import { randomUUID } from 'node:crypto'
import { UserError } from '@baryon/format'
import { refused, type S3Client } from './s3-client.ts'

export interface S3Lock {
  /** Throws `CVMFS_LOCKED` when somebody else took it, since nothing was heard of us. */
  check(): void
  release(): Promise<void>
}

/** Milliseconds. */
export interface LockTimes {
  /** After which an owner that is silent counts as dead. */
  readonly patience: number
  readonly renewal: number
}

export const LOCK_TIMES: LockTimes = { patience: 120_000, renewal: 30_000 }

/** Throws `CVMFS_LOCKED`. */
export async function lockInBucket(client: S3Client, key: string, shown: string, times: LockTimes): Promise<S3Lock> {
  const owner = randomUUID()
  /** The tag of what was written, if it was. */
  const write = async (condition: Readonly<Record<string, string>>): Promise<string | undefined> => {
    const body = Buffer.from(JSON.stringify({ owner, time: new Date().toISOString() }))
    const answer = await client.send({ method: 'PUT', key, headers: condition, body })
    if (answer.status === 200) return answer.headers.etag
    if (answer.status === 412 || answer.status === 409) return undefined
    throw refused(`the lock of ${shown} cannot be written`, answer)
  }
  let tag = await write({ 'if-none-match': '*' })
  if (tag === undefined) {
    const other = await client.send({ method: 'GET', key })
    const isMine = other.status === 200 && other.body.includes(owner)
    if (isMine) tag = other.headers.etag
    else if (other.status === 404) tag = await write({ 'if-none-match': '*' })
    else if (ageOf(other.headers) > times.patience) tag = await write({ 'if-match': other.headers.etag ?? '' })
  }
  if (tag === undefined) throw locked(shown)
  let isLost = false
  let renewing: Promise<void> = Promise.resolve()
  const renew = async (): Promise<void> => {
    try {
      const next = await write({ 'if-match': tag ?? '' })
      if (next === undefined) isLost = true
      else tag = next
    } catch (error) {
      // A network that fails for a moment: the next time, or nobody takes it.
      if (!(error instanceof UserError)) throw error
    }
  }
  const timer = setInterval(() => {
    renewing = renewing.then(renew)
  }, times.renewal)
  timer.unref()
  return {
    check: () => {
      if (isLost) throw locked(shown)
    },
    async release() {
      clearInterval(timer)
      await renewing
      if (!isLost) await client.send({ method: 'DELETE', key })
    },
  }
}

function ageOf(headers: { readonly date?: string | undefined; readonly 'last-modified'?: string | undefined }): number {
  const [now, then] = [Date.parse(headers.date ?? ''), Date.parse(headers['last-modified'] ?? '')]
  return Number.isNaN(now - then) ? 0 : now - then
}

function locked(shown: string): UserError {
  return new UserError('CVMFS_LOCKED', `somebody else publishes to ${shown}`, {
    hint: 'try again when that has ended; a publisher that died is waited for for two minutes',
  })
}
