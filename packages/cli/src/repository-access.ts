/** CVMFS repositories as people name them: by a directory or by URLs, with keys beside or given. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  directorySource,
  directoryStorage,
  httpSource,
  type ObjectSource,
  type ObjectStorage,
  openRepository,
  parseManifest,
  type Repository,
  type RepositoryKeys,
  readKeys,
} from '@baryon/cvmfs'
import { isSystemError, UserError } from '@baryon/format'
import type { Context } from './command.ts'

export interface NamedRepository {
  readonly source: ObjectSource
  readonly publicKeys: readonly Uint8Array[]
  readonly cacheDirectory: string
}

/** A repository to read: `DIR`, or `URL;URL`. The public key is given, or lies with the others beside the directory. */
export function nameRepository(context: Context, name: string): NamedRepository {
  const isWeb = /^https?:\/\//.test(name)
  return {
    source: isWeb
      ? httpSource(name, { proxies: process.env.CVMFS_HTTP_PROXY })
      : directorySource(existingRepository(name)),
    publicKeys: publicKeys(context, isWeb ? undefined : name),
    cacheDirectory: cacheDirectory(),
  }
}

export function openNamed(context: Context, name: string): Promise<Repository> {
  return openRepository({ ...nameRepository(context, name), signal: context.signal })
}

export interface OwnRepository {
  readonly storage: ObjectStorage
  readonly name: string
  readonly keys: RepositoryKeys
  readonly cacheDirectory: string
}

/** A repository to change: a directory whose keys are there. */
export function ownRepository(context: Context, directory: string): OwnRepository {
  const storage = directoryStorage(existingRepository(directory))
  const manifest = readFileSync(join(directory, '.cvmfspublished'))
  const { name } = parseManifest(manifest)
  return { storage, name, keys: readKeys(name, keyDirectory(context, directory)), cacheDirectory: cacheDirectory() }
}

/** Keys are never below what is served. */
export function keyDirectory(context: Context, directory: string): string {
  return resolve(context.arguments.value('keys') ?? `${resolve(directory)}.keys`)
}

/** Objects that are verified and unpacked, for all repositories: their names are their hashes. */
function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'baryon/cvmfs')
}

/** The directory, resolved. */
export function existingRepository(directory: string): string {
  if (existsSync(join(directory, '.cvmfspublished'))) return resolve(directory)
  throw new UserError('CVMFS_NO_REPOSITORY', `'${directory}' is no CVMFS repository: it has no .cvmfspublished`, {
    hint: 'make one: baryon repository create NAME --dir DIR',
  })
}

function publicKeys(context: Context, directory: string | undefined): Uint8Array[] {
  const given = context.arguments.values('key')
  const files = given.length > 0 || directory === undefined ? given : besides(keyDirectory(context, directory))
  if (files.length === 0) {
    throw new UserError('CVMFS_PUBLIC_KEY', 'without a public key nothing of a repository can be believed', {
      hint: 'give the file NAME.pub of whoever publishes it: --key FILE',
    })
  }
  return files.map((file) => {
    try {
      return readFileSync(file)
    } catch (cause) {
      throw new UserError('CVMFS_PUBLIC_KEY', `the public key '${file}' cannot be read`, { cause })
    }
  })
}

function besides(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.pub'))
      .map((name) => join(directory, name))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
