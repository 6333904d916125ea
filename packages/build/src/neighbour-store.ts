/**
 * The store of another user of this machine as a place to copy from, without trusting that user.
 *
 * Its files and its database are under that user's control for ever. So nothing is used where it lies: a path is copied to
 * a private file, its hash is taken of that copy, and it is believed to be what its name says only when
 *
 * - its name follows from its contents (sources, fixed outputs, derivations), or
 * - a trusted key signed it, or
 * - the database that vouches for it can be written by nobody but users who are trusted by name (and root).
 */
import { closeSync, openSync, realpathSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  type ContentAddress,
  createHasher,
  hashesEqual,
  isContentAddressed,
  isSystemError,
  type PublicKey,
  parseContentAddress,
  pathFingerprint,
  storePathBaseName,
  UserError,
  verify,
} from '@baryon/format'
import { dumpNar, isDatabaseOf, openStore, type PathInfo, type Store } from '@baryon/store'
import type { SubstituteInfo, Substituter } from './substituter.ts'

export interface NeighbourOptions {
  readonly storeDirectory: string
  /** The root of the other store. */
  readonly root: string
  readonly keys?: readonly PublicKey[]
  /** User ids whose word is taken. */
  readonly owners?: readonly number[]
}

export interface Neighbour extends Substituter {
  close(): void
}

/** Opens it for reading only. Throws `STORE_MISSING` and its like when there is none. */
export function openNeighbour({ storeDirectory, root, keys = [], owners = [] }: NeighbourOptions): Neighbour {
  const source = openReal(storeDirectory, root)
  const isTrusted = isDatabaseOf(source.stateDirectory, owners)
  const offer = (info: PathInfo): SubstituteInfo | undefined => {
    if (isTrusted)
      return { ...info, deriver: info.deriver, contentAddress: info.contentAddress, downloadSize: info.narSize }
    const { path, narHash, narSize, references, contentAddress } = info
    const signatures = info.signatures.filter((one) => verify(keys, pathFingerprint(storeDirectory, info), one))
    if (signatures.length === 0 && !isContentAddressed(storeDirectory, { ...info, contentAddress: address(info) }))
      return undefined
    // Nothing proves what its owner says of where it comes from.
    return { path, narHash, narSize, references, downloadSize: narSize, deriver: undefined, signatures, contentAddress }
  }
  return {
    name: `neighbour://${source.physicalDirectory}`,
    query: async (paths) =>
      paths.flatMap((path) => {
        const info = source.queryPathInfo(path)
        const offered = info === undefined ? undefined : offer(info)
        return offered === undefined ? [] : [offered]
      }),
    fetch: async (path, file, { signal, onProgress }) => {
      signal?.throwIfAborted()
      onProgress(copyNar(source, source.pathInfo(path), file))
    },
    close: () => source.close(),
  }
}

function openReal(storeDirectory: string, root: string): Store {
  try {
    return openStore({ storeDirectory, root: realpathSync(root), readOnly: true })
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) throw error
    throw new UserError('STORE_MISSING', `there is no store of a neighbour at '${join(root, storeDirectory)}'`, {
      hint: 'check the root, and that its owner lets you read it',
      cause: error,
    })
  }
}

/**
 * The hash is checked before anything is unpacked where others may read it: the owner may have put a link to a private file
 * of ours in the way, and would otherwise read along. Gives the bytes.
 */
function copyNar(source: Store, { path, narHash, narSize }: PathInfo, file: string): number {
  const hasher = createHasher(narHash.algorithm)
  const descriptor = openSync(file, 'wx', 0o600)
  let bytes = 0
  try {
    dumpNar(source.physicalPath(path), (chunk) => {
      bytes += chunk.length
      if (bytes > narSize) throw changed(path)
      hasher.update(chunk)
      for (let written = 0; written < chunk.length; ) written += writeSync(descriptor, chunk, written)
    })
  } finally {
    closeSync(descriptor)
  }
  if (!hashesEqual(hasher.digest(), narHash)) throw changed(path)
  return bytes
}

function changed(path: PathInfo['path']): UserError {
  return new UserError('HASH_MISMATCH', `'${storePathBaseName(path)}' of the neighbour is not what its database says`, {
    hint: 'its owner may repair it: baryon store verify --check-contents --repair',
  })
}

/** Undefined also for what is no address: it proves nothing. */
function address({ contentAddress }: PathInfo): ContentAddress | undefined {
  try {
    return contentAddress === undefined ? undefined : parseContentAddress(contentAddress)
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}
