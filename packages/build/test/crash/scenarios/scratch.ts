import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { removeTree } from '@baryon/store'
import type { Place } from '../scenario.ts'

/** Gives the work a fresh directory beside the store. */
export function withScratch<T>(place: Place, work: (scratch: string) => T): T {
  const scratch = ofTheTest(() => mkdtempSync(`${place.aside}/scratch-`))
  try {
    return work(scratch)
  } finally {
    ofTheTest(() => removeTree(scratch))
  }
}

/**
 * What a scenario does itself, to have something to work on. Which call of the process is disturbed is counted beforehand, and
 * threads may shift it to one of these: that is an error of the disk as good as any, and no bug of what is tested.
 */
export function ofTheTest<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new UserError('DISTURBED_SCENARIO', String(error), { cause: error })
  }
}

/** Makes a small tree with all that a tree can hold. Other seeds give other contents. */
export function writeTreeOf(seed: number, path: string): void {
  ofTheTest(() => writeTree(seed, path))
}

function writeTree(seed: number, path: string): void {
  mkdirSync(`${path}/directory/empty`, { recursive: true })
  writeFileSync(`${path}/file`, `${seed}`.repeat(3000))
  writeFileSync(`${path}/program`, `#!/bin/sh\necho ${seed}\n`)
  chmodSync(`${path}/program`, 0o755)
  symlinkSync('../file', `${path}/directory/link`)
}
