/** Lines of former sessions, in a file that only this user can read; several sessions may write at once. */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { homeDirectory, makeDirectories } from '@baryon/files'
import { isSystemError } from '@baryon/format'

export interface History {
  /** The newest first, as `readline` wants them. */
  readonly lines: string[]
  add(line: string): void
}

/** Where nothing can be read or written, the history is that of this session alone. */
export function openHistory(environment: NodeJS.ProcessEnv = process.env): History {
  const state = environment.XDG_STATE_HOME || join(homeDirectory(environment), '.local/state')
  const file = join(state, 'baryon/repl-history')
  const lines =
    quietly(() =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    ) ?? []
  if (lines.length > 2 * KEPT) quietly(() => shorten(file, lines.slice(-KEPT)))
  return {
    lines: lines.slice(-KEPT).reverse(),
    add: (line) => {
      if (line.trim() === '' || line.includes('\n')) return
      quietly(() => {
        makeDirectories(dirname(file), 0o700)
        appendFileSync(file, `${line}\n`, { mode: 0o600 })
      })
    },
  }
}

const KEPT = 1000

function shorten(file: string, lines: readonly string[]): void {
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, `${lines.join('\n')}\n`, { mode: 0o600 })
  renameSync(aside, file)
}

function quietly<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EISDIR'))
      return undefined
    throw error
  }
}
