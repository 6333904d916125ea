/** A CVMFS repository as a place that store paths come from, without mounting it. */

import type { Entry, Repository, Revision } from '@baryon/cvmfs'
import { inParallel } from '@baryon/cvmfs'
import { type Narinfo, parseBaseName, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import { createNarReceiver, type Store } from '@baryon/store'
import { fileRecord, markerRecord, parseRecord, storePlace } from './published-record.ts'
import type { PathSource } from './pull.ts'
import { asPathInfo } from './receive-path.ts'
import { openReceivedObjects } from './received-objects.ts'
import { writeTreeNar } from './repository-nar.ts'

export interface RepositorySource extends PathSource {
  /** All paths that the revision has. */
  paths(signal?: AbortSignal): Promise<StorePath[]>
  /** To be called when nothing is received any more; unless `isDone`, objects that have come are kept for the next time. */
  close(isDone: boolean): Promise<void>
}

/**
 * The paths of one revision, as far as they are of the store directory. Throws `CVMFS_STORE_DIRECTORY`, `CVMFS_REVISION`, and what reading throws; finding
 * a path throws `CVMFS_NO_RECORD` for one that somebody else has put there.
 */
export async function openRepositorySource(
  repository: Repository,
  which: string | undefined,
  store: Store,
  signal?: AbortSignal,
): Promise<RepositorySource> {
  const { storeDirectory } = store
  const place = storePlace(storeDirectory, repository.name)
  const revision = await repository.revision(which, signal)
  const objects = openReceivedObjects(repository.source, store.ownDirectory)
  const findOne = async (path: StorePath, findSignal: AbortSignal | undefined): Promise<Narinfo | undefined> => {
    const entry = await revision.entry(`${place}/${storePathBaseName(path)}`, findSignal)
    if (entry === undefined) return undefined
    const record = await readRecord(revision, place, path, entry, findSignal)
    return parseRecord(storeDirectory, path, record.text)
  }
  return {
    name: repository.source.name,
    priority: 0,
    async find(paths, findSignal) {
      const found = await inParallel(LOOKUPS_AT_ONCE, paths, (path) => findOne(path, findSignal))
      return new Map(
        found.flatMap((narinfo) => (narinfo === undefined ? [] : [[storePathBaseName(narinfo.path), narinfo]])),
      )
    },
    async receive(narinfo, location, receiveSignal, onBytes) {
      const { path } = narinfo
      const top = await revision.entry(`${place}/${storePathBaseName(path)}`, receiveSignal)
      if (top === undefined) throw new UserError('CVMFS_NO_ENTRY', `${storePathBaseName(path)} is gone`)
      const record = await readRecord(revision, place, path, top, receiveSignal)
      const receiver = createNarReceiver(location, asPathInfo(narinfo))
      const own = objects.forPath(receiveSignal)
      let size = 0
      let isDone = false
      try {
        const sink = (chunk: Uint8Array): void => {
          receiver.write(chunk)
          size += chunk.length
          onBytes(size)
        }
        await writeTreeNar(revision, top, own, sink, { without: record.marker, signal: receiveSignal })
        receiver.finish()
        isDone = true
      } catch (error) {
        receiver.abort()
        throw error
      } finally {
        await own.finish(isDone)
        await revision.release(top.path)
      }
    },
    async paths(listSignal) {
      const entries = await revision.list(place, listSignal)
      return entries.flatMap(({ name }) => (/^[0-9a-z]{32}-/.test(name) ? [parseBaseName(name)] : []))
    },
    async close(isDone) {
      await revision.close()
      objects.close(isDone)
    },
  }
}

const LOOKUPS_AT_ONCE = 16
const LARGEST_RECORD = 1024 * 1024

interface FoundRecord {
  readonly text: string
  /** The file of the tree that it is, and that is no part of the path. */
  readonly marker: string | undefined
}

async function readRecord(
  revision: Revision,
  place: string,
  path: StorePath,
  top: Entry,
  signal: AbortSignal | undefined,
): Promise<FoundRecord> {
  const beside = await revision.entry(fileRecord(place, path), signal)
  if (beside?.kind === 'file') return { text: await readSmall(revision, beside, signal), marker: undefined }
  const marker = top.kind === 'directory' ? await revision.entry(markerRecord(place, path), signal) : undefined
  if (marker?.kind === 'file' && marker.size > 0) {
    return { text: await readSmall(revision, marker, signal), marker: marker.path }
  }
  throw new UserError('CVMFS_NO_RECORD', `the repository has ${storePathBaseName(path)}, but not what it refers to`, {
    hint: 'whoever publishes it has to remove it and publish it again, with baryon repository publish',
  })
}

async function readSmall(revision: Revision, entry: Entry, signal: AbortSignal | undefined): Promise<string> {
  if (entry.size > LARGEST_RECORD) throw new UserError('NARINFO_INVALID', `a record of ${entry.size} bytes`)
  const pieces: Buffer[] = []
  for await (const piece of revision.read(entry, signal)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces).toString('latin1')
}
