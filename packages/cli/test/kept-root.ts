import assert from 'node:assert/strict'
import { chmodSync, chownSync, lstatSync, mkdirSync } from 'node:fs'

/** A root that outlives the run and belongs to the user: its contents are named by hash, so that what is there need not be built again. */
export function keptRoot(uid: number): string {
  const directory = `/var/tmp/baryon-test-${uid}`
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  const stat = lstatSync(directory)
  assert.ok(stat.isDirectory() && !stat.isSymbolicLink(), `${directory} is in the way`)
  if (process.geteuid?.() === 0 && stat.uid !== uid) chownSync(directory, uid, uid)
  if (process.geteuid?.() === 0) chmodSync(directory, 0o755)
  return directory
}
