/** The small files of the source archive beside the contents: records, and the index by other hashes. */
import { formatHash, type Hash, parseHash, UserError } from '@baryon/format'

export interface SourceRecord {
  /** SHA-256 of the bytes. */
  readonly hash: Hash
  /** The same, and other hashes that are known. */
  readonly hashes: readonly Hash[]
  readonly size: number
  /** What it was called when it came in. */
  readonly name: string
  /** `tree` when the bytes are the NAR of a recursive source. */
  readonly kind: 'file' | 'tree'
  /** URLs it came from. */
  readonly origins: readonly string[]
}

/** Where the bytes of a SHA-256 are, relative to the archive. */
export function archivedPath(main: Hash): string {
  return `sha256/${fanOut(main)}`
}

export function recordPath(main: Hash): string {
  return `record/${fanOut(main)}.json`
}

export function indexPath(hash: Hash): string {
  return `index/${hash.algorithm}/${fanOut(hash)}`
}

/** `sha256 HEX` */
export function formatIndex(main: Hash): string {
  return `sha256 ${formatHash(main, 'base16', false)}\n`
}

/** The SHA-256 that an index file names; undefined when it is missing or unreadable, which a new `put` mends. */
export function parseIndex(text: string | undefined): Hash | undefined {
  const match = /^sha256 ([0-9a-f]{64})\n$/.exec(text ?? '')
  return match === null ? undefined : parseHash(match[1]!, 'sha256')
}

export function formatRecord(record: SourceRecord): string {
  const { size, name, kind, origins } = record
  const hashes = record.hashes.map((hash) => formatHash(hash, 'base16'))
  return `${JSON.stringify({ version: 1, name, kind, size, hashes, origins }, undefined, 2)}\n`
}

/** Undefined when the record is missing or broken: then nothing but the bytes is known. */
export function parseRecord(main: Hash, text: string | undefined): SourceRecord | undefined {
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text) as Partial<Record<string, unknown>> | null
    if (value === null || typeof value !== 'object') return undefined
    const { size, name, kind } = value
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || typeof name !== 'string') return undefined
    const others = strings(value.hashes).map((hash) => parseHash(hash))
    const hashes = [main, ...others.filter(({ algorithm }) => algorithm !== 'sha256')]
    return { hash: main, hashes, size, name, kind: kind === 'tree' ? 'tree' : 'file', origins: strings(value.origins) }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UserError) return undefined
    throw error
  }
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}

function fanOut(hash: Hash): string {
  const digits = formatHash(hash, 'base16', false)
  return `${digits.slice(0, 2)}/${digits}`
}
