import {
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs'
import { isSystemError, quoteBytes, UserError } from '@baryon/format'
import { removeTree } from '@baryon/store'

/**
 * Lays a store path over what `destination` holds: files and links replace what is there, directories are merged. Files
 * become further hard links of the store path's, so that trees which share most of their files cost neither time nor disk;
 * they must not be written to, only replaced. Times and modes of directories are left to whoever makes them canonical.
 *
 * A directory that meets a link is an error: behind it could be any place.
 */
export function layTree(source: Buffer, destination: Buffer): void {
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
      layTree(from, to)
      continue
    }
    if (there !== undefined) removeTree(to)
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(from, 'buffer'), to)
    else linkOrCopy(from, to)
  }
}

/** Too many links, links that the file system or the kernel does not allow (files of another user), another file system. */
const NO_LINK = ['EMLINK', 'EPERM', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP'] as const

function linkOrCopy(from: Buffer, to: Buffer): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if (!isSystemError(error, ...NO_LINK)) throw error
    copyFileSync(from, to, constants.COPYFILE_FICLONE)
  }
}

const SLASH = Buffer.from('/')
