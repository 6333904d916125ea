/**
 * Pipes for the output of builders. They are FIFOs, because the "pipes" of Node are sockets, and a builder that writes to
 * `/dev/stderr` cannot open a socket. Node cannot make FIFOs, and starting `mkfifo` costs as much as starting a builder:
 * each one is used again and again.
 */
import { spawn } from 'node:child_process'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { HOST_PATH } from './host-program.ts'

export interface OutputPipe {
  /** To be closed by the caller. As long as our own end for writing is open, the reader sees no end. */
  readonly read: number
  readonly write: number
  /** Where a process of ours can open it for writing. */
  readonly path: string
  /** `ended`: the reader has seen the end, so that nobody can write any more; only then is it used again. */
  release(ended: boolean): void
}

/** An idle pipe, or a new one, which is made in the directory and has no name afterwards. */
export async function takeOutputPipe(directory: string): Promise<OutputPipe> {
  const kept = idle.pop() ?? (await makePipe(`${directory}/output`))
  const own = `/proc/self/fd/${kept}`
  // Without O_NONBLOCK, opening to read would wait for a writer.
  const read = openSync(own, constants.O_RDONLY | constants.O_NONBLOCK)
  return {
    read,
    write: openSync(own, constants.O_WRONLY),
    path: `/proc/${process.pid}/fd/${kept}`,
    release: (ended) => {
      if (ended) idle.push(kept)
      else closeSync(kept)
    },
  }
}

/** Descriptors that keep pipes in existence. */
const idle: number[] = []

async function makePipe(path: string): Promise<number> {
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    const child = spawn('mkfifo', ['-m', '600', path], { stdio: 'ignore', env: { PATH: HOST_PATH } })
    child.once('error', (cause) => reject(noPipe(path, cause)))
    child.once('exit', (code) => (code === 0 ? resolve() : reject(noPipe(path, undefined))))
  })
  const kept = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  rmSync(path)
  return kept
}

function noPipe(path: string, cause: unknown): UserError {
  return new UserError('PIPE_FAILED', `cannot make a pipe at '${path}'`, {
    hint: 'the program mkfifo (coreutils) must be there, and the file system must allow pipes: choose another root',
    cause,
  })
}
