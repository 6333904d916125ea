import { readSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { isSystemError, UserError } from '@baryon/format'
import { formatAgreement, formatError } from './answer.ts'
import { type AnswerOptions, answerTo, LARGEST, type Timeouts } from './answer-to.ts'
import type { FileSystem } from './file-system.ts'
import { EPOCHS_SINCE } from './notification.ts'
import { parseRequest, type Request } from './request.ts'

export interface ServeOptions {
  /** For how long the kernel may use what it was told; chosen when it is known what the kernel can do. */
  timeouts(session: Omit<Session, 'answers'>): Timeouts
  /** Called before each request is answered. */
  onRequest?(): void
  /** Called when the kernel has agreed to speak with us. */
  onStart?(session: Session): void
  /**
   * The file system has thrown something else than FileSystemError. Whoever takes the request on writes its answer later;
   * where this gives false, the answer is `EIO`.
   */
  takeOn(request: Request, error: unknown): boolean
  /** Somebody waits no more for the answer to a request that was taken on. */
  onInterrupt?(unique: number): void
  /** Milliseconds to wait for the descriptor to be mounted; then throws `FUSE_NOT_MOUNTED`. Default: 30 s. */
  readonly patience?: number
}

export interface Session {
  /** Of the protocol, as the kernel has it: 7.minor. */
  readonly kernelMinor: number
  /** The kernel can be told to ask for all names again. */
  readonly hasEpochs: boolean
  /** For answers that are given by others. */
  readonly answers: AnswerOptions
}

/**
 * Answers the requests that are read from a descriptor of /dev/fuse until it is unmounted. Blocks the thread: a thread that waits
 * in the kernel answers in half the time of one that is woken by an event loop.
 */
export function serve(descriptor: number, fileSystem: FileSystem, options: ServeOptions): void {
  const buffer = Buffer.allocUnsafeSlow(REQUEST)
  let answers: AnswerOptions = { timeouts: { entry: 0, directory: 0 }, withoutOpen: false, withoutOpenDirectory: false }
  let patience = options.patience ?? 30_000
  for (;;) {
    const length = readRequest(descriptor, buffer)
    if (length === 'unmounted') return
    if (length === 'not yet') {
      if ((patience -= PAUSE) < 0) {
        throw new UserError('FUSE_NOT_MOUNTED', 'the file system was not mounted', {
          hint: 'its mounting was interrupted',
        })
      }
      Atomics.wait(NEVER, 0, 0, PAUSE)
      continue
    }
    if (length === 'again') continue
    options.onRequest?.()
    const request = parseRequest(buffer.subarray(0, length))
    if (request.kind === 'init') {
      const session = agree(descriptor, request, options)
      answers = session.answers
      options.onStart?.(session)
    } else if (request.kind === 'interrupt') options.onInterrupt?.(request.interrupted)
    else {
      try {
        const bytes = answerTo(fileSystem, request, answers)
        if (bytes !== undefined) writeAnswer(descriptor, bytes)
      } catch (error) {
        if (!options.takeOn(request, error)) writeAnswer(descriptor, formatError(request.unique, constants.errno.EIO))
      }
    }
  }
}

/** Answers may be written by any thread of the process. */
export function writeAnswer(descriptor: number, bytes: Uint8Array): void {
  try {
    writeSync(descriptor, bytes)
  } catch (error) {
    // ENOENT: nobody waits for it any more. The others: what was mounted is no more, or the kernel does not know what it is told.
    if (!isSystemError(error, 'ENOENT', 'ENODEV', 'EINVAL', 'ECONNABORTED', 'ENOTCONN')) throw error
  }
}

function agree(descriptor: number, request: Request & { readonly kind: 'init' }, options: ServeOptions): Session {
  if (request.major !== 7 || request.minor < OLDEST) {
    writeAnswer(descriptor, formatError(request.unique, constants.errno.EPROTO))
    throw new UserError(
      'FUSE_VERSION',
      `the kernel speaks FUSE ${request.major}.${request.minor}, not 7.${OLDEST} or later`,
      {
        hint: 'a kernel of Linux 4.20 or later is needed',
      },
    )
  }
  const flags = request.flags & WANTED
  const facts = { kernelMinor: request.minor, hasEpochs: request.minor >= EPOCHS_SINCE }
  const agreement = {
    minor: Math.min(request.minor, SPOKEN),
    readAhead: request.readAhead,
    flags,
    mostPages: LARGEST / 4096,
  }
  const withoutOpen = (flags & FLAGS.noOpen) !== 0
  const withoutOpenDirectory = (flags & FLAGS.noOpenDirectory) !== 0
  writeAnswer(descriptor, formatAgreement(request.unique, agreement))
  return { ...facts, answers: { timeouts: options.timeouts(facts), withoutOpen, withoutOpenDirectory } }
}

function readRequest(descriptor: number, buffer: Buffer): number | 'unmounted' | 'not yet' | 'again' {
  try {
    return readSync(descriptor, buffer)
  } catch (error) {
    if (isSystemError(error, 'ENODEV', 'ECONNABORTED')) return 'unmounted'
    if (isSystemError(error, 'EPERM')) return 'not yet'
    // Whoever asked was killed before the request was read.
    if (isSystemError(error, 'ENOENT', 'EINTR', 'EAGAIN')) return 'again'
    throw error
  }
}

const OLDEST = 28
const SPOKEN = 31
const REQUEST = 64 * 1024
const PAUSE = 2
const NEVER = new Int32Array(new SharedArrayBuffer(4))

const FLAGS = {
  asyncRead: 1 << 0,
  noticeChanges: 1 << 12,
  listWithNodes: 1 << 13,
  listWithNodesSometimes: 1 << 14,
  noOpen: 1 << 17,
  parallelDirectories: 1 << 18,
  mostPages: 1 << 22,
  cacheLinks: 1 << 23,
  noOpenDirectory: 1 << 24,
}
const WANTED = Object.values(FLAGS).reduce((all, flag) => all | flag, 0)
