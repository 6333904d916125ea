/**
 * Remembers which requests needed the large stack: they start there the next time, instead of evaluating until the small
 * one is full, which a whole package set does just before its end. One empty file for each; without a cache directory
 * nothing is remembered. A request that needs it no longer pays the start of a thread.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { makeDirectories } from '@baryon/files'
import { fileNameOf } from './answer-cache.ts'
import { removeOld } from './remove-old.ts'

export function neededLargeStack(cacheDirectory: string, key: string): boolean {
  return existsSync(fileOf(cacheDirectory, key))
}

/** Failures (no space, no permission) are no errors. */
export function noteLargeStack(cacheDirectory: string, key: string): void {
  const file = fileOf(cacheDirectory, key)
  try {
    makeDirectories(directoryOf(cacheDirectory))
    writeFileSync(file, '', { mode: 0o600 })
    removeOld(directoryOf(cacheDirectory))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

function directoryOf(cacheDirectory: string): string {
  return `${cacheDirectory}/deep`
}

function fileOf(cacheDirectory: string, key: string): string {
  return `${directoryOf(cacheDirectory)}/${fileNameOf(key)}`
}
