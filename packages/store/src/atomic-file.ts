/** Files that appear whole or not at all, also when the power fails. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes aside in the same directory, syncs, renames over the final name. */
export function writeFileAtomically(file: string, data: string | Uint8Array, mode = 0o644): void {
  const aside = `${file}.${process.pid}-${Math.random().toString(36).slice(2, 10)}.tmp`
  try {
    const fd = openSync(aside, 'wx', mode)
    try {
      const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(aside, file)
    syncDirectory(dirname(file))
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}

/** Makes the names in a directory durable. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
