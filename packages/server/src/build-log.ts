/** Build logs on disk (`drvs/XX/REST.drv`): Baryon's end in `.zst`, those of Nix in `.bz2` or nothing. */
import { existsSync } from 'node:fs'
import type { StoreLocation } from '@baryon/store'

export interface BuildLog {
  readonly file: string
  readonly coding: 'zstd' | 'bzip2' | 'none'
}

/** The log of a derivation, by its base name (which must be one: it becomes part of a file name). */
export function findBuildLog(location: Pick<StoreLocation, 'logDirectory'>, baseName: string): BuildLog | undefined {
  const stem = logStem(location, baseName)
  for (const [ending, coding] of FORMS) if (existsSync(stem + ending)) return { file: stem + ending, coding }
  return undefined
}

/** Path of the log without the ending of its compression. */
export function logStem(location: Pick<StoreLocation, 'logDirectory'>, baseName: string): string {
  return `${location.logDirectory}/drvs/${baseName.slice(0, 2)}/${baseName.slice(2)}`
}

const FORMS = [
  ['.zst', 'zstd'],
  ['.bz2', 'bzip2'],
  ['', 'none'],
] as const
