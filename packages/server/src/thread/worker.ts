/** A thread beside the one that serves: whatever reads trees, waits for locks or writes to the store happens in one of these. */
import { parentPort, workerData } from 'node:worker_threads'
import { UserError } from '@baryon/format'
import { listTree } from '../list-tree.ts'
import { createDebugInfoIndex } from './debug-info-index.ts'
import { createImporter } from './import-nar.ts'
import type { ErrorData, JobAnswer, JobKind, JobMessage, Request, Result, ThreadData } from './protocol.ts'
import { createRootHolder } from './root-holder.ts'
import { createStreams } from './streams.ts'

const { location } = workerData as ThreadData
const streams = createStreams()
const roots = createRootHolder(location)
const importer = createImporter(location)
const debugInfo = createDebugInfoIndex(location)

const jobs: { readonly [K in JobKind]: (request: Request<K>) => Result<K> | Promise<Result<K>> } = {
  open: ({ stream, source, buffer }) => streams.open(stream, source, buffer),
  fill: ({ stream, half }) => streams.fill(stream, half),
  close: ({ stream }) => streams.close(stream),
  list: ({ path }) => Buffer.from(listTree(path), 'latin1'),
  hold: ({ baseName }) => roots.hold(baseName),
  release: ({ hold }) => roots.release(hold),
  import: (request) => importer.import(request),
  findDebugInfo: ({ buildId }) => debugInfo.find(buildId),
}

parentPort!.on('message', ({ id, kind, request }: JobMessage) => {
  try {
    const result = (jobs[kind] as (request: unknown) => unknown)(request)
    if (result instanceof Promise)
      result.then(
        (value: unknown) => send({ id, ok: true, result: value }),
        (error: unknown) => send({ id, ok: false, error: errorData(error) }),
      )
    else send({ id, ok: true, result })
  } catch (error) {
    send({ id, ok: false, error: errorData(error) })
  }
})

function send(answer: JobAnswer): void {
  parentPort!.postMessage(answer)
}

function errorData(error: unknown): ErrorData {
  const user = error instanceof UserError ? error : undefined
  return {
    code: user?.code,
    message: error instanceof Error ? error.message : String(error),
    hint: user?.hint,
    systemCode: systemCodeOf(error),
  }
}

function systemCodeOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string' && !(at instanceof UserError)) return at.code
  return undefined
}
