/**
 * The precomputed POSIX-sh script by which `baryon run` starts a program without starting anything of ours.
 *
 * It defines two functions. `baryon_fresh` tells whether everything that the answer was computed from is still so;
 * `baryon_launch [CMD ARG…]` replaces the shell by the command, in a namespace that has the physical store at its
 * logical path when the host does not show it there already. Only builtins run before that, apart from one `stat`.
 *
 * ```sh
 * . ./launch-file && baryon_fresh && baryon_launch root -l
 * ```
 */
import { formatActivation } from './activation.ts'
import type { Change } from './change.ts'
import { formatRootScript } from './root-script.ts'
import type { RootTable } from './root-table.ts'
import { quotePosix, shellNamed } from './shell.ts'
import type { Tier } from './tier.ts'

export interface Launch {
  /** Logical store directory. */
  readonly storeDirectory: string
  /** Where that store's files are on this machine. */
  readonly physicalDirectory: string
  /** Logical paths in the store that the environment is made of; they being there means their closures are. */
  readonly paths: readonly string[]
  readonly changes: readonly Change[]
  /** `NAME=VALUE` settings of the command line, applied last. */
  readonly assignments: readonly (readonly [name: string, value: string])[]
  /** Words before those that are given, which are then arguments and no command: a task. */
  readonly leading?: readonly string[]
  /** What runs when no command is given. */
  readonly defaultCommand: readonly string[] | undefined
  /** How the store is shown; undefined when it is at its logical path already. */
  readonly tier: Tier | undefined
  /** For the `unshare` tier, unless the host has the store directory. */
  readonly rootTable: RootTable | undefined
  /** Names of the caller's variables that the command sees besides those of the environment; undefined: all. */
  readonly kept?: readonly string[] | undefined
  /** Instead of a table, for a script that is kept: an empty directory of ours. See root-script.ts. */
  readonly mountPoint?: string
}

export interface Freshness {
  /** The key under which `bin/baryon` finds the script; compared in full because file names are only its checksum. */
  readonly key: string
  /** Physical paths that must exist. */
  readonly present: readonly string[]
  /** Paths that were looked for and were not there. */
  readonly absent: readonly string[]
  /** Environment variables that the evaluation read, with their values (unset counts as empty). */
  readonly environment: ReadonlyMap<string, string>
  /** Files by their first line. */
  readonly firstLines?: ReadonlyMap<string, string>
  /** Files and directories that were read, and what `statCommand` printed of them. */
  readonly files: readonly string[]
  readonly stamp: string
}

/** Arguments of `stat` that print all that changes with a file: device, inode, size, both times in nanoseconds. */
export const statArguments: readonly string[] = ['-L', '-c', '%d %i %s %.9Y %.9Z']

export function formatLaunchFile(launch: Launch, freshness: Freshness): string {
  return `# A cache of baryon run: may be deleted at any time.\n${formatFreshness(freshness)}\n${formatLaunch(launch)}`
}

function formatFreshness(freshness: Freshness): string {
  const q = quotePosix
  const lines = [
    `[ "$baryon_key" = ${q(freshness.key)} ]`,
    ...freshness.present.map((path) => `[ -e ${q(path)} ]`),
    ...freshness.absent.map((path) => `[ ! -e ${q(path)} ] && [ ! -L ${q(path)} ]`),
    ...[...freshness.environment].map(([name, value]) => `[ "\${${name}-}" = ${q(value)} ]`),
    ...[...(freshness.firstLines ?? [])].map(
      ([file, line]) => `{ read -r baryon_line <${q(file)} && [ "$baryon_line" = ${q(line)} ]; }`,
    ),
  ]
  if (freshness.files.length > 0) {
    const files = freshness.files.map((file) => `\\\n    ${q(file)}`).join(' ')
    lines.push(`[ "$(stat ${statArguments.map(q).join(' ')} -- ${files} 2>/dev/null)" = ${q(freshness.stamp)} ]`)
  }
  return `baryon_fresh() {\n  ${lines.map((line) => `${line} || return 1`).join('\n  ')}\n}\n`
}

/** Only `baryon_launch`. */
export function formatLaunch(launch: Launch): string {
  const q = quotePosix
  const posix = shellNamed('sh')
  const binaries = launch.changes
    .flatMap((change) => ('separator' in change && change.variable === 'PATH' ? change.values : []))
    .map((path) => physical(launch, path))
  const lines: string[] = ['baryon_launch() {']
  const { leading, defaultCommand: program } = launch
  if (leading !== undefined) lines.push(`  set -- ${leading.map(q).join(' ')} "$@"`)
  if (program !== undefined) lines.push(`  [ $# -gt 0 ] || set -- ${program.map(q).join(' ')}`)
  const { kept } = launch
  const changed = launch.changes.map(({ variable }) => variable)
  if (kept !== undefined) lines.push(...changed.filter((name) => !kept.includes(name)).map((name) => `  unset ${name}`))
  // Not indented: values may hold newlines.
  lines.push(formatActivation(posix, launch.changes))
  for (const [name, value] of launch.assignments) lines.push(posix.set(name, value))
  lines.push(
    // The shell's own words for a missing command would come from another tool in every tier.
    '  case $1 in',
    '  */*) ;;',
    '  *)',
    '    baryon_found=',
    ...(binaries.length === 0
      ? []
      : [
          `    for baryon_bin in ${binaries.map(q).join(' ')}; do`,
          // A link of a view leads into the store, where that will be shown.
          '      if [ -x "$baryon_bin/$1" ] || [ -L "$baryon_bin/$1" ]; then baryon_found=1; break; fi',
          '    done',
        ]),
    '    if [ -z "$baryon_found" ] && ! command -v "$1" >/dev/null; then',
    `      printf 'error[COMMAND_NOT_FOUND]: %s: no such command in the environment\\n' "$1" >&2`,
    '      exit 127',
    '    fi ;;',
    '  esac',
    '  unset baryon_found baryon_bin baryon_key baryon_line',
  )
  if (kept !== undefined) {
    const names = new Set([...kept, ...changed, ...launch.assignments.map(([name]) => name)])
    lines.push(`  set -- /usr/bin/env -i ${[...names].map((name) => `\${${name}+"${name}=$${name}"}`).join(' ')} "$@"`)
  }
  if (launch.tier === undefined) lines.push('  exec "$@"')
  else {
    if (launch.paths.length > 0) {
      lines.push(`  if ${launch.paths.map((path) => `[ -e ${q(path)} ]`).join(' && ')}; then exec "$@"; fi`)
    }
    lines.push(indent(enterTier(launch, launch.tier)))
  }
  lines.push('}', '')
  return lines.join('\n')
}

function enterTier(launch: Launch, tier: Tier): string {
  const q = quotePosix
  const store = q(launch.storeDirectory)
  const source = q(launch.physicalDirectory)
  const command = tier.command.map(q).join(' ')
  switch (tier.kind) {
    case 'proot':
      // proot would turn death by a signal into status 255; the shell between makes it 128 + signal.
      return [
        'export PROOT_NO_SECCOMP=1',
        `exec ${command} -v -1 -b ${source}:${store} /bin/sh -c '"$@"; exit $?' baryon "$@"`,
        '',
      ].join('\n')
    case 'bubblewrap':
      // As `prepareRootTable` does it, worked out at every start.
      return [
        `baryon_above=${store}`,
        'while [ -n "$baryon_above" ] && [ ! -d "$baryon_above" ]; do baryon_above=${baryon_above%/*}; done',
        // The terminal's Ctrl-C reaches both; only the command is to decide what it means.
        ...(tier.release.length > 0 ? ["trap '' INT QUIT"] : []),
        `set -- --ro-bind ${source} ${store} -- ${words(tier.release)}"$@"`,
        `if [ "$baryon_above" = ${store} ]; then exec ${command} --dev-bind / / "$@"; fi`,
        'for baryon_entry in "$baryon_above"/* "$baryon_above"/.[!.]* "$baryon_above"/..?*; do',
        '  if [ -L "$baryon_entry" ]; then',
        // `/bin` is nearly always a link to `usr/bin`: known without starting readlink.
        '    if [ "$baryon_entry" -ef "/usr$baryon_entry" ]; then set -- --symlink "usr$baryon_entry" "$baryon_entry" "$@"',
        '    else set -- --symlink "$(PATH=/usr/bin:/bin:$PATH readlink "$baryon_entry")" "$baryon_entry" "$@"; fi',
        '  elif [ -e "$baryon_entry" ]; then set -- --dev-bind-try "$baryon_entry" "$baryon_entry" "$@"; fi',
        'done',
        'if [ -n "$baryon_above" ]; then set -- --dev-bind / / --tmpfs "$baryon_above" "$@"; fi',
        `exec ${command} "$@"`,
        '',
      ].join('\n')
    case 'unshare': {
      const inner = `${mountStore(launch)}\nexec ${words(tier.release)}"$@"`
      const { mountPoint } = launch
      const make =
        mountPoint === undefined ? '' : `[ -d ${q(mountPoint)} ] || ${HOST_FIRST} mkdir -p ${q(mountPoint)}\n`
      return `${make}exec ${command} /bin/sh -c ${q(inner)} baryon "$@"\n`
    }
  }
}

/** A kept script may itself be what `PATH` finds first for `mkdir`: it must not start itself without end. */
const HOST_FIRST = 'PATH=/usr/sbin:/sbin:/usr/bin:/bin:$PATH'

/** Quoted words, each with a blank behind it. */
function words(list: readonly string[]): string {
  return list.map((word) => `${quotePosix(word)} `).join('')
}

/** Statements within the new namespace. The shell that runs them becomes the command: nothing stays in between. */
function mountStore(launch: Launch): string {
  const { storeDirectory, physicalDirectory, rootTable, mountPoint, paths } = launch
  const q = quotePosix
  const failure = `{ echo ${q(`error[NAMESPACE]: cannot show the store at ${storeDirectory}`)} >&2; exit 1; }`
  const path = 'baryon_path=$PATH; PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin'
  const seen = paths.length > 0 ? paths[0]! : storeDirectory
  if (mountPoint !== undefined) {
    const show = formatRootScript({ storeDirectory, physicalDirectory, mountPoint }, failure)
    return [
      `baryon_path=$PATH; ${HOST_FIRST}`,
      show,
      `[ -e ${q(seen)} ] || ${failure}`,
      'PATH=$baryon_path; unset baryon_path',
    ].join('\n')
  }
  if (rootTable === undefined) {
    return [
      path,
      `mount --bind ${q(physicalDirectory)} ${q(storeDirectory)} || ${failure}`,
      `mount -o remount,bind,ro ${q(storeDirectory)} 2>/dev/null`,
      'PATH=$baryon_path; unset baryon_path',
    ].join('\n')
  }
  const { above, skeleton, table } = rootTable
  return [
    path,
    // Whether an entry of the host could not be mounted matters less than the store, which is looked for.
    `mount -a -T ${q(table)}`,
    ...(above === '/'
      ? [
          'baryon_here=$PWD',
          `cd ${q(skeleton)} && pivot_root . . && umount -l . || ${failure}`,
          'cd "$baryon_here" || cd /',
        ]
      : // What was opened before the directory was covered is still the old one.
        ['cd "$PWD"']),
    `[ -e ${q(seen)} ] || ${failure}`,
    'PATH=$baryon_path; unset baryon_path baryon_here',
  ].join('\n')
}

function physical(launch: Launch, logical: string): string {
  return logical.startsWith(`${launch.storeDirectory}/`)
    ? launch.physicalDirectory + logical.slice(launch.storeDirectory.length)
    : logical
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ')
}
