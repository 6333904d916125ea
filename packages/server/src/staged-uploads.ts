/**
 * Uploaded files that no narinfo has claimed yet, in a directory of their own beside the store's. They are not
 * valid, not served, and gone after a while, or when a server starts after this one has died.
 */
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { makeDirectories } from '@baryon/files'
import { createHasher, formatHash, isSystemError, UserError } from '@baryon/format'

export interface StagedFile {
  readonly path: string
  readonly size: number
}

export interface StagedUploads {
  /** Takes a file in. `UPLOAD_HASH_MISMATCH` when it is not what its name says, `UPLOAD_TOO_LARGE`, `DISK_FULL`. */
  receive(fileHash: string, body: AsyncIterable<Uint8Array>): Promise<StagedFile>
  /** The complete file of that hash. */
  find(fileHash: string): StagedFile | undefined
  /** The same, and nobody else gets it any more: whoever takes it removes it. */
  take(fileHash: string): StagedFile | undefined
  /** Removes everything. */
  close(): void
}

export interface StagingLimits {
  /** Largest upload, in bytes. */
  readonly size: number
  /** Milliseconds for which a file waits for its narinfo. */
  readonly patience: number
}

/** `parent` may serve several servers on one store: each makes a directory named by its process when it needs one. */
export function createStagedUploads(parent: string, limits: StagingLimits): StagedUploads {
  const directory = join(parent, String(process.pid))
  const files = new Map<string, StagedFile & { readonly timer: NodeJS.Timeout }>()
  let prepared = false
  let count = 0
  const prepare = () => {
    if (prepared) return
    makeDirectories(parent)
    for (const name of readdirSync(parent)) {
      if (name !== String(process.pid) && existsSync(`/proc/${name}`)) continue
      rmSync(join(parent, name), { recursive: true, force: true })
    }
    mkdirSync(directory, { mode: 0o700 })
    prepared = true
  }
  const take = (fileHash: string): StagedFile | undefined => {
    const file = files.get(fileHash)
    clearTimeout(file?.timer)
    files.delete(fileHash)
    return file
  }
  return {
    receive: async (fileHash, body) => {
      prepare()
      const temporary = join(directory, `${++count}.part`)
      try {
        const size = await writeVerified(temporary, fileHash, body, limits.size)
        // A file of its own for each: one that is being imported must not change under the importer.
        const path = join(directory, `${count}-${fileHash}`)
        await rename(temporary, path)
        const old = take(fileHash)
        if (old !== undefined) rmSync(old.path, { force: true })
        const timer = setTimeout(() => {
          files.delete(fileHash)
          rmSync(path, { force: true })
        }, limits.patience)
        timer.unref()
        const file = { path, size, timer }
        files.set(fileHash, file)
        return file
      } finally {
        rmSync(temporary, { force: true })
      }
    },
    find: (fileHash) => files.get(fileHash),
    take,
    close: () => {
      for (const fileHash of files.keys()) take(fileHash)
      if (prepared) rmSync(directory, { recursive: true, force: true })
      prepared = false
    },
  }
}

/** Writes as fast as the disk takes it, and no faster. */
async function writeVerified(
  path: string,
  fileHash: string,
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<number> {
  const hasher = createHasher('sha256')
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  // Reported by the write that fails.
  file.on('error', () => undefined)
  let size = 0
  try {
    for await (const chunk of body) {
      size += chunk.length
      if (size > limit)
        throw new UserError('UPLOAD_TOO_LARGE', `the upload is larger than the ${limit} bytes that are allowed`)
      hasher.update(chunk)
      await new Promise<void>((resolve, reject) =>
        file.write(chunk, (error) => (error == null ? resolve() : reject(error))),
      )
    }
    file.end()
    await finished(file)
  } catch (error) {
    file.destroy()
    if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) throw error
    throw new UserError('DISK_FULL', 'the cache has no space left for the upload', { cause: error })
  }
  const actual = formatHash(hasher.digest(), 'nix32', false)
  if (actual === fileHash) return size
  throw new UserError(
    'UPLOAD_HASH_MISMATCH',
    `the uploaded file has the hash sha256:${actual}, not sha256:${fileHash}`,
    {
      hint: 'files are uploaded under the hash that they have: nar/FILEHASH.nar[.EXTENSION]',
    },
  )
}
