/**
 * Paths and file names as byte strings (one char per byte), the form that the whole package works with inside.
 *
 * At the doors a path is what `node:fs` takes: a string in the encoding of the system, or a `Buffer` for any bytes.
 * A file name that is not UTF-8 survives only as bytes, so nothing from a directory is ever decoded.
 */
import { UserError } from '@baryon/format'

export type NativePath = string | Buffer

/** The bytes of a path of the system. */
export function pathBytes(path: NativePath): string {
  if (typeof path !== 'string') return path.toString('latin1')
  return ASCII.test(path) ? path : Buffer.from(path, 'utf8').toString('latin1')
}

/** What `node:fs` must be given for these bytes. Plain strings are about twice as fast as buffers, so ASCII stays one. */
export function nativePath(bytes: string): NativePath {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1')
}

/** A path as it may stand in a message. */
export function shownPath(path: NativePath): string {
  return typeof path === 'string' ? path : path.toString('utf8')
}

/** Turns what the system said about a path into an error that names the path and what was tried. */
export function pathError(code: string, action: string, bytes: string, cause: unknown): UserError {
  const reason =
    cause instanceof Error && 'code' in cause
      ? (SYSTEM_REASONS[String(cause.code)] ?? String(cause.code))
      : String(cause)
  return new UserError(code, `cannot ${action} '${Buffer.from(bytes, 'latin1').toString('utf8')}': ${reason}`, {
    cause,
  })
}

const ASCII = /^[\0-\x7f]*$/

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the path is too long',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EIO: 'input/output error',
}
