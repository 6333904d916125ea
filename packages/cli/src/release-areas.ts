/**
 * Directories in which releases are looked for before the store and `/cvmfs`, in the order of lb-run: the area of the user, a
 * build of a nightly slot, development areas, and a search path.
 */
import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { compareReleaseVersions, isReleaseWord } from '@baryon/environment'
import { isSystemError, UserError } from '@baryon/format'
import type { Context } from './command.ts'
import { UsageError } from './parse-arguments.ts'
import { releaseStatus, StatusError } from './status-error.ts'

export interface Area {
  readonly directory: string
  /** Of a nightly build: a project without a version is the one that is meant, whatever version is said. */
  readonly isNightly: boolean
}

/** Those that the options and the environment say. Throws for a directory of an option that is not there. */
export function areasOf({ arguments: given, command }: Pick<Context, 'arguments' | 'command'>): readonly Area[] {
  if (!command.options.some(({ name }) => name === 'user-area')) return []
  const { User_release_area: own, LHCBDEV: development, BARYON_RELEASE_PATH: path } = process.env
  const user = given.value('user-area')
  if (user !== undefined && given.flag('no-user-area')) {
    throw new UsageError('--user-area and --no-user-area exclude each other')
  }
  if (given.flag('dev') && !development) throw new UsageError('--dev: LHCBDEV does not say where that is')
  const slot = given.value('nightly')
  const wanted: readonly (readonly [directories: readonly (string | undefined)[], isGiven: boolean])[] = [
    user !== undefined ? [[user], true] : [given.flag('no-user-area') ? [] : [own], false],
    [slot === undefined ? [] : [nightlyBuild(slot, nightlyBases(given.values('nightly-base')))], true],
    [given.flag('dev') ? [development] : [], true],
    [given.values('dev-dir'), true],
    [given.values('search-path'), true],
    [path?.split(':') ?? [], false],
  ]
  return wanted.flatMap(([directories, isGiven], index) =>
    directories.flatMap((one) => {
      if (!one) return []
      const directory = resolve(one)
      if (isGiven && !isDirectory(directory)) {
        throw new UserError('AREA_MISSING', `there is no directory ${directory} to look for releases in`)
      }
      return [{ directory, isNightly: index === 1 }]
    }),
  )
}

function nightlyBases(given: readonly string[]): readonly string[] {
  const { LHCBNIGHTLIES: lhcb, LCG_nightlies_area: lcg } = process.env
  return [
    ...given,
    lhcb || '/cvmfs/lhcbdev.cern.ch/nightlies',
    lcg || '/cvmfs/sft-nightlies.cern.ch/lcg/nightlies',
  ].map((base) => resolve(base))
}

/** The directory of `SLOT[/ID]`. Throws StatusError 64 when no base has it. */
function nightlyBuild(text: string, bases: readonly string[]): string {
  const [slot = '', id = 'Today', ...rest] = text.split('/')
  if (!isReleaseWord(slot) || !isReleaseWord(id) || rest.length > 0) {
    throw new UsageError(`--nightly ${text}: it must be SLOT or SLOT/ID`)
  }
  const slots = bases.flatMap((base) =>
    ['', 'lhcb-', 'nightly/', 'nightly/lhcb-'].map((prefix) => join(base, prefix + slot)),
  )
  for (const directory of slots) {
    for (const name of namesOf(id, directory)) {
      if (isDirectory(join(directory, name))) return join(directory, name)
    }
  }
  const builds = slots.flatMap(subdirectories)
  throw new StatusError(
    releaseStatus.notFound,
    'NIGHTLY_UNKNOWN',
    `cannot find nightly slot build ${slot}/${id} in ${bases.join(':')}`,
    builds.length === 0
      ? {}
      : { hint: `there is ${builds.sort(compareReleaseVersions).reverse().slice(0, 8).join(', ')}` },
  )
}

/** What a build may be called there: the words for days are links in some places, and dates in others. */
function namesOf(id: string, directory: string): readonly string[] {
  switch (id.toLowerCase()) {
    case 'latest': {
      const numbers = subdirectories(directory).filter((name) => /^\d+$/.test(name))
      return numbers.sort(compareReleaseVersions).slice(-1)
    }
    case 'today':
      return ['Today', ...dayNames(new Date())]
    case 'yesterday':
      return ['Yesterday', ...dayNames(new Date(Date.now() - 24 * 3600 * 1000))]
    default:
      return [id]
  }
}

function dayNames(day: Date): readonly string[] {
  const two = (number: number): string => String(number).padStart(2, '0')
  const date = `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`
  return [date, ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][day.getDay()]!]
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => isDirectory(join(directory, name)))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
}

/** Also through links; those that lead nowhere or in circles are none. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) return false
    throw error
  }
}
