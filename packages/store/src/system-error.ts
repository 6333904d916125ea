/** What the system refuses in the middle of work on a store: a full disk, a failing one, missing rights. */
import { isSystemError, UserError } from '@baryon/format'

/** Runs the work; an error of the system in it becomes one with a code, `directory` saying which store it is about. */
export function withCodedErrors<T>(directory: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw codedError(directory, error)
  }
}

/** The error with a code when it is one of the system, else the error itself. */
export function codedError(directory: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  const [code, what, hint] = isSystemError(error, 'ENOSPC', 'EDQUOT')
    ? ['DISK_FULL', 'no space left for', 'free some space: baryon store gc']
    : isSystemError(error, 'EACCES', 'EPERM', 'EROFS')
      ? ['STORE_UNWRITABLE', 'no right to change', 'choose a directory of yours with --root, or BARYON_ROOT']
      : ['STORE_IO', 'cannot work on', 'nothing was registered: try again, and look whether the disk is failing']
  return new UserError(code, `${what} the store at '${directory}': ${error.message}`, { hint, cause: error })
}
