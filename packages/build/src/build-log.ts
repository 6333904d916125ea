/**
 * Build logs, where Nix keeps its own (`drvs/XX/REST.drv`), compressed with zstd (`.zst`). Logs that Nix wrote there, plain
 * or with bzip2, are read as well.
 */
import { createWriteStream, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { finished } from 'node:stream/promises'
import { createZstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decompressFile } from '@baryon/fetch'
import { makeDirectories } from '@baryon/files'
import { isSystemError, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'

/** The log of the last build of a derivation, or undefined when there is none. */
export async function readLog(store: Store, derivation: StorePath): Promise<Buffer | undefined> {
  const path = logPath(store, derivation)
  const compressed = readIfThere(`${path}.zst`)
  if (compressed !== undefined) {
    try {
      return zstdDecompressSync(compressed)
    } catch (cause) {
      throw new UserError('LOG_DAMAGED', `build log '${path}.zst' is damaged`, { hint: 'delete it', cause })
    }
  }
  if (!existsSync(`${path}.bz2`)) return readIfThere(path)
  const chunks: Uint8Array[] = []
  for await (const chunk of decompressFile(`${path}.bz2`)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export interface LogWriter {
  /** Settles when more may be written. */
  write(chunk: Uint8Array): Promise<void> | undefined
  /** Puts the log in its place. A log that cannot be written does not fail a build. */
  close(): Promise<void>
}

/**
 * A log that replaces the previous one when it is complete. Most logs are short: they are kept and written at once, which
 * takes 0.2 ms where a stream of the compressor takes 3; a long one goes through the stream under a temporary name.
 */
export function createLogWriter(store: Store, derivation: StorePath): LogWriter {
  const path = `${logPath(store, derivation)}.zst`
  const temporary = `${path}.tmp-${process.pid}-${++count}`
  const kept: Uint8Array[] = []
  let size = 0
  let stream: LogWriter | undefined
  return {
    write(chunk) {
      if (stream !== undefined) return stream.write(chunk)
      kept.push(chunk)
      size += chunk.length
      if (size <= KEPT_LIMIT) return undefined
      stream = createLogStream(path, temporary)
      return stream.write(Buffer.concat(kept.splice(0)))
    },
    async close() {
      if (stream !== undefined) return stream.close()
      try {
        makeDirectories(dirname(path), 0o755)
        writeFileSync(temporary, zstdCompressSync(Buffer.concat(kept)), { mode: 0o644 })
        renameSync(temporary, path)
      } catch {
        rmSync(temporary, { force: true })
      }
    },
  }
}

const KEPT_LIMIT = 64 * 1024

function createLogStream(path: string, temporary: string): LogWriter {
  try {
    makeDirectories(dirname(path), 0o755)
  } catch {
    // Opening the file fails as well, which is taken care of below.
  }
  const compress = createZstdCompress()
  const file = createWriteStream(temporary, { mode: 0o644 })
  let broken = false
  const give = () => {
    broken = true
  }
  compress.on('error', give)
  file.on('error', give)
  compress.pipe(file)
  return {
    write(chunk) {
      if (broken || compress.write(chunk)) return undefined
      return new Promise((resolve) => {
        const done = () => {
          for (const event of ['drain', 'error', 'close']) compress.off(event, done)
          file.off('error', done)
          resolve()
        }
        for (const event of ['drain', 'error', 'close']) compress.once(event, done)
        file.once('error', done)
      })
    },
    async close() {
      compress.end()
      try {
        if (!broken) await finished(file)
      } catch {
        broken = true
      }
      if (broken) rmSync(temporary, { force: true })
      else renameSync(temporary, path)
    },
  }
}

let count = 0

/** Without the ending of its compression. */
function logPath(store: Store, derivation: StorePath): string {
  const name = storePathBaseName(derivation)
  return `${store.logDirectory}/drvs/${name.slice(0, 2)}/${name.slice(2)}`
}

/** True when there is a log in any form. */
export function hasLog(store: Store, derivation: StorePath): boolean {
  return ['.zst', '.bz2', ''].some((ending) => existsSync(logPath(store, derivation) + ending))
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
