/**
 * Where people and tools look for a release in a repository: nothing but links into the store, below `/cvmfs/REPOSITORY`.
 *
 *     /HEP/1.0/PLATFORM                                  the release: bin/run, setup.sh, bin, lib, …
 *     /HEP/HEP_1.0/InstallArea/PLATFORM                  the same, for lb-run (capitals)
 *     /lcg/views/HEP_1.0/PLATFORM                        the same, where views of LCG are
 *     /lcg/releases/HEP_1.0/LCG_1.0_PLATFORM.txt         the table of its packages, and each of them:
 *     /lcg/releases/HEP_1.0/zlib/1.3-0a1b2/PLATFORM
 *     /modulefiles/tcl/PLATFORM/HEP/1.0                  a MODULEPATH for each language and platform
 *
 * Two releases may have the same version: each has its own directory below `/lcg`, which is what LCG has for a release `LCG/107`.
 */
import { lcgEntries } from './lcg.ts'
import { moduleLanguages, unsayable } from './module-file.ts'
import type { ReleaseManifest } from './release-manifest.ts'

export interface LayoutLink {
  /** From the root of the repository. */
  readonly at: string
  /** Logical path. */
  readonly target: string
}

/** The links of the release that is at `path` (logical). */
export function releaseLayout(manifest: ReleaseManifest, path: string): LayoutLink[] {
  const { name, version, platform } = manifest
  const capitals = name.toUpperCase()
  const lcg = `/lcg/releases/${name}_${version}`
  const table = lcgTableFile(manifest)
  const packages = new Map(manifest.packages.map((one) => [one.name, one.paths[0]!]))
  return [
    { at: `/${name}/${version}/${platform}`, target: path },
    { at: `/${capitals}/${capitals}_${version}/InstallArea/${platform}`, target: path },
    { at: `/lcg/views/${name}_${version}/${platform}`, target: path },
    { at: `${lcg}/${table.slice(table.lastIndexOf('/') + 1)}`, target: `${path}/${table}` },
    ...lcgEntriesOf(manifest).map((entry) => ({
      at: `${lcg}/${entry.directory}`,
      target: packages.get(entry.name) ?? path,
    })),
    ...moduleLanguages
      .filter((language) => unsayable(language, manifest.changes) === undefined)
      .map((language) => ({
        at: `/modulefiles/${language.name}/${platform}/${name}/${version}${language.suffix}`,
        target: `${path}/${moduleFile(manifest, language)}`,
      })),
  ]
}

/** Inside a release. */
export function lcgTableFile({ version, platform }: ReleaseManifest): string {
  return `share/lcg/LCG_${version}_${platform}.txt`
}

/** Inside a release: a MODULEPATH for each language. */
export function moduleFile(
  { name, version }: ReleaseManifest,
  language: { readonly name: string; readonly suffix: string },
): string {
  return `share/modulefiles/${language.name}/${name}/${version}${language.suffix}`
}

/** The packages, and the release itself as one that needs them all. LCG knows nothing without a version. */
export function lcgEntriesOf({ name, version, platform, packages }: ReleaseManifest) {
  const known = packages.filter((one) => one.version !== '' && one.name !== name)
  const names = new Set(known.map((one) => one.name))
  const dependenciesOf = (list: readonly string[]) => list.filter((other) => names.has(other)).sort()
  return lcgEntries(platform, [
    ...known.map((one) => ({ ...one, dependencies: dependenciesOf(one.dependencies) })),
    { name, version, dependencies: [...names].sort() },
  ])
}
