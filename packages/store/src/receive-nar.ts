/**
 * Paths that arrive as NARs piece by piece: put together at a reserved place, verified there, and registered afterwards.
 * The first two steps touch no database and may run in another thread.
 */
import { createHasher, createNarParser, formatHash, hashesEqual, storePathBaseName, UserError } from '@baryon/format'
import { differentAddress } from './hash-address.ts'
import { createTreeRestorer } from './nar-tree.ts'
import type { NewPathInfo } from './path-info.ts'
import { syncTree } from './placement.ts'

export interface NarReceiver {
  /** Takes bytes of the archive; refuses the first one beyond the announced size. */
  write(chunk: Uint8Array): void
  /** Verifies size, hash and content address, and makes everything durable. Nothing is left at the place after an error. */
  finish(): void
  /** Removes what was written. */
  abort(): void
}

/**
 * Unpacks the NAR of `info` to `location`, where nothing may be. Throws `NAR_INVALID`, `SIZE_MISMATCH` or `HASH_MISMATCH`
 * when the archive is not what `info` says; memory and disk stay bounded by the announced size.
 */
export function createNarReceiver(location: string, info: NewPathInfo): NarReceiver {
  const hasher = createHasher('sha256')
  const restorer = createTreeRestorer(location, { canonical: true })
  const parser = createNarParser(restorer)
  const name = storePathBaseName(info.path)
  let size = 0
  const guarded = (work: () => void) => {
    try {
      work()
    } catch (error) {
      restorer.abort()
      throw error
    }
  }
  return {
    write: (chunk) =>
      guarded(() => {
        size += chunk.length
        if (size > info.narSize) {
          throw wrongSize(`the NAR of '${name}' goes on behind the announced ${info.narSize} bytes`)
        }
        hasher.update(chunk)
        parser.write(chunk)
      }),
    finish: () =>
      guarded(() => {
        if (size < info.narSize) {
          throw wrongSize(`the NAR of '${name}' ends after ${size} of the announced ${info.narSize} bytes`)
        }
        parser.end()
        const hash = hasher.digest()
        if (!hashesEqual(hash, info.narHash)) {
          throw mismatch(`the NAR of '${name}'`, formatHash(info.narHash, 'sri'), formatHash(hash, 'sri'))
        }
        checkContentAddress(location, info)
        syncTree(location)
      }),
    abort: () => restorer.abort(),
  }
}

function checkContentAddress(location: string, info: NewPathInfo): void {
  const wrong = differentAddress(location, info, info.narHash)
  if (wrong === undefined) return
  throw mismatch(
    `'${storePathBaseName(info.path)}'`,
    formatHash(wrong.expected, 'sri'),
    formatHash(wrong.actual, 'sri'),
  )
}

function wrongSize(message: string): UserError {
  return new UserError('SIZE_MISMATCH', message, { hint: 'the source of the path is damaged or lies' })
}

function mismatch(what: string, expected: string, actual: string): UserError {
  return new UserError('HASH_MISMATCH', `hash mismatch of ${what}: expected ${expected}, got ${actual}`, {
    hint: 'the source of the path is damaged or lies: remove it there, or leave that source out',
  })
}
