/**
 * Fixed outputs and the source archive: what is there by its hash is never fetched again, and what was fetched goes there.
 */
import { constants, copyFile } from 'node:fs/promises'
import { openSourceArchive } from '@baryon/fetch'
import type { fixedOutputHash } from '@baryon/format'
import type { WorkerPool } from './worker/pool.ts'

export interface SourcePlace {
  readonly directory: string
  /** Base URLs or directories of other archives; not asked while offline. */
  readonly mirrors: readonly string[]
  readonly offline: boolean
}

type Fixed = ReturnType<typeof fixedOutputHash>

/** Makes a fixed output from the archive. False when neither it nor a mirror has it. The caller checks the hash. */
export async function takeFromArchive(
  { directory, mirrors, offline }: SourcePlace,
  { method, hash }: Fixed,
  destination: string,
  options: { readonly pool: WorkerPool; readonly signal: AbortSignal },
): Promise<boolean> {
  const archive = openSourceArchive(directory, { mirrors: offline ? [] : mirrors })
  const found = await archive.find(hash, { signal: options.signal })
  if (found === undefined || (found.kind === 'tree') !== (method === 'recursive')) return false
  if (found.kind === 'tree') await options.pool.run('restoreNar', { file: found.path, destination }, options.signal)
  else await copyFile(found.path, destination, constants.COPYFILE_FICLONE)
  return true
}
