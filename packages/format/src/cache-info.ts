/**
 * `nix-cache-info`, the file at the root of a binary cache that says what it is for:
 *
 *     StoreDir: /nix/store
 *     WantMassQuery: 1
 *     Priority: 30
 *
 * Specification: "`nix-cache-info` Format" in the manual of Nix.
 */
import { quoteBytes } from './quote-bytes.ts'
import { UserError } from './user-error.ts'

/** What a cache does not say is left out. */
export interface CacheInfo {
  /** The store directory its paths have. */
  readonly storeDirectory?: string
  /** It may be asked for thousands of paths at once. */
  readonly wantMassQuery?: boolean
  /** Lower is asked first. */
  readonly priority?: number
}

/** Reads the file; unknown fields and lines without a colon are ignored. */
export function parseCacheInfo(text: string): CacheInfo {
  let storeDirectory: string | undefined
  let wantMassQuery: boolean | undefined
  let priority: number | undefined
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const value = line.slice(colon + 1).trim()
    switch (line.slice(0, colon)) {
      case 'StoreDir':
        if (!/^\/[^\0]*[^/\0]$/.test(value)) throw invalid('StoreDir', value)
        storeDirectory = value
        break
      case 'WantMassQuery':
        wantMassQuery = value === '1'
        break
      case 'Priority':
        if (!/^-?[0-9]{1,9}$/.test(value)) throw invalid('Priority', value)
        priority = Number(value)
        break
    }
  }
  return {
    ...(storeDirectory === undefined ? {} : { storeDirectory }),
    ...(wantMassQuery === undefined ? {} : { wantMassQuery }),
    ...(priority === undefined ? {} : { priority }),
  }
}

export function formatCacheInfo(info: CacheInfo): string {
  let text = ''
  if (info.storeDirectory !== undefined) text += `StoreDir: ${info.storeDirectory}\n`
  if (info.wantMassQuery !== undefined) text += `WantMassQuery: ${info.wantMassQuery ? 1 : 0}\n`
  if (info.priority !== undefined) text += `Priority: ${info.priority}\n`
  return text
}

function invalid(field: string, value: string): UserError {
  return new UserError('CACHE_INFO_INVALID', `nix-cache-info has the ${field} ${quoteBytes(value)}`)
}
