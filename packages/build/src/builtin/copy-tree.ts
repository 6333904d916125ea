import { constants, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { quoteBytes, UserError } from '@baryon/format'
import { removeTree } from '@baryon/store'

/**
 * Lays a tree over what `destination` holds: files and links replace what is there, directories are merged. Files are
 * cloned where the file system can. Modes but for the executable bit, and times, are left to whoever makes them canonical.
 *
 * A directory that meets a link is an error: behind it could be any place.
 */
export function copyTree(source: Buffer, destination: Buffer): void {
  for (const entry of readdirSync(source, { withFileTypes: true, encoding: 'buffer' })) {
    const from = Buffer.concat([source, SLASH, entry.name])
    const to = Buffer.concat([destination, SLASH, entry.name])
    const there = lstatSync(to, { throwIfNoEntry: false })
    if (entry.isDirectory()) {
      if (there?.isSymbolicLink()) {
        throw new UserError(
          'DERIVATION_INVALID',
          `directory ${quoteBytes(from.toString('latin1'))} would lie behind a link`,
        )
      }
      if (there !== undefined && !there.isDirectory()) removeTree(to)
      if (!there?.isDirectory()) mkdirSync(to, { mode: 0o755 })
      copyTree(from, to)
      continue
    }
    if (there !== undefined) removeTree(to)
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(from, 'buffer'), to)
    else copyFileSync(from, to, constants.COPYFILE_FICLONE)
  }
}

const SLASH = Buffer.from('/')
