/**
 * A Debian package: an `ar` archive of `debian-binary` ("2.0\n"), `control.tar.*` and `data.tar.*`, see deb(5).
 * `ar` is the magic `!<arch>\n`, then per member a header of 60 bytes of text (name 16, time 12, owner 6, group 6, mode 8, size 10,
 * "`\n") and the contents, padded to an even length.
 */
import { quoteBytes } from '@baryon/format'

import { corrupt } from './archive-entry.ts'
import { type Compression, detectCompression } from './decompress.ts'
import { readAt } from './file-range.ts'

/** Where a member of a package lies in its file. */
export interface DebMember {
  readonly name: string
  readonly start: number
  readonly end: number
  readonly compression: Compression
}

/** Finds `data.tar` (what the package installs) or `control.tar` (what it says of itself). */
export function findDebMember(descriptor: number, part: 'data' | 'control', archive: string): DebMember {
  let position = 8
  let first = true
  for (;;) {
    const header = readAt(descriptor, position, 60).toString('latin1')
    if (header.length === 0) throw corrupt(archive, `it has no ${part}.tar`)
    const size = /^\d{1,10} *$/.test(header.slice(48, 58)) ? Number(header.slice(48, 58)) : -1
    if (header.length < 60 || header.slice(58) !== '`\n' || size < 0) {
      throw corrupt(archive, `a malformed ar header at offset ${position}`)
    }
    const name = header.slice(0, 16).replace(/[/ ]+$/, '')
    const start = position + 60
    if (first) {
      const version = readAt(descriptor, start, Math.min(size, 16)).toString('latin1')
      if (name !== 'debian-binary' || !version.startsWith('2.')) {
        throw corrupt(archive, `it is no Debian package of version 2: it begins with ${quoteBytes(name)}`)
      }
      first = false
    } else if (name === `${part}.tar` || name.startsWith(`${part}.tar.`)) {
      const head = readAt(descriptor, start, Math.min(size, 16))
      return { name, start, end: start + size, compression: detectCompression(head) }
    }
    position = start + size + (size % 2)
  }
}
