/**
 * Remembers which requests needed the large stack: they start there the next time, instead of evaluating until the small
 * one is full, which a whole package set does just before its end. One empty file for each; without a cache directory
 * nothing is remembered. A request that needs it no longer pays the start of a thread.
 */
import { existsSync } from 'node:fs'
import { keepFile } from './keep-file.ts'
import { removeOld } from './remove-old.ts'
import { shortHash } from './short-hash.ts'

export function neededLargeStack(cacheDirectory: string, key: string): boolean {
  return existsSync(fileOf(cacheDirectory, key))
}

/** Failures (no space, no permission) are no errors. */
export function noteLargeStack(cacheDirectory: string, key: string): void {
  if (keepFile(fileOf(cacheDirectory, key), [])) removeOld(directoryOf(cacheDirectory))
}

function directoryOf(cacheDirectory: string): string {
  return `${cacheDirectory}/deep`
}

function fileOf(cacheDirectory: string, key: string): string {
  return `${directoryOf(cacheDirectory)}/${shortHash(key)}`
}
