/** Releases of the store as people name them: in any case, `v1.0` for `1.0`, and without a version for the newest. */
import {
  formatReleaseName,
  listReleases,
  meansVersion,
  parseReleaseOperand,
  type Release,
  type ReleaseManifest,
  readManifest,
} from '@baryon/environment'
import { UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { suggest } from './suggestion.ts'

/** Throws `RELEASE_UNKNOWN`, with those that are near. */
export function lookUpRelease(store: Store, text: string): Release {
  const { name, version } = parseReleaseOperand(text)
  const releases = listReleases(store)
  const named = sameName(releases, name)
  const found = version === undefined ? named[0] : named.find((one) => meansVersion(version, one.version))
  if (found !== undefined) return found
  throw unknownRelease(text, named.length > 0 ? named : releases, named.length > 0)
}

/** Those with this name, exactly or else in any case. */
export function sameName<T extends { readonly name: string }>(releases: readonly T[], name: string): T[] {
  const exact = releases.filter((one) => one.name === name)
  return exact.length > 0 ? exact : releases.filter((one) => one.name.toLowerCase() === name.toLowerCase())
}

/** The release for a platform. Throws `PLATFORM_UNKNOWN` with what there is. */
export function releaseFor(store: Store, release: Release, tag: string): ReleaseManifest {
  const path = release.platforms.get(tag)
  const manifest = path === undefined ? undefined : readManifest(store.physicalPath(path))
  if (manifest !== undefined) return manifest
  const tags = [...release.platforms.keys()]
  const near = suggest(tag, tags)
  throw new UserError('PLATFORM_UNKNOWN', `${formatReleaseName(release)} has nothing for '${tag}'`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${tags.join(', ')}`,
  })
}

function unknownRelease(text: string, releases: readonly Release[], isVersion: boolean): UserError {
  const names = releases.map(formatReleaseName)
  const near = isVersion ? names.slice(0, 3) : suggest(text, [...names, ...new Set(releases.map(({ name }) => name))])
  return new UserError('RELEASE_UNKNOWN', `the store has no release '${text}'`, {
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}? baryon release list shows all`
        : names.length > 0
          ? 'baryon release list shows what it has'
          : 'it has none; make one: baryon release create NAME/VERSION',
  })
}
