import assert from 'node:assert/strict'
import { type Cleanup, temporaryDirectory } from '@baryon/testing'
import { checkRepository, directorySource } from '../index.ts'

/** The repository in the directory has no problems, nor has any revision with a tag. */
export async function assertRight(test: Cleanup, directory: string, publicKey: string): Promise<void> {
  const report = await checkRepository({
    source: directorySource(directory),
    publicKeys: [publicKey],
    cacheDirectory: temporaryDirectory(test),
    withTags: true,
  })
  assert.deepEqual(report.problems, [])
}
