/**
 * What a request is for, by its target. Everything that is not exactly one of these forms does not exist:
 *
 *     /nix-cache-info                    /HASHPART.narinfo                /HASHPART.ls
 *     /nar/HASHPART-NARHASH.nar[.zst|.gz]                                 a path as it is now, by both of its hashes
 *     /nar/FILEHASH.nar[.EXTENSION]      what an upload is called (Nix names it so)
 *     /log/HASHPART-NAME.drv             /debuginfo/BUILDID[.debug]       /healthz    /metrics
 *
 * HASHPART has 32 nix32 digits, NARHASH and FILEHASH (sha256) have 52.
 */
import { checkStorePathName, UserError } from '@baryon/format'

export type NarCoding = 'none' | 'zstd' | 'gzip'

export type Target =
  | { readonly kind: 'cache-info' | 'health' | 'metrics' }
  | { readonly kind: 'narinfo' | 'listing'; readonly digest: string }
  | { readonly kind: 'nar'; readonly digest: string; readonly narHash: string; readonly coding: NarCoding }
  | { readonly kind: 'upload'; readonly fileHash: string }
  | { readonly kind: 'log'; readonly baseName: string }
  | { readonly kind: 'debug-info'; readonly buildId: string }

/** Undefined for what cannot exist here. */
export function parseTarget(target: string): Target | undefined {
  // The question that is asked thousands of times for each of the others.
  const narinfo = NARINFO.exec(target)
  if (narinfo !== null) return { kind: 'narinfo', digest: narinfo[1]! }
  const nar = NAR.exec(target)
  if (nar !== null) return { kind: 'nar', digest: nar[1]!, narHash: nar[2]!, coding: CODINGS[nar[3] ?? '']! }
  const listing = LISTING.exec(target)
  if (listing !== null) return { kind: 'listing', digest: listing[1]! }
  const upload = UPLOAD.exec(target)
  if (upload !== null) return { kind: 'upload', fileHash: upload[1]! }
  const debugInfo = DEBUG_INFO.exec(target)
  if (debugInfo !== null) return { kind: 'debug-info', buildId: debugInfo[1]! }
  const log = LOG.exec(target)
  if (log !== null) return logTarget(log[1]!)
  switch (target) {
    case '/nix-cache-info':
      return { kind: 'cache-info' }
    case '/healthz':
      return { kind: 'health' }
    case '/metrics':
      return { kind: 'metrics' }
    default:
      return undefined
  }
}

/** Where the NAR of a path is, relative to the cache. */
export function narUrl(digest: string, narHash: string, coding: NarCoding): string {
  return `nar/${digest}-${narHash}.nar${EXTENSIONS[coding]}`
}

function logTarget(text: string): Target | undefined {
  // Store path names may hold `?`, `=` and `+`, which some clients write as they are and others encode.
  const baseName = text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  if (!LOG_NAME.test(baseName)) return undefined
  try {
    checkStorePathName(baseName.slice(33))
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
  return { kind: 'log', baseName }
}

const EXTENSIONS = { none: '', zstd: '.zst', gzip: '.gz' } as const
const CODINGS: Readonly<Record<string, NarCoding>> = { '': 'none', '.zst': 'zstd', '.gz': 'gzip' }

const D = '[0-9abcdfghijklmnpqrsvwxyz]'
const NARINFO = new RegExp(`^/(${D}{32})\\.narinfo$`)
const NAR = new RegExp(`^/nar/(${D}{32})-(${D}{52})\\.nar(\\.zst|\\.gz)?$`)
const LISTING = new RegExp(`^/(${D}{32})\\.ls$`)
const UPLOAD = new RegExp(`^/nar/(${D}{52})\\.nar(?:\\.[a-z0-9]{1,8})?$`)
const DEBUG_INFO = /^\/debuginfo\/([0-9a-f]{4,128})(?:\.debug)?$/
const LOG = /^\/log\/([^/]{1,800})$/
const LOG_NAME = new RegExp(`^${D}{32}-[^/]+\\.drv$`)
