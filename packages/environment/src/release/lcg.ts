/**
 * Releases as the tools of LCG and LHCb read them.
 *
 *     LCG_1.0_x86_64-el9-gcc13-opt.txt    PLATFORM: …, VERSION: …, COMPILER: …, then a line a package:
 *     Boost; f9e91; 1.55.0; ./Boost/1.55.0-f9e91/x86_64-el9-gcc13-opt; Python-3e7e1,zlib-0a1b2
 *
 * A package is known by five hexadecimal digits: of the SHA-1 of `name=version` of itself and all that it depends on, sorted
 * and joined by slashes. `manifest.xml` and `NAME.xenv` (namespace `EnvSchema`) are what lb-run reads in
 * `InstallArea/PLATFORM`. Sources: lcgcmake, LbEnv, xenv, by their behaviour.
 */
import { createHash } from 'node:crypto'
import { type Change, valuesOfChange } from '../change.ts'
import type { ReleaseManifest } from './release-manifest.ts'
import type { ReleaseName } from './release-name.ts'

export interface LcgPackage {
  readonly name: string
  readonly version: string
  /** Names of those among the packages that it depends on, directly or not. */
  readonly dependencies: readonly string[]
}

export interface LcgEntry extends LcgPackage {
  readonly hash: string
  /** Below the directory of the release: `NAME/VERSION-HASH/PLATFORM`. */
  readonly directory: string
}

/** The packages, sorted by name, with what LCG calls them. */
export function lcgEntries(platform: string, packages: readonly LcgPackage[]): LcgEntry[] {
  const versions = new Map(packages.map(({ name, version }) => [name, version]))
  return packages
    .map((one) => {
      const names = [...new Set([one.name, ...one.dependencies])]
      const hash = lcgHash(names.map((name) => `${name}=${versions.get(name) ?? ''}`))
      return { ...one, hash, directory: `${one.name}/${one.version}-${hash}/${platform}` }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Of texts `name=version`. */
export function lcgHash(packages: readonly string[]): string {
  return createHash('sha1')
    .update([...packages].sort().join('/'))
    .digest('hex')
    .slice(0, 5)
}

export function formatLcgTable(release: ReleaseName, platform: string, entries: readonly LcgEntry[]): string {
  const hashes = new Map(entries.map(({ name, hash }) => [name, hash]))
  const lines = entries.map(({ name, hash, version, directory, dependencies }) =>
    [
      name,
      hash,
      version,
      `./${directory}`,
      dependencies.map((other) => `${other}-${hashes.get(other)}`).join(','),
    ].join('; '),
  )
  const [, family = '', version = ''] = /^([a-z]*)(.*)$/.exec(platform.split('-')[2]?.split('+')[0] ?? '') ?? []
  const head = [`PLATFORM: ${platform}`, `VERSION: ${release.version}`, `COMPILER: ${family};${version}`]
  return `${[...head, ...lines].join('\n')}\n`
}

/** `heptools` is said only for releases of LCG itself: it is where lb-run looks for externals, which are all in the view here. */
export function formatProjectManifest({ name, version, platform }: ReleaseManifest): string {
  const tools = [
    '  <heptools>',
    `    <version>${version}</version>`,
    `    <binary_tag>${platform}</binary_tag>`,
    `    <lcg_platform>${platform}</lcg_platform>`,
    '  </heptools>',
  ]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<manifest>',
    `  <project name="${name}" version="${version}"/>`,
    ...(name === 'LCG' ? tools : []),
    '</manifest>',
    '',
  ].join('\n')
}

/**
 * The first variable whose value cannot be said: lb-run and xenv replace what looks like the name of a variable, and know no
 * separator but `:`.
 */
export function unsayableInXenv(changes: readonly Change[]): string | undefined {
  return changes.find(
    (change) =>
      ('separator' in change && change.separator !== ':') ||
      valuesOfChange(change).some((value) => /\$[A-Za-z_({]|[\0-\x08\x0b\x0c\x0e-\x1f]/.test(value)),
  )?.variable
}

export function formatXenv({ changes }: ReleaseManifest): string {
  // Only by these two words in its name xenv knows a list; it would put the texts of any other together without a separator.
  const lists = new Set(changes.flatMap((change) => ('separator' in change ? change.variable : [])))
  const declared = [...lists].filter((variable) => !/PATH|DIRS/.test(variable))
  const lines = changes.map((change) => {
    const { kind, variable } = change
    if (kind === 'unset') return `  <env:unset variable="${variable}"/>`
    const value = kind === 'set' ? change.value : change.values.join(change.separator)
    return `  <env:${kind} variable="${variable}">${escapeXml(value)}</env:${kind}>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<env:config xmlns:env="EnvSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="EnvSchema EnvSchema.xsd">',
    ...declared.map((variable) => `  <env:declare variable="${variable}" type="list" local="false"/>`),
    ...lines,
    '</env:config>',
    '',
  ].join('\n')
}

function escapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }
  return text.replace(/[&<>\r]/g, (letter) => names[letter]!)
}
