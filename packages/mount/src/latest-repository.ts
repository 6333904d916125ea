/**
 * The newest revision of a repository that is known on this machine: what a server offers, unless it is older than what was verified before,
 * or the server cannot be reached.
 *
 *     CACHE/known/by-address/3f0c…               name of the repository that was found at an address
 *     CACHE/known/lhcb.example.org/              .cvmfspublished and .cvmfswhitelist as they were verified last
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { missing, type ObjectSource, type OpenRepositoryOptions, openRepository, type Repository } from '@baryon/cvmfs'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'

export interface LatestRepository {
  readonly repository: Repository
  /** Why it is not what the server offers; undefined when it is. */
  readonly problem: UserError | undefined
}

/** Verified in either case. Throws what `openRepository` throws when nothing that was known before can take its place. */
export async function openLatest(options: OpenRepositoryOptions): Promise<LatestRepository> {
  const { source, cacheDirectory } = options
  const known = join(cacheDirectory, 'known')
  const address = join(known, 'by-address', createHash('sha256').update(source.name).digest('hex').slice(0, 32))
  let offered: Repository | undefined
  let problem: UserError | undefined
  try {
    offered = await openRepository(options)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    problem = error
  }
  const name = offered?.name ?? readText(address)
  const saved = name === undefined ? undefined : await openSaved(join(known, name), { ...options, name })
  if (offered === undefined) {
    if (saved === undefined) throw problem
    return { repository: saved, problem }
  }
  if (saved !== undefined && saved.manifest.revision > offered.manifest.revision) {
    const { revision } = offered.manifest
    return {
      repository: saved,
      problem: new UserError(
        'CVMFS_ROLLBACK',
        `${source.name} offers revision ${revision} of ${offered.name}, older than revision ${saved.manifest.revision}, which is known already`,
      ),
    }
  }
  replaceFile(join(known, offered.name, WHITELIST), offered.whitelistBytes)
  replaceFile(join(known, offered.name, MANIFEST), offered.manifestBytes)
  if (readText(address) !== offered.name) replaceFile(address, offered.name)
  return { repository: offered, problem: undefined }
}

const MANIFEST = '.cvmfspublished'
const WHITELIST = '.cvmfswhitelist'

/** What was saved is believed as little as what a server says; undefined when it does not hold. */
async function openSaved(directory: string, options: OpenRepositoryOptions): Promise<Repository | undefined> {
  try {
    const repository = await openRepository({ ...options, source: savedSource(directory) })
    return { ...repository, source: options.source }
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

function savedSource(directory: string): ObjectSource {
  return {
    name: directory,
    async *open(name) {
      // The certificate is an object of the cache, like all others.
      if (name !== MANIFEST && name !== WHITELIST) throw missing(name, directory)
      try {
        yield readFileSync(join(directory, name))
      } catch (error) {
        if (isSystemError(error, 'ENOENT')) throw missing(name, directory)
        throw error
      }
    },
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

function replaceFile(file: string, contents: Uint8Array | string): void {
  makeDirectories(dirname(file), 0o700)
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(aside, contents)
    renameSync(aside, file)
  } finally {
    rmSync(aside, { force: true })
  }
}
