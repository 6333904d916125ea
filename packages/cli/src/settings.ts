/**
 * Which store and which stack a command works on.
 *
 * Store directory: `--store-dir`, else `BARYON_STORE_DIR`, else the directory in which a full store path that was
 * given lies, else `store-dir` of the baryon.toml that counts, else `/nix/store`. The baryon.toml that counts is the
 * nearest one beside or above the stack; without a stack, beside or above the current directory.
 *
 * ```toml
 * store-dir = "/cvmfs/lhcb.example.org/nix/store"
 * stack = "stacks/hep"                      # what `baryon build` and `baryon run` use by default
 * platform = "x86_64-debian12-gcc12-opt"    # instead of the stack's own default
 * nix-version = "2.8.0"                      # whose language the expressions are written in; default 2.36.0
 * substituters = ["https://cache.example.org"]            # asked before anything is built
 * trusted-public-keys = ["cache.example.org-1:BASE64"]    # whose signatures are believed
 * repository = "http://s1.example.org/cvmfs/lhcb.example.org"    # a CVMFS repository that programs may be run from
 * repository-keys = ["lhcb.example.org.pub"]                     # public keys of who publishes it
 * ```
 *
 * The same file may describe a project, with keys of its own: see project/project-file.ts. Where neither names a store directory,
 * it is that of the stack.
 */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '@baryon/format'
import { projectKeys } from './project/project-keys.ts'
import type { TomlFile } from './read-toml.ts'
import { suggest } from './suggestion.ts'

export interface Settings {
  readonly storeDirectory: string
  /** Physical root, absolute. */
  readonly root: string
  /** The stack that `-f` names or that is configured; undefined when the command needs none. */
  readonly stack: string | undefined
  readonly platform: string | undefined
  /** `BARYON_NIX_VERSION`, else the baryon.toml; undefined: the newest. */
  readonly nixVersion: string | undefined
  /** Caches and keys: `BARYON_SUBSTITUTERS` and `BARYON_TRUSTED_PUBLIC_KEYS` (separated by spaces), else the baryon.toml. */
  readonly substituters: readonly string[]
  readonly trustedPublicKeys: readonly string[]
  /** A CVMFS repository (URLs or a directory) and files with its public keys: `BARYON_REPOSITORY`, else the baryon.toml. */
  readonly repository: string | undefined
  readonly repositoryKeys: readonly string[]
  /** The baryon.toml beside or above the current directory; undefined also when `-f` says which stack is meant. */
  readonly configuration: TomlFile | undefined
  /** Places where a baryon.toml was looked for, and whether one was there: what these settings depend on. */
  readonly consulted: ReadonlyMap<string, boolean>
}

export interface SettingsRequest {
  /** The stack given with `-f`. */
  readonly stack?: string | undefined
  /** The command works on a stack: without `-f` the configured one or that of the clone is meant. */
  readonly needsStack?: boolean
  /** A full store path among the operands, logical or below the root. */
  readonly storePath?: string | undefined
}

export interface SettingsSource {
  /** Options of the command line. */
  readonly root: string | undefined
  readonly storeDirectory: string | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly currentDirectory: string
}

/** The clone (or installation) that this program is part of. */
export const cloneDirectory: string = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')

export async function resolveSettings(source: SettingsSource, request: SettingsRequest = {}): Promise<Settings> {
  const { environment, currentDirectory } = source
  const consulted = new Map<string, boolean>()
  const nearest = async (start: string): Promise<Configuration> => {
    const file = findConfiguration(start, consulted)
    return file === undefined ? {} : readConfiguration(file)
  }
  let content: Configuration
  let configuration: TomlFile | undefined
  let stack: string | undefined
  if (request.stack !== undefined) {
    stack = resolve(currentDirectory, request.stack)
    content = await nearest(startOf(stack))
  } else {
    content = await nearest(currentDirectory)
    configuration = content.source
    const isProject = Object.keys(configuration?.table ?? {}).some((key) => projectKeys.has(key))
    const meant = content.stack ?? (request.needsStack || isProject ? join(cloneDirectory, 'stacks/hep') : undefined)
    if (request.needsStack) stack = meant
    if (meant !== undefined && (content.stack === undefined || content.storeDirectory === undefined)) {
      content = { ...(await nearest(startOf(meant))), ...content }
    }
  }
  const root = rootDirectory(source)
  const { storePath } = request
  const logical = storePath?.startsWith(`${root}/`) ? storePath.slice(root.length) : storePath
  return {
    storeDirectory:
      source.storeDirectory ??
      (environment.BARYON_STORE_DIR || storeDirectoryOf(logical) || content.storeDirectory || '/nix/store'),
    root,
    stack,
    platform: content.platform,
    nixVersion: environment.BARYON_NIX_VERSION || content.nixVersion,
    substituters: words(environment.BARYON_SUBSTITUTERS) ?? content.substituters ?? [],
    trustedPublicKeys: words(environment.BARYON_TRUSTED_PUBLIC_KEYS) ?? content.trustedPublicKeys ?? [],
    repository: (environment.BARYON_REPOSITORY ?? content.repository) || undefined,
    repositoryKeys: words(environment.BARYON_REPOSITORY_KEYS) ?? content.repositoryKeys ?? [],
    configuration,
    consulted,
  }
}

/** The store directory that a full store path says, or undefined for anything else. */
export function storeDirectoryOf(path: string | undefined): string | undefined {
  return /^(\/.*)\/[0-9abcdfghijklmnpqrsvwxyz]{32}-[^/]+/.exec(path ?? '')?.[1]
}

/** The nearest baryon.toml from the directory upwards; `consulted` learns where it was looked for. */
function findConfiguration(start: string, consulted: Map<string, boolean>): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    const file = join(directory, 'baryon.toml')
    consulted.set(file, existsSync(file))
    if (consulted.get(file)) return file
    if (directory === dirname(directory)) return undefined
  }
}

interface Configuration {
  readonly source?: TomlFile
  readonly storeDirectory?: string
  readonly stack?: string
  readonly platform?: string
  readonly nixVersion?: string
  readonly substituters?: readonly string[]
  readonly trustedPublicKeys?: readonly string[]
  readonly repository?: string
  readonly repositoryKeys?: readonly string[]
}

const texts = ['store-dir', 'stack', 'platform', 'nix-version', 'repository'] as const
const lists = ['substituters', 'trusted-public-keys', 'repository-keys'] as const
const keys = [...texts, ...lists] as const

async function readConfiguration(file: string): Promise<Configuration> {
  const { readToml, tomlMistake } = await import('./read-toml.ts')
  const source = await readToml(file, 'CONFIGURATION')
  const { table } = source
  for (const [key, value] of Object.entries(table)) {
    if (projectKeys.has(key)) continue
    const mistake = (message: string, hint?: string) => tomlMistake(source, [key], 'CONFIGURATION_KEY', message, hint)
    if (!keys.some((known) => known === key)) {
      const all = [...keys, ...projectKeys]
      const [near] = suggest(key, all)
      const hint = near === undefined ? `the keys are ${all.join(', ')}` : `did you mean '${near}'?`
      throw mistake(`unknown key '${key}'`, hint)
    }
    if (lists.some((known) => known === key)) {
      if (Array.isArray(value) && value.every((item) => typeof item === 'string')) continue
      throw mistake(`'${key}' must be a list of strings`)
    }
    if (typeof value !== 'string') throw mistake(`'${key}' must be a string`)
  }
  const [storeDirectory, stack, platform, nixVersion, repository] = texts.map((key) => table[key] as string | undefined)
  const [substituters, trustedPublicKeys, repositoryKeys] = lists.map(
    (key) => table[key] as readonly string[] | undefined,
  )
  return {
    source,
    ...(substituters === undefined ? {} : { substituters: substituters.map((url) => localTo(file, url)) }),
    ...(trustedPublicKeys === undefined ? {} : { trustedPublicKeys }),
    ...(storeDirectory === undefined ? {} : { storeDirectory }),
    ...(stack === undefined ? {} : { stack: resolve(dirname(file), stack) }),
    ...(platform === undefined ? {} : { platform }),
    ...(nixVersion === undefined ? {} : { nixVersion }),
    ...(repository === undefined ? {} : { repository: localTo(file, repository) }),
    ...(repositoryKeys === undefined ? {} : { repositoryKeys: repositoryKeys.map((key) => localTo(file, key)) }),
  }
}

/** A directory is meant relative to the file that names it. */
function localTo(file: string, url: string): string {
  return /^[a-z0-9+]+:\/\//i.test(url) ? url : resolve(dirname(file), url)
}

function words(text: string | undefined): string[] | undefined {
  return text ? text.split(/\s+/).filter((word) => word !== '') : undefined
}

function rootDirectory(source: SettingsSource): string {
  const { environment } = source
  const given = source.root ?? environment.BARYON_ROOT
  if (given) return resolve(source.currentDirectory, given)
  if (environment.XDG_DATA_HOME) return join(environment.XDG_DATA_HOME, 'baryon')
  if (environment.HOME) return join(environment.HOME, '.local/share/baryon')
  throw new UserError('NO_ROOT', 'neither HOME nor XDG_DATA_HOME is set, so there is no place for the store', {
    hint: 'set BARYON_ROOT, or give --root DIR',
  })
}

function startOf(stack: string): string {
  return statSync(stack, { throwIfNoEntry: false })?.isDirectory() ? stack : dirname(stack)
}
