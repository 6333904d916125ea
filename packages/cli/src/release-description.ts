/**
 * What a release is to be: one small file in the stack, `releases/NAME/VERSION.toml` beside the stack's `default.nix`.
 *
 * ```toml
 * description = "Generators, jets and histograms"
 * platforms = ["x86_64-debian12-gcc12-opt"]      # default: those of the stack
 * packages = ["analysis", "fastjet", "python311"] # attributes of the stack
 * program = "analysis"                           # what `baryon run NAME` runs
 *
 * [variables]                                    # @view@ is where the packages are
 * HEP_DATA = "@view@/share/hep"
 *
 * [tasks]                                        # commands of the shell, as programs of the release
 * demo = "analysis --events 1000"
 *
 * [priorities]                                   # whose files win where two packages have other ones: the smaller number
 * python311 = 4
 * ```
 */
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  compareReleaseVersions,
  formatReleaseName,
  isReleaseWord,
  listDirectory,
  type ReleaseName,
} from '@baryon/environment'
import { UserError } from '@baryon/format'
import { readToml, type TomlFile, tomlMistake } from './read-toml.ts'
import type { Settings } from './settings.ts'
import { stackFile } from './stack-evaluation.ts'
import { suggest } from './suggestion.ts'

export interface ReleaseDescription extends ReleaseName {
  readonly description: string
  /** Undefined: those of the stack. */
  readonly platforms: readonly string[] | undefined
  /** Attributes. */
  readonly packages: readonly string[]
  readonly program: string | undefined
  readonly variables: Readonly<Record<string, string>>
  readonly tasks: Readonly<Record<string, string>>
  readonly priorities: Readonly<Record<string, number>>
}

/** Throws UserError: `RELEASE_UNKNOWN` with names that are near, `RELEASE_SYNTAX` with the place. */
export async function readDescription(settings: Settings, release: ReleaseName): Promise<ReleaseDescription> {
  const file = join(releasesDirectory(settings), release.name, `${release.version}.toml`)
  if (!existsSync(file)) throw undescribed(settings, release, file)
  return describe(await readToml(file, 'RELEASE'), release)
}

/** All that the stack describes, the newest version of each first. */
export function describedReleases(settings: Settings): ReleaseName[] {
  const directory = releasesDirectory(settings)
  return listDirectory(directory).flatMap((name) =>
    listDirectory(join(directory, name))
      .filter((file) => file.endsWith('.toml'))
      .map((file) => ({ name, version: file.slice(0, -'.toml'.length) }))
      .sort((a, b) => compareReleaseVersions(b.version, a.version)),
  )
}

function releasesDirectory(settings: Settings): string {
  const file = stackFile(settings)
  const isDirectory = statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false
  return join(isDirectory ? file : dirname(file), 'releases')
}

function undescribed(settings: Settings, release: ReleaseName, file: string): UserError {
  const known = describedReleases(settings).map(formatReleaseName)
  const name = formatReleaseName(release)
  const near = suggest(name, known)
  return new UserError('RELEASE_UNKNOWN', `the stack does not describe a release '${name}': there is no ${file}`, {
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : known.length > 0
          ? `it describes ${known.slice(0, 12).join(', ')}`
          : 'write that file: packages = ["zlib"]',
  })
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isTextList: Check = (value) => Array.isArray(value) && value.every(isText)
const isTableOf =
  (isKey: (key: string) => boolean, isValue: Check): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([key, one]) => isKey(key) && isValue(one))

const keys: Readonly<Record<string, readonly [check: Check, expected: string]>> = {
  description: [(value) => isText(value) && !/[\n\r]/.test(value as string), 'a text on one line'],
  platforms: [isTextList, 'a list of platform tags'],
  packages: [(value) => isTextList(value) && (value as []).length > 0, 'a list of attributes of the stack'],
  program: [isText, 'the name of a program'],
  variables: [
    isTableOf(
      (key) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key),
      (value) => isText(value) && !(value as string).includes('\0'),
    ),
    'a table of texts, by names of variables',
  ],
  tasks: [isTableOf(isReleaseWord, isText), 'a table of commands, by names of programs'],
  priorities: [
    isTableOf(
      () => true,
      (value) => Number.isSafeInteger(value),
    ),
    'a table of whole numbers, by attribute',
  ],
}

function describe(source: TomlFile, release: ReleaseName): ReleaseDescription {
  const mistake = (path: readonly string[], message: string, hint?: string): UserError =>
    tomlMistake(source, path, 'RELEASE_SYNTAX', message, hint)
  for (const [key, value] of Object.entries(source.table)) {
    const rule = Object.hasOwn(keys, key) ? keys[key] : undefined
    if (rule === undefined) {
      const [near] = suggest(key, Object.keys(keys))
      const hint = near === undefined ? `the keys are ${Object.keys(keys).join(', ')}` : `did you mean '${near}'?`
      throw mistake([key], `unknown key '${key}'`, hint)
    }
    const [check, expected] = rule
    if (!check(value)) throw mistake([key], `'${key}' must be ${expected}`)
  }
  const given = source.table as Partial<ReleaseDescription>
  if (given.packages === undefined) throw mistake([], "'packages' is missing")
  const stray = Object.keys(given.priorities ?? {}).find((attribute) => !given.packages!.includes(attribute))
  if (stray !== undefined) {
    throw mistake(['priorities', stray], `'priorities' names '${stray}', which is not among the packages`)
  }
  return {
    ...release,
    description: given.description ?? '',
    platforms: given.platforms,
    packages: [...new Set(given.packages)],
    program: given.program,
    variables: { ...given.variables },
    tasks: { ...given.tasks },
    priorities: { ...given.priorities },
  }
}
