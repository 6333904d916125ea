/** Packages that somebody has published: at their own path on this machine already, or in a CVMFS repository. */
import { lstatSync } from 'node:fs'
import { openRepositorySource, receiveClosure } from '@baryon/cache'
import { openRepository, type Repository } from '@baryon/cvmfs'
import { storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context } from './command.ts'
import { mountProblem } from './mount-tier.ts'
import { UsageError } from './parse-arguments.ts'
import { type ReleasePlace, repositoryPlace } from './release-places.ts'
import { replaceProcess } from './replace-process.ts'
import { repositoryAt } from './repository-access.ts'
import type { Settings } from './settings.ts'
import { withReporter } from './transfer-with-progress.ts'

/** Set for whatever runs in a mount of ours: there it is not looked for a repository again. */
const MOUNTED = 'BARYON_MOUNTED'

/**
 * True when the paths are there for every process of this machine. Only below `/cvmfs`, where a path comes as a whole: in a
 * store of Nix it may be one that is just being built.
 */
export function areInPlace(storeDirectory: string, paths: readonly string[]): boolean {
  return (
    storeDirectory.startsWith('/cvmfs/') &&
    paths.every((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
  )
}

/**
 * If the repository that is configured has all the paths: what runs the same command line again where it is mounted, and
 * gives the status. With `isCopied`, and where nothing can be mounted, the paths are copied into the store, and the result is 'received'.
 * Undefined: there is no such repository, or it does not have them.
 */
export async function usePublished(
  context: Context,
  settings: Settings,
  store: Store,
  paths: readonly string[],
  how: PublishedUse = {},
): Promise<RunMounted | 'received' | undefined> {
  const place = process.env[MOUNTED] === undefined ? repositoryOf(context, settings) : undefined
  if (place === undefined) return undefined
  const repository = await openIfReachable(context, place)
  if (repository === undefined) return undefined
  const source = await openRepositorySource(repository, undefined, store, context.signal)
  let isDone = false
  try {
    const wanted = paths.map((path) => store.parse(path))
    const found = await source.find(wanted, context.signal)
    const missing = wanted.find((path) => !found.has(storePathBaseName(path)))
    if (missing !== undefined) {
      context.terminal.err(`${storePathBaseName(missing)} is not in ${repository.name}`)
      return undefined
    }
    if (!how.isCopied) {
      const problem = mountProblem()
      if (problem === undefined) return () => runMounted(place, repository.name)
      context.terminal.err(`${problem.message}: copying from ${repository.name} instead of mounting it`)
    }
    await withReporter(context, (onEvent) =>
      receiveClosure(store, [source], wanted, { jobs: 4, onEvent, signal: context.signal }),
    )
    isDone = true
    return 'received'
  } finally {
    await source.close(isDone)
  }
}

export interface PublishedUse {
  readonly isCopied?: boolean
}

/** What is read of the releases of the repository that is configured; undefined when there is none, or it does not answer. */
export async function withRepositoryPlace<T>(
  context: Context,
  settings: Settings,
  read: (place: ReleasePlace) => Promise<T>,
): Promise<T | undefined> {
  const place = process.env[MOUNTED] === undefined ? repositoryOf(context, settings) : undefined
  const repository = place === undefined ? undefined : await openIfReachable(context, place)
  if (repository === undefined) return undefined
  const revision = await repository.revision(undefined, context.signal)
  try {
    return await read(repositoryPlace(repository.name, revision, settings.storeDirectory))
  } finally {
    await revision.close()
  }
}

/** A server that does not answer is no reason not to build. What it says that is not true is one. */
async function openIfReachable(context: Context, { name, keys }: RepositoryPlace): Promise<Repository | undefined> {
  try {
    return await openRepository({ ...repositoryAt(name, keys), signal: context.signal })
  } catch (error) {
    if (!(error instanceof UserError) || !UNREACHABLE.has(error.code)) throw error
    context.terminal.err(`the repository ${name} is not asked: ${error.message}`)
    return undefined
  }
}

const UNREACHABLE: ReadonlySet<string> = new Set(['CVMFS_HTTP', 'CVMFS_MISSING'])

/** Replaces this process where that is possible. */
export type RunMounted = () => number

interface RepositoryPlace {
  readonly name: string
  readonly keys: readonly string[]
}

function repositoryOf({ arguments: given }: Context, settings: Settings): RepositoryPlace | undefined {
  if (given.flag('offline') || given.flag('no-substitute')) return undefined
  const [name, keys] = [given.value('repository') ?? settings.repository, given.values('key')]
  if (name !== undefined) return { name, keys: keys.length > 0 ? keys : settings.repositoryKeys }
  if (keys.length > 0) throw new UsageError('--key is the key of a repository: say which with --repository')
  return undefined
}

function runMounted({ name, keys }: RepositoryPlace, repository: string): number {
  const [entry = '', ...words] = process.argv.slice(1)
  const self = [process.execPath, ...process.execArgv, entry]
  const mountPoint = `/cvmfs/${repository}`
  const mount = ['baryon', 'repository', 'mount', ...keys.flatMap((key) => ['--key', key]), name, mountPoint]
  return replaceProcess(process.execPath, [...self, ...mount, '--', ...self, ...words], {
    ...process.env,
    [MOUNTED]: mountPoint,
  })
}
