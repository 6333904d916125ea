import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeDirectories } from '@baryon/files'

import { type Hash, type HashAlgorithm, isSystemError, UserError } from '@baryon/format'

import { type FetchUrlRequest, fetchUrl } from './fetch-url.ts'
import { hashTree } from './tree-archive.ts'
import { unpackArchive } from './unpack-archive.ts'

export interface FetchTarballRequest extends Omit<FetchUrlRequest, 'hash' | 'algorithms'> {
  /** Of the packed file, when it is known. */
  readonly fileHash?: Hash | undefined
  /** What `hash` of the result is made by. Default SHA-256. */
  readonly algorithm?: HashAlgorithm | undefined
}

export interface FetchedTree {
  readonly path: string
  /** Of the tree's NAR. */
  readonly hash: Hash
  readonly url: string
}

/**
 * Fetches an archive and unpacks it to `destination`, which must not exist. The archive must hold exactly one thing at its top, as
 * for Nix; that one becomes the destination. `destination` appears when it is complete.
 */
export async function fetchTarball(request: FetchTarballRequest): Promise<FetchedTree> {
  const { fileHash, algorithm = 'sha256', destination, ...rest } = request
  const work = workDirectory(destination)
  try {
    const file = join(work, 'archive')
    const fetched = await fetchUrl({ ...rest, hash: fileHash, destination: file })
    const name = request.name ?? fetched.url
    await unpackSingle(file, name, join(work, 'tree'), destination)
    return { path: destination, hash: hashTree(destination, algorithm), url: fetched.url }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Unpacks into `tree` and moves the only thing at the top to `destination`. */
async function unpackSingle(file: string, name: string, tree: string, destination: string): Promise<void> {
  await unpackArchive(file, tree, { name })
  const entries = readdirSync(tree, { encoding: 'buffer' })
  if (entries.length !== 1) {
    throw new UserError('TARBALL_LAYOUT', `${name} has ${entries.length} things at its top, not one directory`, {
      hint: 'fetch it as a file, and unpack it in the build',
    })
  }
  placeTree(Buffer.concat([Buffer.from(`${tree}/`), entries[0]!]), destination)
}

/** A directory for work beside the destination, so that the result can be renamed. */
export function workDirectory(destination: string): string {
  makeDirectories(dirname(destination))
  return mkdtempSync(join(dirname(destination), `.${basename(destination).slice(0, 80)}.`))
}

/** Gives a complete tree its final name. */
export function placeTree(tree: string | Buffer, destination: string): void {
  try {
    renameSync(tree, destination)
  } catch (cause) {
    if (!isSystemError(cause, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR')) throw cause
    throw new UserError('FILE_UNWRITABLE', `${destination} exists already`, {
      hint: 'choose another destination',
      cause,
    })
  }
}
