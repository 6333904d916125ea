/**
 * What a project of LHCb stands on, as `manifest.xml` in `InstallArea/PLATFORM` says it:
 *
 *     <manifest><project name="DaVinci" version="v45r8"/>
 *      <heptools><version>96b</version><binary_tag>TAG</binary_tag><lcg_platform>TAG</lcg_platform></heptools>
 *      <used_projects><project name="Analysis" version="v30r8"/></used_projects>
 *      <used_data_pkgs><package name="AppConfig" version="v3r*"/></used_data_pkgs></manifest>
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { compareReleaseVersions } from '@baryon/environment'
import { isSystemError } from '@baryon/format'
import { releaseStatus, StatusError } from '../status-error.ts'
import { readXml, type XmlElement } from './read-xml.ts'

export interface ProjectChain {
  /** Of the project, of its data packages, and of all that it uses, each once: where their files are looked for. */
  readonly directories: readonly string[]
  /** Of LCG: `LCG_releases` and its like; empty without it. */
  readonly variables: Readonly<Record<string, string>>
}

export interface ChainRequest {
  /** The directory of the project for the platform. */
  readonly directory: string
  readonly tag: string
  /** Directories in which data packages and LCG are looked for. */
  readonly searchPath: readonly string[]
  /** The directory of another project for the same platform. Throws when there is none. */
  readonly find: (name: string, version: string) => Promise<string>
}

export async function projectChain({ directory, tag, searchPath, find }: ChainRequest): Promise<ProjectChain> {
  const directories = new Set<string>()
  let variables: Readonly<Record<string, string>> = {}
  const visit = async (place: string): Promise<void> => {
    if (directories.has(place)) return
    directories.add(place)
    const file = join(place, 'manifest.xml')
    if (!existsSync(file)) return
    const manifest = readXml(file)
    for (const { name, version } of used(manifest, 'used_data_pkgs', 'package')) {
      directories.add(dataPackage(name, version, searchPath))
    }
    for (const { name, version } of used(manifest, 'used_projects', 'project')) await visit(await find(name, version))
    if (Object.keys(variables).length === 0) variables = lcgVariables(manifest, tag, searchPath)
  }
  await visit(directory)
  return { directories: [...directories], variables }
}

function used(manifest: XmlElement, list: string, element: string) {
  return childrenOf(manifest, list)
    .flatMap((one) => childrenOf(one, element))
    .map(({ attributes }) => ({ name: attributes.get('name') ?? '', version: attributes.get('version') ?? '' }))
}

function childrenOf({ children }: XmlElement, name: string): readonly XmlElement[] {
  return children.filter((one) => one.name === name)
}

/** `B/{,DBASE,PARAM}/NAME/VERSION`; the version may have stars, then the newest that fits. Throws StatusError 64. */
function dataPackage(name: string, version: string, searchPath: readonly string[]): string {
  const pattern = new RegExp(`^${version.split('*').map(escapePattern).join('.*')}$`)
  for (const area of isInside(name) ? searchPath : []) {
    for (const group of ['', 'DBASE', 'PARAM']) {
      const place = join(area, group, name)
      const [found] = namesIn(place)
        .filter((one) => pattern.test(one))
        .sort((a, b) => compareReleaseVersions(b, a))
      if (found !== undefined) return join(place, found)
    }
  }
  throw new StatusError(
    releaseStatus.notFound,
    'DATA_PACKAGE_UNKNOWN',
    `cannot find data package ${name} ${version} in ${searchPath.join(':')}`,
  )
}

function lcgVariables(manifest: XmlElement, tag: string, searchPath: readonly string[]): Record<string, string> {
  const [tools] = childrenOf(manifest, 'heptools')
  const said = (name: string) => (tools === undefined ? undefined : childrenOf(tools, name)[0]?.text.trim())
  const version = said('version')
  if (!version || !isInside(version)) return {}
  const platform = said('lcg_platform') || said('binary_tag') || tag
  for (const base of searchPath) {
    for (const root of [base, join(base, `LCG_${version}`)]) {
      const names = [`LCG_${version}_${platform}.txt`, `LCG_externals_${platform}.txt`]
      if (!names.some((name) => existsSync(join(root, name)))) continue
      return { LCG_releases: root, LCG_external: root, LCG_releases_base: base }
    }
  }
  return {}
}

/** Whether it names something below, and not above. */
function isInside(name: string): boolean {
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
}
