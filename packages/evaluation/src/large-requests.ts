/**
 * Remembers which requests needed the large stack or the large heap: they start there the next time, instead of evaluating
 * until the small one is full. One empty file for each; without a cache directory nothing is remembered. A request that
 * needs it no longer pays the start of a thread.
 */
import { existsSync } from 'node:fs'
import { keepFile } from './keep-file.ts'
import { removeOld } from './remove-old.ts'
import { shortHash } from './short-hash.ts'

const NEEDS = ['depth', 'breadth'] as const

/** Calls nest more deeply than the usual stack allows, or so many files are read that a large heap is worth its start. */
export type Need = (typeof NEEDS)[number]

export function formerNeed(cacheDirectory: string, key: string): Need | undefined {
  return NEEDS.find((need) => existsSync(fileOf(cacheDirectory, key, need)))
}

/** Failures (no space, no permission) are no errors. */
export function noteNeed(cacheDirectory: string, key: string, need: Need): void {
  if (keepFile(fileOf(cacheDirectory, key, need), [])) removeOld(directoryOf(cacheDirectory, need))
}

function directoryOf(cacheDirectory: string, need: Need): string {
  return `${cacheDirectory}/${need === 'depth' ? 'deep' : 'broad'}`
}

function fileOf(cacheDirectory: string, key: string, need: Need): string {
  return `${directoryOf(cacheDirectory, need)}/${shortHash(key)}`
}
