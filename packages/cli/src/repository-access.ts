/** CVMFS repositories as people name them: by a directory or by URLs, with keys beside or given. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseBucketLocation } from '@baryon/cache'
import {
  commandKey,
  directoryStorage,
  httpSource,
  type ObjectSource,
  type ObjectStorage,
  openRepository,
  parseManifest,
  type Repository,
  readKeys,
  readSmallFile,
  type SigningKey,
  s3Storage,
} from '@baryon/cvmfs'
import { userCacheDirectory } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import type { Context } from './command.ts'

export interface NamedRepository {
  readonly source: ObjectSource
  readonly publicKeys: readonly Uint8Array[]
  readonly cacheDirectory: string
}

/** How a repository on the web is read: see `httpSource`. */
export interface Transfer {
  readonly isPipelined?: boolean
  readonly attempts?: number
}

/** A repository to read: `DIR`, `URL;URL` or `s3://…`. The public key is given, or lies with the others beside the directory. */
export function nameRepository(context: Context, name: string, transfer: Transfer = {}): NamedRepository {
  const { arguments: given } = context
  return repositoryAt(name, given.values('key'), { keyDirectory: given.value('keys'), ...transfer })
}

/** The same, without a command that has the usual options. */
export function repositoryAt(
  name: string,
  keyFiles: readonly string[],
  { keyDirectory, ...transfer }: Transfer & { readonly keyDirectory?: string | undefined } = {},
): NamedRepository {
  const isWeb = /^https?:\/\//.test(name)
  const keys = keyDirectory ?? (isWeb || isBucket(name) ? undefined : `${resolve(name)}.keys`)
  return {
    source: isWeb ? httpSource(name, { proxies: process.env.CVMFS_HTTP_PROXY, ...transfer }) : existingStorage(name),
    publicKeys: readPublicKeys(keyFiles.length > 0 || keys === undefined ? keyFiles : besides(resolve(keys))),
    cacheDirectory: objectDirectory(),
  }
}

export function openNamed(context: Context, name: string): Promise<Repository> {
  return openRepository({ ...nameRepository(context, name), signal: context.signal })
}

/** A repository to change: what all that publish need. */
export interface OwnRepository {
  readonly storage: ObjectStorage
  readonly publicKeys: readonly string[]
  readonly privateKey: SigningKey
  readonly certificate: string
  readonly cacheDirectory: string
  readonly signal: AbortSignal
}

/** One whose keys are there, by the options `signingOptions`. */
export async function ownRepository(context: Context, place: string): Promise<OwnRepository> {
  const { storage, keys, cacheDirectory } = await repositoryWithKeys(context, place)
  return {
    storage,
    publicKeys: [keys.publicKey],
    privateKey: signingCommand(context) ?? keys.privateKey,
    certificate: keys.certificate,
    cacheDirectory,
    signal: context.signal,
  }
}

export async function repositoryWithKeys(context: Context, place: string) {
  const storage = existingStorage(place)
  const name = await repositoryName(place)
  const keys = readKeys(name, keyDirectory(context, place, name), passphrase(context))
  return { storage, name, keys, cacheDirectory: objectDirectory() }
}

/** As its manifest says. */
export async function repositoryName(place: string): Promise<string> {
  return parseManifest(await readSmallFile(existingStorage(place), '.cvmfspublished')).name
}

/** A directory or a bucket to write to. */
export function storageAt(place: string): ObjectStorage {
  const bucket = parseBucketLocation(place)
  return bucket === undefined ? directoryStorage(resolve(place)) : s3Storage({ ...bucket, url: bucket.root })
}

function existingStorage(place: string): ObjectStorage {
  return storageAt(isBucket(place) ? place : existingRepository(place))
}

function isBucket(place: string): boolean {
  return /^s3:\/\//i.test(place)
}

/** What `--sign-with`, or another option, says. */
export function signingCommand(context: Context, option = 'sign-with'): SigningKey | undefined {
  const command = context.arguments.value(option)
  return command === undefined ? undefined : commandKey(command)
}

/** Of private keys. */
export function passphrase(context: Context): string | undefined {
  const file = context.arguments.value('passphrase-file')
  if (file === undefined) return process.env.BARYON_KEY_PASSPHRASE || undefined
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n[\s\S]*$/, '')
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error
    throw new UserError('CVMFS_PASSPHRASE', `the passphrase file '${file}' cannot be read (${error.code})`, {
      cause: error,
    })
  }
}

/** Keys are never below what is served: beside the directory, or, of a bucket, in the current one. */
export function keyDirectory(context: Context, place: string, name: string): string {
  const given = context.arguments.value('keys')
  return resolve(given ?? (isBucket(place) ? `${name}.keys` : `${resolve(place)}.keys`))
}

/** Objects that are verified and unpacked, for all repositories: their names are their hashes. */
function objectDirectory(): string {
  return join(userCacheDirectory(), 'cvmfs')
}

/** The directory, resolved. */
export function existingRepository(directory: string): string {
  if (existsSync(join(directory, '.cvmfspublished'))) return resolve(directory)
  throw new UserError('CVMFS_NO_REPOSITORY', `'${directory}' is no CVMFS repository: it has no .cvmfspublished`, {
    hint: 'make one: baryon repository create NAME --dir DIR',
  })
}

function readPublicKeys(files: readonly string[]): Uint8Array[] {
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
