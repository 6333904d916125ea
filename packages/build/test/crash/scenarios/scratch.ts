import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { removeTree } from '@baryon/store'
import type { Place } from '../scenario.ts'

/** Gives the work a fresh directory beside the store. */
export function withScratch<T>(place: Place, work: (scratch: string) => T): T {
  const scratch = mkdtempSync(`${place.aside}/scratch-`)
  try {
    return work(scratch)
  } finally {
    removeTree(scratch)
  }
}

/** Makes a small tree with all that a tree can hold. Other seeds give other contents. */
export function writeTreeOf(seed: number, path: string): void {
  mkdirSync(`${path}/directory/empty`, { recursive: true })
  writeFileSync(`${path}/file`, `${seed}`.repeat(3000))
  writeFileSync(`${path}/program`, `#!/bin/sh\necho ${seed}\n`)
  chmodSync(`${path}/program`, 0o755)
  symlinkSync('../file', `${path}/directory/link`)
}
