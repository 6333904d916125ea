/**
 * What a worker and its master say to each other: lines of bytes, on the worker's standard input and output.
 *
 *   master  {"request":{…},"largeStack":false}   once
 *           [["hello"],["python27Packages","numpy"]]   jobs
 *   worker  *                        the root is evaluated, jobs may come
 * *           J{"attr":"hello",…}      reply: the record of a derivation
 *           F{"attr":"bad",…}        reply: the record of a failed job
 *           A["numpy","scipy"]       reply: a set, whose attributes are further jobs
 *           N                        reply: nothing to be built
 *           O                        reply: needs a larger stack
 *           M{"memory":310,…}        figures, after each group of replies
 *           L"trace: x"              something to be shown
 *           !{"code":…}              the root cannot be evaluated
 *           R                        it ends, with the jobs that it did not reply to undone
 *
 * Replies come in the order of the jobs. They are held back until the derivations are registered in the store. How many
 * jobs are done is also in a file (descriptor 3, a number of 4 bytes), so that of a worker that dies the master knows in
 * which job it was; telling it on the channel would wake the master for each job.
 */
import type { JobPath, JobsRequest } from './job-request.ts'

export interface WorkerSetup {
  readonly request: JobsRequest
  /** Runs in a thread with 1 GB of stack. */
  readonly largeStack: boolean
}

export type JobReply =
  | { readonly kind: 'derivation'; readonly record: string; readonly drvPath: string }
  | { readonly kind: 'failed'; readonly record: string }
  | { readonly kind: 'set'; readonly names: readonly string[] }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'overflow' }

export interface WorkerFigures {
  /** Resident MiB. */
  readonly memory: number
  /** Milliseconds that the last `jobs` jobs took, without waiting. */
  readonly time: number
  readonly jobs: number
}

/** What the root's failure is told by. */
export interface RootFailure {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  readonly report?: string | undefined
}

/** The descriptor of the file with the number of jobs that are done. */
export const PROGRESS_DESCRIPTOR = 3

/** Exit status of a worker whose thread has used up its heap. */
export const OUT_OF_MEMORY = 70

export function replyLine(reply: JobReply): string {
  switch (reply.kind) {
    case 'derivation':
      return `J${reply.record}`
    case 'failed':
      return `F${reply.record}`
    case 'set':
      return `A${JSON.stringify(reply.names)}`
    case 'nothing':
      return 'N'
    case 'overflow':
      return 'O'
  }
}

/** As `nix-eval-jobs` writes it: names with dots in quotes. */
export function joinPath(path: JobPath): string {
  return path.map((name) => (name.includes('.') ? `"${name}"` : name)).join('.')
}

/** The record of a job that failed. `fatal`: it took its worker with it. */
export function failureRecord(path: JobPath, error: string, fatal: boolean): string {
  return JSON.stringify({ attr: joinPath(path), attrPath: path, error, fatal })
}
