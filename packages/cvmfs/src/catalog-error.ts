import { UserError } from '@baryon/format'

/** Errors of SQLite, which a damaged file is the cause of, become `CVMFS_CATALOG`. */
export function guard<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error
    if (!/^ERR_(SQLITE_ERROR|OUT_OF_RANGE|INVALID_ARG)/.test(String((error as NodeJS.ErrnoException).code))) throw error
    throw new UserError('CVMFS_CATALOG', `a catalog cannot be read: ${error.message}`, { cause: error })
  }
}

/** `problem` goes on after "a catalog". */
export function invalid(problem: string): UserError {
  return new UserError('CVMFS_CATALOG', `a catalog ${problem}`, {
    hint: 'whoever publishes the repository finds the damage with: baryon repository check',
  })
}
