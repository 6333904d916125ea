/** What is locked, made to be there: from the store, from where it is published, from caches, or built. */
import type { RealiseTarget } from '@baryon/build'
import type { LockedPackage, LockedPlatform, LockRequest } from '@baryon/environment'
import { storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { chooseCaches } from '../chosen-caches.ts'
import type { Context } from '../command.ts'
import type { RunMounted } from '../published-packages.ts'
import { build } from '../run-environment.ts'
import type { Settings } from '../settings.ts'
import { makeLock } from './make-lock.ts'

export interface Locked {
  readonly request: LockRequest
  readonly tag: string
  readonly platform: LockedPlatform
}

/** All paths that the environment is made of, logical, the release first. */
export function lockedPaths({ release, packages }: LockedPlatform): string[] {
  return [
    ...(release === undefined ? [] : [release.path]),
    ...packages.flatMap(({ outputs }) => Object.values(outputs)),
  ]
}

/**
 * Gives the physical directory that has all of it, or what is to be done instead: see `usePublished`. Throws `LOCK_UNAVAILABLE`
 * for what nobody has and the stack does not make any more, `RELEASE_MISSING` for a release that is nowhere.
 */
export async function provideLocked(
  context: Context,
  settings: Settings,
  store: Store,
  locked: Locked,
): Promise<string | RunMounted> {
  const { release, packages } = locked.platform
  const all = lockedPaths(locked.platform)
  const paths = all.map((path) => store.parse(path))
  // Until the command runs, and is seen to use them.
  if (!store.readOnly) store.addTempRoot(...paths)
  const names = store.queryValidAmong(paths)
  const isHere = (path: string): boolean => names.has(storePathBaseName(store.parse(path)))
  if (all.every(isHere)) return store.physicalDirectory

  const { areInPlace, usePublished } = await import('../published-packages.ts')
  if (areInPlace(settings.storeDirectory, all)) return settings.storeDirectory
  const use = await usePublished(context, settings, store, all)
  if (typeof use === 'function') return use
  if (use === 'received') return store.physicalDirectory

  if (release !== undefined && !isHere(release.path)) await provideRelease(context, settings, store, release)
  const missing = packages.filter(({ outputs }) => Object.values(outputs).some((path) => !isHere(path)))
  if (missing.length > 0) await providePackages(context, settings, store, locked, missing)
  return store.physicalDirectory
}

async function provideRelease(
  context: Context,
  settings: Settings,
  store: Store,
  { name, version, path }: NonNullable<LockedPlatform['release']>,
): Promise<void> {
  const { usePublished } = await import('../published-packages.ts')
  if ((await usePublished(context, settings, store, [path], { isCopied: true })) === 'received') return
  if (await takeFromCaches(context, settings, store, [path])) return
  throw new UserError(
    'RELEASE_MISSING',
    `${name}/${version} of baryon.lock is not here, and nobody gives it: ${path}`,
    {
      hint: `say who has it, with --repository or --substituter; or make it: baryon release create ${name}/${version}`,
    },
  )
}

async function providePackages(
  context: Context,
  settings: Settings,
  store: Store,
  locked: Locked,
  missing: readonly LockedPackage[],
): Promise<void> {
  const paths = missing.flatMap(({ outputs }) => Object.values(outputs))
  const areKnown = () => missing.every(({ derivation }) => store.isValid(store.parse(derivation)))
  if (!areKnown()) {
    // Copying by path needs no evaluation.
    if (await takeFromCaches(context, settings, store, paths)) return
    // Evaluation writes the derivations.
    await makeLock(context, settings, locked.request, [locked.tag])
  }
  if (areKnown()) {
    const targets = missing.map(
      ({ derivation, outputs }): RealiseTarget => ({
        derivation: store.parse(derivation),
        outputs: Object.keys(outputs),
      }),
    )
    return build(context, store, targets)
  }
  const [first] = missing.filter(({ derivation }) => !store.isValid(store.parse(derivation)))
  throw new UserError(
    'LOCK_UNAVAILABLE',
    `${first!.attribute} ${first!.version} of baryon.lock is not here, and the stack does not make it any more`,
    { hint: 'take the stack of then, say who has it with --substituter or --repository, or lock anew: baryon lock' },
  )
}

/** True when all are there then. */
async function takeFromCaches(
  context: Context,
  settings: Settings,
  store: Store,
  paths: readonly string[],
): Promise<boolean> {
  if (chooseCaches(context, settings) === undefined) return false
  try {
    await build(
      context,
      store,
      paths.map((path) => ({ path: store.parse(path) })),
    )
    return true
  } catch (error) {
    if (error instanceof UserError && error.code === 'PATH_UNAVAILABLE') return false
    throw error
  }
}
