/** Releases among what is published: their paths, and the links by which they are found in the repository. */
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import type { Change } from '@baryon/cvmfs'
import { formatReleaseName, type Release, readManifest, releaseLayout } from '@baryon/environment'
import { type StorePath, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { lookUpRelease } from './release-lookup.ts'

/** The operands that name releases, `NAME/VERSION`, and the others. What lies in the current directory is no release. */
export function splitReleases(
  store: Store,
  operands: readonly string[],
): { readonly releases: readonly Release[]; readonly others: readonly string[] } {
  const isRelease = (operand: string): boolean =>
    /^[A-Za-z0-9][^/]*\/[A-Za-z0-9][^/]*$/.test(operand) && !existsSync(operand.slice(0, operand.indexOf('/')))
  return {
    releases: operands.filter(isRelease).map((operand) => lookUpRelease(store, operand)),
    others: operands.filter((operand) => !isRelease(operand)),
  }
}

/** What has to be in the store of the repository. */
export function releasePaths(release: Release): StorePath[] {
  return [release.index, ...release.platforms.values()]
}

/** The links below `top` (`''` or `/nightlies/main/12`), which are relative: they lead to the store wherever the repository is mounted. */
export function releaseChanges(store: Store, repository: string, release: Release, top: string): Change[] {
  if (top !== '' && !top.startsWith('/')) throw new UserError('USAGE', `--at ${top}: it must begin with /`)
  const mount = `/cvmfs/${repository}${top}`
  const links = [...release.platforms.values()].flatMap((path) => {
    const manifest = readManifest(store.physicalPath(path))
    if (manifest !== undefined) return releaseLayout(manifest, store.format(path))
    throw new UserError('RELEASE_MANIFEST', `${formatReleaseName(release)} has no manifest at ${store.format(path)}`, {
      hint: 'the store is damaged: baryon store verify --repair',
    })
  })
  // Paths of a repository are bytes.
  const above = Buffer.from(top, 'utf8').toString('latin1')
  return [
    // As many entries as the release has packages.
    { kind: 'catalog', at: `${above}/lcg/releases/${release.name}_${release.version}` },
    ...links.map(
      ({ at, target }): Change => ({
        kind: 'link',
        at: above + at,
        target: posix.relative(posix.dirname(`${mount}${at}`), target),
      }),
    ),
  ]
}
