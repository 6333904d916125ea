import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { makeDirectories } from '@baryon/files'

import { THREAD_FLAGS, UserError } from '@baryon/format'

import { TreeWriter, type TreeWriterOptions } from './tree-writer.ts'
import { type UnpackResult, unpackArchive } from './unpack-archive.ts'

export interface UnpackManyOptions extends TreeWriterOptions {
  readonly stripComponents?: number
  /** Threads. Default: as many as there are processors, up to 8. */
  readonly parallel?: number
  readonly onProgress?: (progress: UnpackManyProgress) => void
  readonly signal?: AbortSignal
}

export interface UnpackManyProgress {
  readonly archives: number
  readonly totalArchives: number
  /** Sizes of the archives that are done, and of all. */
  readonly bytes: number
  readonly totalBytes: number
}

/**
 * Unpacks archives one over the other, with the result of `unpackArchive` on each in the given order, but in threads.
 *
 * Each archive is unpacked aside (in a directory of `destination` that is gone afterwards) and moved into place when its turn comes, so
 * that the order of the list, not that of the threads, decides what replaces what.
 */
export async function unpackMany(
  files: readonly string[],
  destination: string,
  options: UnpackManyOptions = {},
): Promise<UnpackResult> {
  makeDirectories(destination)
  const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
  const progress = new ProgressCount(sizes, options)
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0)
  const parallel = Math.min(options.parallel ?? Math.min(availableParallelism(), 8), files.length)
  if (parallel <= 1 || totalBytes < worthwhileSize) return unpackInTurn(files, destination, options, progress)
  const stage = mkdtempSync(join(destination, '.unpack-'))
  try {
    return await unpackInThreads(files, sizes, destination, stage, parallel, options, progress)
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

/** What a thread is asked to do. */
export interface UnpackTask {
  readonly index: number
  readonly file: string
  readonly destination: string
  readonly options: {
    readonly stripComponents?: number
    readonly keepDirectorySymlinks?: boolean
    readonly keepTimes?: boolean
  }
}

export type UnpackAnswer =
  | { readonly kind: 'done'; readonly index: number; readonly result: UnpackResult }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint: string | undefined }
  | { readonly kind: 'bug'; readonly error: Error }

/** Starting two threads takes 0.1 s, in which one unpacks this much. */
const worthwhileSize = 2 * 1024 * 1024

async function unpackInTurn(
  files: readonly string[],
  destination: string,
  { onProgress: _, parallel: __, ...options }: UnpackManyOptions,
  progress: ProgressCount,
): Promise<UnpackResult> {
  let entries = 0
  let bytes = 0
  for (const [index, file] of files.entries()) {
    const result = await unpackArchive(file, destination, options)
    entries += result.entries
    bytes += result.bytes
    progress.done(index)
  }
  return { entries, bytes }
}

function unpackInThreads(
  files: readonly string[],
  sizes: readonly number[],
  destination: string,
  stage: string,
  parallel: number,
  options: UnpackManyOptions,
  progress: ProgressCount,
): Promise<UnpackResult> {
  const { signal } = options
  const plain = {
    ...(options.stripComponents === undefined ? {} : { stripComponents: options.stripComponents }),
    ...(options.keepDirectorySymlinks === undefined ? {} : { keepDirectorySymlinks: options.keepDirectorySymlinks }),
    ...(options.keepTimes === undefined ? {} : { keepTimes: options.keepTimes }),
  }
  // The largest first, so that no thread is left alone with it at the end.
  const waiting = files.map((_, index) => index).sort((a, b) => sizes[b]! - sizes[a]!)
  const finished = new Set<number>()
  let next = 0
  let entries = 0
  let bytes = 0
  const start = () => new Worker(new URL('./unpack-worker.ts', import.meta.url), { execArgv: THREAD_FLAGS })
  const workers = Array.from({ length: parallel }, start)
  const work = new Promise<UnpackResult>((resolve, reject) => {
    const give = (worker: Worker) => {
      const index = waiting.shift()
      if (index === undefined) return
      const task: UnpackTask = { index, file: files[index]!, destination: join(stage, String(index)), options: plain }
      worker.postMessage(task)
    }
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    signal?.throwIfAborted()
    for (const worker of workers) {
      worker.on('error', reject)
      worker.on('message', (answer: UnpackAnswer) => {
        try {
          if (answer.kind === 'bug') throw answer.error
          if (answer.kind === 'failed') {
            throw new UserError(answer.code, answer.message, answer.hint === undefined ? {} : { hint: answer.hint })
          }
          finished.add(answer.index)
          entries += answer.result.entries
          bytes += answer.result.bytes
          give(worker)
          progress.done(answer.index)
          for (; finished.has(next); next++) {
            mergeTree(join(stage, String(next)), destination, basename(files[next]!), options)
          }
          if (next === files.length) resolve({ entries, bytes })
        } catch (error) {
          reject(error)
        }
      })
      give(worker)
    }
  })
  return work.finally(() => Promise.all(workers.map((worker) => worker.terminate())))
}

/** Moves the contents of a tree into another one, as if it had been unpacked there. */
function mergeTree(source: string, destination: string, name: string, options: TreeWriterOptions): void {
  const writer = new TreeWriter(destination, name, options)
  const descend = (path: string) => {
    const directory = Buffer.from(path === '' ? source : `${source}/`)
    const full = path === '' ? directory : Buffer.concat([directory, Buffer.from(path, 'latin1')])
    for (const entry of readdirSync(full, { withFileTypes: true, encoding: 'buffer' })) {
      const entryName = entry.name.toString('latin1')
      const entryPath = path === '' ? entryName : `${path}/${entryName}`
      const place = Buffer.concat([full, Buffer.from(`/${entryName}`, 'latin1')])
      if (entry.isDirectory()) {
        const stat = lstatSync(place)
        writer.directory(entryPath, stat.mode & 0o777, stat.mtimeMs / 1000)
        descend(entryPath)
      } else {
        writer.adopt(entryPath, place)
      }
    }
  }
  descend('')
  writer.finish()
  rmSync(source, { recursive: true, force: true })
}

class ProgressCount {
  readonly #sizes: readonly number[]
  readonly #options: UnpackManyOptions
  readonly #total: number
  #archives = 0
  #bytes = 0

  constructor(sizes: readonly number[], options: UnpackManyOptions) {
    this.#sizes = sizes
    this.#options = options
    this.#total = sizes.reduce((sum, size) => sum + size, 0)
  }

  done(index: number): void {
    this.#archives += 1
    this.#bytes += this.#sizes[index]!
    this.#options.onProgress?.({
      archives: this.#archives,
      totalArchives: this.#sizes.length,
      bytes: this.#bytes,
      totalBytes: this.#total,
    })
  }
}
