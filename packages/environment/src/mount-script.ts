/**
 * The POSIX-sh script that starts a command in a namespace which has a file system of ours at some path, without root. `$@` is the
 * command; the script becomes it, so that status, signals and terminal are the command's own.
 *
 * /dev/fuse has to be opened in the namespace of users in which it is mounted. The server stays outside of the mount namespace
 * that has the mount: with the last process in there the mount goes, the kernel says so to the server, and it ends.
 */
import type { RootTable } from './root-table.ts'
import { quotePosix } from './shell.ts'
import type { Tier } from './tier.ts'

export interface MountLaunch {
  /** Absolute. */
  readonly mountPoint: string
  /** Of a kind `unshare`. */
  readonly tier: Tier
  /** Where the host does not have the mount point. */
  readonly rootTable: RootTable | undefined
  /** Program and words; serves descriptor 3, and prints `ready` and closes its output when it can be mounted. */
  readonly server: readonly string[]
  /** Variables for the server alone. */
  readonly serverVariables: Readonly<Record<string, string>>
  /** As they are called in the namespace. */
  readonly uid: number
  readonly gid: number
}

export function formatMountLaunch(launch: MountLaunch): string {
  const q = quotePosix
  const { tier, server, serverVariables } = launch
  const variables = Object.entries(serverVariables).map(([name, value]) => `${name}=${q(value)} `)
  return [
    'exec 3<>/dev/fuse || exit 1',
    // In a session of its own: what the terminal sends is for the command.
    `baryon_ready=$(${variables.join('')}${[...tier.release, 'setsid', ...server].map(q).join(' ')} </dev/null &)`,
    'case $baryon_ready in',
    'ready) unset baryon_ready ;;',
    '*) printf %s "$baryon_ready"; exit 1 ;;',
    'esac',
    `exec unshare --mount /bin/sh -c ${q(mountAndRun(launch))} baryon "$@"`,
    '',
  ].join('\n')
}

function mountAndRun({ mountPoint, tier, rootTable, uid, gid }: MountLaunch): string {
  const q = quotePosix
  const failure = `{ echo ${q(`error[MOUNT_FAILED]: cannot mount at ${mountPoint}`)} >&2; exit 1; }`
  const options = `ro,nosuid,nodev,fd=3,rootmode=40000,user_id=${uid},group_id=${gid},default_permissions,allow_other`
  return [
    'baryon_path=$PATH; PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; baryon_here=$PWD',
    ...(rootTable === undefined ? [] : showMountPoint(rootTable, failure)),
    `mount -i -t fuse -o ${options} baryon ${q(mountPoint)} || ${failure}`,
    'exec 3>&-',
    // What was opened before the directory was covered is still the old one.
    'cd "$baryon_here" || cd /',
    'PATH=$baryon_path; unset baryon_path baryon_here',
    'command -v "$1" >/dev/null || {',
    `  printf 'error[COMMAND_NOT_FOUND]: %s: no such command\\n' "$1" >&2`,
    '  exit 127',
    '}',
    `exec ${tier.release.map((word) => `${q(word)} `).join('')}"$@"`,
  ].join('\n')
}

function showMountPoint({ above, skeleton, table }: RootTable, failure: string): string[] {
  // Whether an entry of the host could not be mounted matters less than the mount point, on which the next mount fails.
  const entries = `mount -a -T ${quotePosix(table)}`
  if (above !== '/') return [entries]
  return [entries, `cd ${quotePosix(skeleton)} && pivot_root . . && umount -l . || ${failure}`]
}
