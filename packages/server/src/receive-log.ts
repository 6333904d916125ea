/** Build logs that are uploaded go where those of builds made here are. */
import { createWriteStream, linkSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { finished } from 'node:stream/promises'
import { detectCompression } from '@baryon/fetch'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import type { StoreLocation } from '@baryon/store'
import { findBuildLog, logStem } from './build-log.ts'

/** A log that is there stays: it is of a build made here, or of an earlier upload. */
export async function receiveLog(
  location: Pick<StoreLocation, 'logDirectory'>,
  baseName: string,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const stem = logStem(location, baseName)
  const temporary = `${stem}.upload-${process.pid}-${++count}`
  makeDirectories(dirname(stem))
  const file = createWriteStream(temporary, { flags: 'wx', mode: 0o644 })
  // Reported by the write that fails.
  file.on('error', () => undefined)
  let size = 0
  let ending: string | undefined
  try {
    for await (const chunk of body) {
      ending ??= ENDINGS[detectCompression(chunk)] ?? ''
      size += chunk.length
      if (size > LIMIT) throw new UserError('UPLOAD_TOO_LARGE', `the log is larger than ${LIMIT} bytes`)
      await new Promise<void>((resolve, reject) =>
        file.write(chunk, (error) => (error == null ? resolve() : reject(error))),
      )
    }
    file.end()
    await finished(file)
    if (findBuildLog(location, baseName) === undefined) linkSync(temporary, stem + (ending ?? ''))
  } catch (error) {
    file.destroy()
    if (isSystemError(error, 'EEXIST')) return
    if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) throw error
    throw new UserError('DISK_FULL', 'the cache has no space left for the log', { cause: error })
  } finally {
    rmSync(temporary, { force: true })
  }
}

let count = 0
const LIMIT = 1 << 28
const ENDINGS: Readonly<Record<string, string>> = { zstd: '.zst', bzip2: '.bz2' }
