import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { contentHashesEqual, formatContentHash, hashContent } from './content-hash.ts'
import { readWhole } from './object-source.ts'
import { readReflog } from './reflog.ts'
import type { Repository } from './repository.ts'

/**
 * Reports what is wrong with the reflog, as the real `check` does: it is the one that the manifest names, and has everything that the manifest
 * names. A Stratum 1 of the real tools has one of its own, which the manifest does not know. None at all is right as well.
 */
export async function checkReflog(repository: Repository, report: (problem: string) => void): Promise<void> {
  const { source, manifest } = repository
  const bytes = await ifThere(readWhole(source, '.cvmfsreflog', REFLOG_LIMIT))
  if (bytes === undefined) return
  const { reflog, rootCatalog, certificate, history, metainfo } = manifest
  if (reflog !== undefined && !contentHashesEqual(reflog, hashContent(reflog.algorithm, bytes))) {
    const isOrigin = (await ifThere(readWhole(source, '.cvmfs_master_replica', REFLOG_LIMIT))) !== undefined
    if (isOrigin) return report('the reflog is not the one that the manifest names')
  }
  const listed = new Set(references(bytes).map(({ hash, kind }) => `${kind} ${formatContentHash(hash)}`))
  for (const [kind, hash] of Object.entries({ catalog: rootCatalog, certificate, history, metainfo })) {
    if (hash === undefined || listed.has(`${kind} ${formatContentHash(hash)}`)) continue
    report(`the reflog lacks the ${kind} ${formatContentHash(hash)} of the manifest`)
  }
}

const REFLOG_LIMIT = 256 * 1024 * 1024

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof UserError && error.code === 'CVMFS_MISSING') return undefined
    throw error
  }
}

function references(bytes: Uint8Array): ReturnType<typeof readReflog> {
  const directory = mkdtempSync(join(tmpdir(), 'baryon-reflog-'))
  try {
    const file = join(directory, 'reflog')
    writeFileSync(file, bytes)
    return readReflog(file)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
