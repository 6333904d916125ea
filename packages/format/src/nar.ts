/**
 * NAR, the canonical serialisation of a file tree, of which only contents, names, symlink targets and the executable
 * bit matter:
 *
 *     "nix-archive-1" "(" "type" "directory" "entry" "(" "name" "hello" "node"
 *         "(" "type" "regular" "executable" "" "contents" "…" ")" ")" ")"
 *
 * Each string is its length (64 bits, little endian), its bytes, and zeros up to a multiple of 8. Entries are sorted
 * by bytes. Specification: "Nix Archive (NAR) format" in the manual of Nix.
 *
 * Reading and writing meet in one interface: a parser drives a visitor, a writer is a visitor.
 */
import { quoteBytes } from './quote-bytes.ts'
import { UserError } from './user-error.ts'

/** The events of a tree in the order of the archive. Names and targets are byte strings. */
export interface NarVisitor {
  startDirectory(): void
  /** Precedes the object of that name in the directory that is open. */
  entry(name: string): void
  endDirectory(): void
  /** `size` is in bytes and is followed by as many in `content`, in any number of pieces. */
  startFile(size: number, executable: boolean): void
  /** The bytes are valid during the call only. */
  content(chunk: Uint8Array): void
  endFile(): void
  symlink(target: string): void
}

/** Linux limits file names to 255 bytes and symlink targets to 4,095: more cannot be unpacked anywhere. */
export const MAX_NAR_NAME_LENGTH = 255
export const MAX_NAR_TARGET_LENGTH = 4095
/** A path has at most 4,096 bytes, and each level takes at least two of them. */
export const MAX_NAR_DEPTH = 2048

/** Refuses what cannot be the name of a directory entry, or one that does not sort behind its predecessor (`''` for none). */
export function checkNarName(name: string, previous: string, offset?: number): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw narError(`illegal file name ${quoteBytes(name)}`, offset)
  }
  if (name.length > MAX_NAR_NAME_LENGTH)
    throw narError(`file name ${quoteBytes(name)} has ${name.length} bytes`, offset)
  if (name === previous) throw narError(`file name ${quoteBytes(name)} occurs twice in its directory`, offset)
  if (name < previous)
    throw narError(`file names are not sorted: ${quoteBytes(name)} follows ${quoteBytes(previous)}`, offset)
}

/** Refuses what no symlink can point to. */
export function checkNarTarget(target: string, offset?: number): void {
  if (target === '' || target.includes('\0')) throw narError(`illegal symlink target ${quoteBytes(target)}`, offset)
  if (target.length > MAX_NAR_TARGET_LENGTH)
    throw narError(`symlink target ${quoteBytes(target)} has ${target.length} bytes`, offset)
}

export function narError(message: string, offset?: number): UserError {
  return new UserError('NAR_INVALID', `malformed NAR: ${message}${offset === undefined ? '' : ` (offset ${offset})`}`)
}
