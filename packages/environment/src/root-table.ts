/**
 * What a mount namespace needs so that a store appears at a path that the host does not have, made once and used by
 * every later start: a skeleton of empty mount points, and a table of mounts that `mount -a` does in one process.
 *
 * Only existing directories can be mounted on, and the root of the host is not ours. So the deepest directory on the way
 * to the store that the host has is replaced by the skeleton, which shows all that it held, and the store.
 *
 *     ROOTS/2f0c…/root/          home/ proc/ bin -> usr/bin … cvmfs/lhcb.example.org/nix/store/
 *     ROOTS/2f0c…/table          /home ROOTS/2f0c…/root/home none rbind 0 0
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { isSystemError } from '@baryon/format'

export interface RootTable {
  /** The directory of the host that is replaced; `/` when there is none below. */
  readonly above: string
  readonly skeleton: string
  /** A file in the form of fstab. */
  readonly table: string
}

/**
 * Makes the table for a store, or finds it; undefined when the host has the store directory itself. Without a physical directory
 * the place stays empty, for whoever mounts something else there.
 */
export function prepareRootTable(
  roots: string,
  storeDirectory: string,
  physicalDirectory: string | undefined,
): RootTable | undefined {
  const above = deepestExisting(storeDirectory)
  if (above === storeDirectory) return undefined
  const entries = listEntries(above)
  const options = physicalDirectory === undefined ? '' : `bind,ro${lockedFlags(physicalDirectory)}`
  const description = JSON.stringify([1, storeDirectory, physicalDirectory, options, above, entries])
  const name = createHash('sha256').update(description).digest('hex').slice(0, 32)
  const place = join(roots, name)
  const skeleton = join(place, 'root')
  const table = join(place, 'table')
  if (!existsSync(table)) {
    const rest = storeDirectory.slice(above === '/' ? 0 : above.length)
    const lines = tableOf({ above, skeleton, entries, rest, physicalDirectory, options })
    writePlace(place, entries, rest, lines)
  }
  return { above, skeleton, table }
}

interface Entry {
  readonly name: string
  readonly kind: 'directory' | 'file' | 'link'
  readonly target?: string
}

function tableOf(plan: {
  readonly above: string
  readonly skeleton: string
  readonly entries: readonly Entry[]
  readonly rest: string
  readonly physicalDirectory: string | undefined
  readonly options: string
}): string {
  const { above, skeleton, entries, rest, physicalDirectory, options } = plan
  const line = (source: string, target: string, how: string): string =>
    `${escapeField(source)} ${escapeField(target)} none ${how} 0 0\n`
  const binds = entries
    .filter((entry) => entry.kind !== 'link')
    .map((entry) => ({ source: join(above, entry.name), target: join(skeleton, entry.name) }))
    // A recursive mount of what holds the skeleton takes along what is mounted there already: it comes first.
    .sort((a, b) => Number(skeleton.startsWith(`${b.source}/`)) - Number(skeleton.startsWith(`${a.source}/`)))
  return [
    line(skeleton, skeleton, 'bind'),
    ...binds.map(({ source, target }) => line(source, target, 'rbind')),
    ...(physicalDirectory === undefined ? [] : [line(physicalDirectory, skeleton + rest, options)]),
    ...(above === '/' ? [] : [line(skeleton, above, 'rbind')]),
  ].join('')
}

/** Written aside and renamed: two processes may make the same one. */
function writePlace(place: string, entries: readonly Entry[], rest: string, table: string): void {
  makeDirectories(dirname(place))
  const aside = `${place}.${randomBytes(4).toString('hex')}`
  const root = join(aside, 'root')
  try {
    makeDirectories(root)
    for (const { name, kind, target } of entries) {
      const path = join(root, name)
      if (kind === 'directory') mkdirSync(path)
      else if (kind === 'file') writeFileSync(path, '')
      else symlinkSync(target!, path)
    }
    makeDirectories(root + rest)
    writeFileSync(join(aside, 'table'), table)
    renameSync(aside, place)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    // Somebody else was first.
    if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST')) throw error
  }
}

function deepestExisting(path: string): string {
  for (let directory = path; ; directory = dirname(directory)) {
    if (directory === '/' || statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory
  }
}

function listEntries(directory: string): Entry[] {
  const entries: Entry[] = []
  for (const name of readdirSync(directory).sort()) {
    const status = lstatSync(join(directory, name), { throwIfNoEntry: false })
    if (status?.isDirectory()) entries.push({ name, kind: 'directory' })
    else if (status?.isFile()) entries.push({ name, kind: 'file' })
    else if (status?.isSymbolicLink()) entries.push({ name, kind: 'link', target: readlinkSync(join(directory, name)) })
  }
  return entries
}

/** The flags of the mount that the store lies on: a namespace may not drop them, and says so by refusing to remount. */
export function lockedFlags(directory: string): string {
  let best = ''
  let flags = ''
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const fields = line.split(' ')
    const point = unescapeField(fields[4] ?? '')
    if (point.length >= best.length && (point === '/' || directory === point || directory.startsWith(`${point}/`))) {
      best = point
      flags = fields[5] ?? ''
    }
  }
  const locked = flags
    .split(',')
    .filter((flag) => ['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime'].includes(flag))
  return locked.map((flag) => `,${flag}`).join('')
}

/** A word of a table of mounts. */
export function escapeField(path: string): string {
  return path.replace(/[\s\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

function unescapeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
