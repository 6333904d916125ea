/** Keeps what `baryon run` worked out as a script that `bin/baryon` starts by itself the next time. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Freshness, formatLaunchFile, type Launch, statArguments } from '@baryon/environment'
import { type Dependencies, dependenciesHold } from '@baryon/evaluation'
import { makeDirectories } from '@baryon/files'
import { isSystemError } from '@baryon/format'
import { cloneDirectory, type Settings } from './settings.ts'

/** Where `bin/baryon` will look, and the key that it made of the command line; it gives both in the environment. */
export interface LaunchPlace {
  readonly file: string
  readonly key: string
}

/** Reads, and takes out of the environment, what `bin/baryon` said. */
export function takeLaunchPlace(environment: NodeJS.ProcessEnv = process.env): LaunchPlace | undefined {
  const { BARYON_LAUNCH_FILE: file, BARYON_LAUNCH_KEY: key } = environment
  delete environment.BARYON_LAUNCH_FILE
  delete environment.BARYON_LAUNCH_KEY
  return file && key ? { file, key } : undefined
}

/**
 * Writes the launch file if everything that it depends on can be checked by a shell; `isForThisMachine`: with what the processor
 * can do. The order matters: the files are stamped first and the dependencies compared after, so that a change in between shows in one of the two.
 */
export function keepLaunchFile(
  place: LaunchPlace,
  launch: Launch,
  dependencies: readonly (Dependencies | undefined)[],
  consulted: ReadonlyMap<string, boolean>,
  isForThisMachine = false,
): void {
  const known = dependencies.filter((one) => one !== undefined)
  if (known.length < dependencies.length) return
  const plain = freshnessOf(place.key, launch, known, consulted)
  const freshness = plain === undefined || !isForThisMachine ? plain : { ...plain, firstLines: thisMachine() }
  if (freshness === undefined || !known.every((one) => dependenciesHold(one, process.env))) return
  const temporary = `${place.file}.${process.pid}`
  try {
    makeDirectories(dirname(place.file), 0o700)
    removeOld(dirname(place.file))
    writeFileSync(temporary, formatLaunchFile(launch, freshness), { mode: 0o600 })
    renameSync(temporary, place.file)
  } catch (error) {
    // A root that is only read works as well, only not as fast.
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'ENOENT')) throw error
    rmSync(temporary, { force: true })
  }
}

/** What a launch file depends on: the configuration, and what else is or is not there. */
export function consultedOf(settings: Settings, paths: readonly string[]): ReadonlyMap<string, boolean> {
  return new Map([...settings.consulted, ...paths.map((path) => [path, existsSync(path)] as const)])
}

/** A root can be on a disk that several machines share: what one can run the next one may not. */
function thisMachine(): ReadonlyMap<string, string> {
  const file = '/proc/sys/kernel/random/boot_id'
  return new Map([[file, readFileSync(file, 'latin1').trimEnd()]])
}

/** More than this is for the evaluator's own cache to check: `stat` would take as long. */
const mostFiles = 3000

function freshnessOf(
  key: string,
  launch: Launch,
  dependencies: readonly Dependencies[],
  consulted: ReadonlyMap<string, boolean>,
): Freshness | undefined {
  const files = new Set<string>(programFiles())
  const present = new Set(
    launch.paths.map((path) => launch.physicalDirectory + path.slice(launch.storeDirectory.length)),
  )
  const absent = new Set<string>()
  const environment = new Map<string, string>()
  for (const [file, exists] of consulted) (exists ? files : absent).add(file)
  if (launch.tier !== undefined) files.add(launch.tier.command[0]!)
  // The table lists what that directory holds.
  if (launch.rootTable !== undefined) files.add(launch.rootTable.above).add(launch.rootTable.table)
  for (const one of dependencies) {
    // The targets of links cannot be read without a process for each.
    if (Object.keys(one.links).length > 0) return undefined
    for (const [path, fingerprint] of Object.entries(one.files)) (fingerprint === null ? absent : files).add(text(path))
    for (const path of Object.keys(one.directories)) files.add(text(path))
    for (const [path, type] of Object.entries(one.types)) {
      if (type === null) absent.add(text(path))
      else if (type === 'symlink') return undefined
      // A file or directory that was only looked at: its type cannot change without its inode.
      else files.add(text(path))
    }
    for (const [path, isPresent] of Object.entries(one.present)) (isPresent ? present : absent).add(text(path))
    for (const [name, value] of Object.entries(one.environment)) {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined
      environment.set(name, text(value))
    }
  }
  const texts = [...files, ...present, ...absent]
  // Control characters would not survive `$(stat …)`, and what is not UTF-8 did not become a text.
  if (texts.length > mostFiles || texts.some((path) => /[\p{Cc}\ufffd]/u.test(path))) return undefined
  const list = [...files].sort()
  const stat = spawnSync('stat', [...statArguments, '--', ...list], { encoding: 'utf8', maxBuffer: 1 << 24 })
  if (stat.status !== 0) return undefined
  return { key, present: [...present], absent: [...absent], environment, files: list, stamp: stat.stdout.trimEnd() }
}

/** The evaluator speaks bytes. */
function text(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Directories of the code that worked it out: another version of it makes other launch files. */
function programFiles(): string[] {
  const packages = join(cloneDirectory, 'packages')
  return ['cli', 'environment', 'evaluation', 'format', 'language', 'store']
    .flatMap((name) => [join(packages, name, 'src'), join(packages, name, 'package.json')])
    .filter((path) => existsSync(path))
}

/** Launch files that were made a month ago are made anew when they are wanted. */
function removeOld(directory: string): void {
  const limit = Date.now() - 30 * 24 * 3600 * 1000
  for (const name of readdirSync(directory)) {
    const file = join(directory, name)
    const status = statSync(file, { throwIfNoEntry: false })
    if (status?.isFile() && status.mtimeMs < limit) rmSync(file, { force: true })
  }
}
