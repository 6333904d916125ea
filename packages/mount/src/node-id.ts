/**
 * Numbers of nodes say by themselves what they are, so that any thread can answer and nothing need be remembered of a million files:
 *
 *     1                          the root
 *     catalog << 32 | row        anything but a directory; the same file as long as its catalog is the same
 *     1 << 52 | 52 bits of MD5   a directory, by its path: the same one in every revision
 */
import { hash } from 'node:crypto'

export const ROOT = 1

export function directoryId(path: string): number {
  if (path === '') return ROOT
  const digest = hash('md5', Buffer.from(path, 'latin1'), 'buffer')
  return 2 ** 52 + (digest.readUInt32LE(0) & 0xfffff) * 2 ** 32 + digest.readUInt32LE(4)
}

export function fileId(catalog: number, row: number): number {
  return catalog * 2 ** 32 + row
}

export function isDirectoryId(id: number): boolean {
  return id === ROOT || id >= 2 ** 52
}

export function partsOf(id: number): { readonly catalog: number; readonly row: number } {
  const row = id % 2 ** 32
  return { catalog: (id - row) / 2 ** 32, row }
}

export const MOST_CATALOGS = 2 ** 20
export const MOST_ROWS = 2 ** 32
