import { quoteBytes, UserError } from '@baryon/format'

/** What an archive says of one member. Names are byte strings (one character per byte). */
export interface ArchiveEntry {
  /** Relative, without `.`, `..` and empty components; `''` is the root itself. */
  readonly path: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink'
  /** Permission bits only: set-id and sticky bits are dropped. */
  readonly mode: number
  readonly size: number
  /** Seconds since 1970. */
  readonly modified: number
  /** Of a symlink, as written; of a hard link, the normalised path of an earlier member. */
  readonly target: string
}

/** Receives the members of an archive in their order. */
export interface ArchiveVisitor {
  /** False leaves the member out; its contents are then not given. */
  accept(entry: ArchiveEntry): boolean
  /** Called for each accepted member; of a file, `content` follows, then `endFile`. */
  entry(entry: ArchiveEntry): void
  content(chunk: Uint8Array): void
  endFile(): void
}

/** The components of a member's name joined by single slashes; refuses what could leave the destination. */
export function normalisePath(name: string, archive: string): string {
  if (name.includes('\0')) throw unsafe(archive, `${quoteBytes(name)} contains a NUL byte`)
  if (name.startsWith('/')) throw unsafe(archive, `${quoteBytes(name)} is an absolute path`)
  // No system takes a longer one, and every level is a step of recursion.
  if (name.length > LONGEST_PATH) throw unsafe(archive, `a name has ${name.length} bytes`)
  const components = name.split('/').filter((component) => component !== '' && component !== '.')
  if (components.includes('..')) throw unsafe(archive, `${quoteBytes(name)} points outside of the archive`)
  return components.join('/')
}

/** Seconds since 1970 that any file system can be given, near to what a header says. */
export function plausibleTime(seconds: number): number {
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(Math.floor(seconds), 0), 2 ** 40)
}

const LONGEST_PATH = 4096

export function unsafe(archive: string, reason: string): UserError {
  return new UserError('ARCHIVE_UNSAFE', `${archive} is not unpacked: ${reason}`, {
    hint: 'the archive is broken or hostile: look at its list of contents, and fetch it from a source you trust',
  })
}

export function corrupt(archive: string, reason: string, cause?: unknown): UserError {
  return new UserError('ARCHIVE_CORRUPT', `${archive} is corrupt: ${reason}`, {
    hint: 'fetch the file again, and check its hash',
    cause,
  })
}

export function unsupported(archive: string, reason: string): UserError {
  return new UserError('ARCHIVE_UNSUPPORTED', `${archive} cannot be unpacked: ${reason}`, {
    hint: 'unpack it with another program and pack it again with a plain `tar`',
  })
}
