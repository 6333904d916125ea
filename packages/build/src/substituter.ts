import { closeSync, openSync, writeSync } from 'node:fs'
import {
  compareStorePaths,
  formatStorePath,
  type Hash,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { dumpNar, type Store } from '@baryon/store'

/** A place that has finished paths: asked before anything is built. */
export interface Substituter {
  /** For messages: a URL. */
  readonly name: string
  /** What it has of these; paths that it does not have are left out. Throws when it cannot be asked. */
  query(paths: readonly StorePath[]): Promise<readonly SubstituteInfo[]>
  /** Writes the NAR of a path that it has to a new file. The caller verifies hash and size. */
  fetch(path: StorePath, file: string, options: SubstituteOptions): Promise<void>
  /**
   * Puts the contents together at a place that `store.reservePlace` gave, and verifies them there. Preferred to `fetch`: the
   * archive is never kept in a file.
   */
  unpack?(path: StorePath, location: string, options: SubstituteOptions): Promise<void>
}

export interface SubstituteInfo {
  readonly path: StorePath
  readonly narHash: Hash
  readonly narSize: number
  readonly references: readonly StorePath[]
  /** Bytes to download; undefined when unknown. */
  readonly downloadSize: number | undefined
  readonly deriver: StorePath | undefined
  readonly signatures: readonly string[]
  readonly contentAddress: string | undefined
}

export interface SubstituteOptions {
  readonly signal: AbortSignal | undefined
  /** Bytes downloaded so far. */
  readonly onProgress: (bytes: number) => void
}

/** Another store on this machine (or a mounted one) as a substituter. */
export function storeSubstituter(source: Store): Substituter {
  return {
    name: `file://${source.physicalDirectory}`,
    async query(paths) {
      const found: SubstituteInfo[] = []
      for (const path of paths) {
        const info = source.queryPathInfo(path)
        if (info === undefined) continue
        const { narHash, narSize, deriver, signatures, contentAddress } = info
        const references = [...info.references].sort(compareStorePaths)
        found.push({ path, narHash, narSize, references, downloadSize: narSize, deriver, signatures, contentAddress })
      }
      return found
    },
    async fetch(path, file, { signal, onProgress }) {
      const descriptor = openSync(file, 'wx', 0o600)
      try {
        let bytes = 0
        dumpNar(source.physicalPath(path), (chunk) => {
          bytes += chunk.length
          for (let written = 0; written < chunk.length; ) written += writeSync(descriptor, chunk, written)
        })
        signal?.throwIfAborted()
        onProgress(bytes)
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

/** Names one path of one substituter: what has failed is not tried again. */
export function substituteKey(substituter: Substituter, path: StorePath): string {
  return `${storePathBaseName(path)} ${substituter.name}`
}

/** What the substituters have, asked in order; one that fails is left out and reported once. `unavailable` holds keys of what failed before. */
export async function querySubstituters(
  substituters: readonly Substituter[],
  paths: readonly StorePath[],
  unavailable: ReadonlySet<string>,
  onFailure: (substituter: Substituter, error: unknown) => void,
): Promise<Map<string, { readonly substituter: Substituter; readonly info: SubstituteInfo }>> {
  const found = new Map<string, { readonly substituter: Substituter; readonly info: SubstituteInfo }>()
  for (const substituter of substituters) {
    const missing = paths.filter(
      (path) => !found.has(storePathBaseName(path)) && !unavailable.has(substituteKey(substituter, path)),
    )
    if (missing.length === 0) continue
    try {
      for (const info of await substituter.query(missing))
        found.set(storePathBaseName(info.path), { substituter, info })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      onFailure(substituter, error)
    }
  }
  return found
}

export function substituteFailed(
  storeDirectory: string,
  path: StorePath,
  substituter: Substituter,
  cause: unknown,
): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new UserError(
    'SUBSTITUTE_FAILED',
    `'${formatStorePath(storeDirectory, path)}' could not be copied from ${substituter.name}: ${reason}`,
    { cause },
  )
}
