/** Releases as links in a directory, as a repository has them: an area. */
import { lstatSync, readlinkSync, renameSync, rmSync, type Stats, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LayoutLink } from '@baryon/environment'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'

/** Each link is there as a whole or not at all; those that lead elsewhere are replaced. Throws `AREA_CONFLICT` before anything is written. */
export function layOut(area: string, links: readonly LayoutLink[]): void {
  for (const { at } of links) {
    const status = statusOf(join(area, at))
    if (status === undefined || status.isSymbolicLink()) continue
    throw new UserError('AREA_CONFLICT', `${join(area, at)} is there already, and is no link`, {
      hint: 'choose another directory, or move it away',
    })
  }
  try {
    writeLinks(area, links)
  } catch (cause) {
    if (!isSystemError(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'ENOENT', 'EEXIST'))
      throw cause
    throw new UserError('AREA_WRITE', `cannot write to ${area}: ${cause.message}`, { cause })
  }
}

function writeLinks(area: string, links: readonly LayoutLink[]): void {
  for (const { at, target } of links) {
    const place = join(area, at)
    if (statusOf(place) !== undefined && readlinkSync(place) === target) continue
    makeDirectories(dirname(place))
    const temporary = `${place}.${process.pid}.tmp`
    rmSync(temporary, { force: true })
    symlinkSync(target, temporary)
    renameSync(temporary, place)
  }
}

function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (isSystemError(error, 'ENOTDIR')) return undefined
    throw error
  }
}
