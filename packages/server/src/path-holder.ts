/** Keeps the paths that are being sent from being collected, if this user may write where that is said. */
import { isSystemError, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import type { StoreThread } from './store-thread.ts'

export interface PathHolder {
  /** Resolves when the path is protected, or cannot be; the result lets it go again. `STORE_BUSY` after a long wait. */
  hold(path: StorePath): Promise<() => void>
}

export function createPathHolder(keeper: StoreThread, onNotice: ((message: string) => void) | undefined): PathHolder {
  let possible = true
  const letGo = (hold: number) => void keeper.call('release', { hold }).catch(() => undefined)
  return {
    hold: async (path) => {
      if (!possible) return () => undefined
      const holding = keeper.call('hold', { baseName: storePathBaseName(path) })
      try {
        const hold = await withPatience(holding)
        return () => letGo(hold)
      } catch (error) {
        if (error instanceof UserError && error.code === 'STORE_BUSY') {
          holding.then(letGo, () => undefined)
          throw error
        }
        if (!isRefusal(error)) throw error
        possible = false
        onNotice?.(
          `the store cannot be written by this user: a path that is collected while it is sent cuts its download off (${error.message})`,
        )
        return () => undefined
      }
    },
  }
}

/** A collection by Nix keeps everybody from making roots until its end. */
async function withPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_resolve, reject) => {
    const error = new UserError('STORE_BUSY', 'the store is being collected; try again later')
    timer = setTimeout(() => reject(error), PATIENCE)
  })
  try {
    return await Promise.race([work, tooLong])
  } finally {
    clearTimeout(timer)
  }
}

function isRefusal(error: unknown): error is Error {
  if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) return true
  return error instanceof UserError && ['STORE_UNWRITABLE', 'STORE_READ_ONLY', 'STORE_UNREADABLE'].includes(error.code)
}

const PATIENCE = 30_000
