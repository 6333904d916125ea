/**
 * Extended attributes as they stand in a catalog, sorted by name:
 *
 *     01 01 | 08 03 "user.foo" "bar"
 *     version, count | length of name, length of value, name, value
 */
import { UserError } from '@baryon/format'

/** Byte strings. Throws `CVMFS_CATALOG`. */
export function parseXattrs(bytes: Uint8Array): Map<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const xattrs = new Map<string, string>()
  if (buffer[0] !== VERSION || buffer.length < 2) throw invalid(0)
  let position = 2
  for (let left = buffer[1]!; left > 0; left--) {
    const nameEnd = position + 2 + (buffer[position] ?? 0)
    const end = nameEnd + (buffer[position + 1] ?? 0)
    if (end > buffer.length || position + 2 > buffer.length) throw invalid(position)
    xattrs.set(buffer.toString('latin1', position + 2, nameEnd), buffer.toString('latin1', nameEnd, end))
    position = end
  }
  if (position !== buffer.length) throw invalid(position)
  return xattrs
}

/** Throws `CVMFS_XATTR` for what has no room: 255 attributes, 255 bytes in each name and value. */
export function formatXattrs(xattrs: ReadonlyMap<string, string>): Buffer {
  const pieces = [Buffer.of(VERSION, xattrs.size)]
  const refuse = (what: string) => {
    throw new UserError('CVMFS_XATTR', `${what}: a CVMFS catalog has room for 255`, {
      hint: 'remove extended attributes that nobody needs',
    })
  }
  if (xattrs.size > MOST) refuse(`a file has ${xattrs.size} extended attributes`)
  for (const [name, value] of [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.length > MOST) refuse(`the name of an extended attribute has ${name.length} bytes`)
    if (value.length > MOST) refuse(`the extended attribute ${name} has ${value.length} bytes`)
    pieces.push(Buffer.of(name.length, value.length), Buffer.from(name + value, 'latin1'))
  }
  return Buffer.concat(pieces)
}

const VERSION = 1
const MOST = 255

function invalid(offset: number): UserError {
  return new UserError('CVMFS_CATALOG', `extended attributes in a catalog cannot be read (offset ${offset})`)
}
