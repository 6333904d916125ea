/** The `baryon.lock` beside a project's `baryon.toml`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatLock, type LockRequest, type ProjectLock, parseLock } from '@baryon/environment'
import { isSystemError, UserError } from '@baryon/format'
import { writeFileAtomically } from '@baryon/store'
import type { Project } from './project-file.ts'

export function lockFile({ directory }: Pick<Project, 'directory'>): string {
  return join(directory, 'baryon.lock')
}

/** Undefined: there is none yet. Throws `LOCK_INVALID`, `LOCK_UNREADABLE`. */
export function readLock(project: Project): ProjectLock | undefined {
  const file = lockFile(project)
  try {
    return parseLock(readFileSync(file, 'utf8'), file)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    if (!isSystemError(error, 'EACCES', 'EISDIR')) throw error
    throw new UserError('LOCK_UNREADABLE', `cannot read ${file}: ${error.code}`, { cause: error })
  }
}

/** Whole or not at all. Throws `PROJECT_READ_ONLY`. */
export function writeProjectFile(file: string, text: string): void {
  try {
    writeFileAtomically(file, Buffer.from(text))
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) throw error
    throw new UserError('PROJECT_READ_ONLY', `cannot write ${file}: ${error.code}`, {
      hint: 'the project belongs to somebody else: copy it, or ask for the change',
      cause: error,
    })
  }
}

/** False when it is so already. */
export function writeLock(project: Project, lock: ProjectLock, before: ProjectLock | undefined): boolean {
  const text = formatLock(lock)
  if (before !== undefined && formatLock(before) === text) return false
  writeProjectFile(lockFile(project), text)
  return true
}

/** What of the project decides what is locked. */
export function requestOf({ release, packages, source }: Project): LockRequest {
  const { stack } = source.table
  return {
    ...(release === undefined ? {} : { release }),
    packages,
    ...(typeof stack === 'string' ? { stack } : {}),
  }
}
