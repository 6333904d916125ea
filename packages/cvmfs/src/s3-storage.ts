/**
 * A repository in a bucket of S3, or of what speaks its protocol. An object that is there is complete and durable.
 *
 * The manifest is only replaced if it is still the one that was there when the lock was taken: whoever was believed to be dead replaces nothing.
 * This needs conditional writes (`If-Match`), which S3 has had since 2024.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { objectName } from './content-hash.ts'
import { missing } from './object-source.ts'
import type { ObjectStorage } from './object-storage.ts'
import { createS3Client, refused, type S3Bucket } from './s3-client.ts'
import { LOCK_TIMES, type LockTimes, lockInBucket } from './s3-lock.ts'
import { servedKindOf } from './served-name.ts'

export interface S3StorageOptions extends S3Bucket {
  /** For messages. */
  readonly name: string
  /** Of all keys; empty, or ends in a slash. */
  readonly prefix: string
  readonly lockTimes?: LockTimes
}

export function s3Storage(options: S3StorageOptions): ObjectStorage {
  const { name: shown, prefix } = options
  const client = createS3Client(options)
  /** Of the manifest when the lock was taken; null: there was none. */
  let manifestTag: string | null | undefined
  let checkLock = (): void => undefined

  const put = async (name: string, body: Uint8Array, condition: Readonly<Record<string, string>> = {}) => {
    const isObject = servedKindOf(name) === 'object'
    const headers = {
      ...condition,
      'content-type': isObject ? 'application/octet-stream' : 'application/x-cvmfs',
      'cache-control': isObject ? 'public, max-age=31536000, immutable' : 'public, max-age=61, must-revalidate',
    }
    return client.send({ method: 'PUT', key: prefix + name, headers, body })
  }
  const putObject = async (name: string, bytes: Uint8Array): Promise<void> => {
    const answer = await put(name, bytes)
    if (answer.status !== 200) throw refused(`${shown} does not take ${name}`, answer)
  }
  const storage: ObjectStorage = {
    name: shown,
    async *open(name, { signal } = {}) {
      const answer = await client.open({ method: 'GET', key: prefix + name, signal })
      const { statusCode = 0 } = answer
      if (isMissing(statusCode)) {
        answer.resume()
        throw missing(name, shown)
      }
      if (statusCode !== 200) {
        answer.resume()
        throw refused(`${shown} does not give ${name}`, { status: statusCode, body: Buffer.alloc(0) })
      }
      yield* bodyOf(answer, name, shown)
    },
    async size(hash, kind) {
      const name = objectName(hash, kind)
      const { status, headers, body } = await client.send({ method: 'HEAD', key: prefix + name })
      if (isMissing(status)) return undefined
      if (status !== 200) throw refused(`${shown} does not say whether it has ${name}`, { status, body })
      return Number(headers['content-length'])
    },
    put: (hash, kind, bytes) => putObject(objectName(hash, kind), bytes),
    async adopt(hash, kind, file) {
      await putObject(objectName(hash, kind), readFileSync(file))
      rmSync(file)
    },
    async replace(name, bytes) {
      checkLock()
      if (name !== MANIFEST) return putObject(name, bytes)
      const condition: Record<string, string> =
        manifestTag === undefined ? {} : manifestTag === null ? { 'if-none-match': '*' } : { 'if-match': manifestTag }
      const answer = await put(name, bytes, condition)
      if (answer.status === 412 || answer.status === 409) {
        // An answer that was lost on its way makes us ask again, and find what we have written.
        const current = await client.send({ method: 'GET', key: prefix + name })
        if (current.status !== 200 || !current.body.equals(bytes)) throw overtaken(shown)
        manifestTag = current.headers.etag
        return
      }
      if (answer.status !== 200) throw refused(`${shown} does not take ${name}`, answer)
      if (manifestTag !== undefined) manifestTag = answer.headers.etag
    },
    async *objects() {
      let token: string | undefined
      do {
        const query = {
          'list-type': '2',
          prefix: `${prefix}data/`,
          ...(token === undefined ? {} : { 'continuation-token': token }),
        }
        const answer = await client.send({ method: 'GET', key: '', query })
        if (answer.status !== 200) throw refused(`${shown} does not list what it has`, answer)
        const page = answer.body.toString('utf8')
        for (const [, item = ''] of page.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
          const name = field(item, 'Key')?.slice(prefix.length) ?? ''
          if (servedKindOf(name) === 'object') yield { name, size: Number(field(item, 'Size')) }
        }
        token = field(page, 'IsTruncated') === 'true' ? field(page, 'NextContinuationToken') : undefined
      } while (token !== undefined)
    },
    async remove(name) {
      const answer = await client.send({ method: 'DELETE', key: prefix + name })
      if (answer.status !== 204 && answer.status !== 200 && !isMissing(answer.status)) {
        throw refused(`${shown} does not remove ${name}`, answer)
      }
    },
    sync: async () => undefined,
    async lock() {
      const lock = await lockInBucket(client, `${prefix}${LOCK}`, shown, options.lockTimes ?? LOCK_TIMES)
      checkLock = lock.check
      const { status, headers } = await client.send({ method: 'HEAD', key: prefix + MANIFEST })
      manifestTag = status === 200 ? headers.etag : null
      const scratch = mkdtempSync(join(tmpdir(), 'baryon-publish-'))
      return {
        scratch,
        release: async () => {
          checkLock = () => undefined
          manifestTag = undefined
          rmSync(scratch, { recursive: true, force: true })
          await lock.release()
        },
      }
    },
  }
  return storage
}

const MANIFEST = '.cvmfspublished'
const LOCK = 'data/txn/publish.lock'

/** Buckets that may not be listed answer 403 for what they do not have. */
function isMissing(status: number): boolean {
  return status === 404 || status === 403
}

async function* bodyOf(answer: IncomingMessage, name: string, shown: string): AsyncGenerator<Buffer> {
  try {
    yield* answer as AsyncIterable<Buffer>
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause
    throw new UserError('CVMFS_S3', `${name} of ${shown} breaks off`, { cause })
  }
}

function field(text: string, name: string): string | undefined {
  const value = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text)?.[1]
  return value?.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => ENTITIES[entity]!)
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function overtaken(shown: string): UserError {
  return new UserError('CVMFS_LOCKED', `somebody else has published to ${shown} meanwhile`, {
    hint: 'publish again: it is made of the revision that is there now',
  })
}
