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
 * PYTHONPATH = { append = "@view@/python" }      # or prepend = …, a list of texts, separator = " "
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
  type DeclaredVariable,
  formatReleaseName,
  isReleaseWord,
  type ReleaseName,
} from '@baryon/environment'
import { listDirectory } from '@baryon/files'
import { UserError } from '@baryon/format'
import { type At, isText, mistake, must, record, table, text, texts } from './check-toml.ts'
import { readToml, type TomlFile } from './read-toml.ts'
import type { Settings } from './settings.ts'
import { stackFile } from './stack-evaluation.ts'
import { suggest } from './suggestion.ts'
import { checkVariables, declaredVariables, type WrittenVariables } from './written-variables.ts'

export interface ReleaseDescription extends ReleaseName {
  readonly description: string
  /** Undefined: those of the stack. */
  readonly platforms: readonly string[] | undefined
  /** Attributes. */
  readonly packages: readonly string[]
  readonly program: string | undefined
  readonly variables: Readonly<Record<string, DeclaredVariable>>
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

/** As it is written, after the checks. */
interface WrittenDescription extends Partial<Omit<ReleaseDescription, 'variables'>> {
  readonly variables?: WrittenVariables
}

const check = record({
  description: must((value) => isText(value) && !/[\n\r]/.test(value), 'a text on one line'),
  platforms: texts,
  packages: must(
    (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
    'a list of attributes of the stack',
  ),
  program: text,
  variables: checkVariables,
  tasks: table('commands, by names of programs', isReleaseWord, text),
  priorities: table('whole numbers, by attribute', () => true, must(Number.isSafeInteger, 'a whole number')),
})

function describe(source: TomlFile, release: ReleaseName): ReleaseDescription {
  const top: At = { source, path: [], code: 'RELEASE_SYNTAX' }
  check(source.table, top)
  const given = source.table as WrittenDescription
  if (given.packages === undefined) throw mistake(top, "'packages' is missing")
  const stray = Object.keys(given.priorities ?? {}).find((attribute) => !given.packages!.includes(attribute))
  if (stray !== undefined) {
    const at = { ...top, path: ['priorities', stray] }
    throw mistake(at, `'priorities' names '${stray}', which is not among the packages`)
  }
  return {
    ...release,
    description: given.description ?? '',
    platforms: given.platforms,
    packages: [...new Set(given.packages)],
    program: given.program,
    variables: declaredVariables(given.variables),
    tasks: { ...given.tasks },
    priorities: { ...given.priorities },
  }
}
