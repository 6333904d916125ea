/** How a store can be shown at a path where the host has nothing, without root. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { UserError } from '@baryon/format'

/**
 * `bubblewrap` and `unshare` use a user and a mount namespace, `proot` rewrites the system calls of the program,
 * which is slower but needs nothing of the kernel.
 */
export interface Tier {
  readonly kind: 'bubblewrap' | 'unshare' | 'proot'
  /** The program and the words that come first. */
  readonly command: readonly string[]
}

/** What a user may ask for: `none` shows the store nowhere. */
export type TierChoice = 'auto' | 'userns' | 'proot' | 'none'

/** The first tier that works here, found by trying. Throws UserError `NO_NAMESPACE` when none does. */
export function selectTier(choice: TierChoice = 'auto', environment: NodeJS.ProcessEnv = process.env): Tier {
  const found = listTiers(choice, environment).find((candidate) => candidate.works)
  if (found !== undefined) return found.tier
  throw new UserError('NO_NAMESPACE', 'this machine offers no way to show the store at its path', {
    hint:
      choice === 'auto'
        ? 'allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns), or install bubblewrap or proot'
        : `--sandbox ${choice} was asked for; 'auto' tries the others`,
  })
}

/** Every tier that the choice allows and whether it works, each tried when the iteration reaches it. */
export function* listTiers(
  choice: TierChoice = 'auto',
  environment: NodeJS.ProcessEnv = process.env,
): Generator<{ readonly tier: Tier; readonly works: boolean }> {
  const find = (name: string): string | undefined => findProgram(name, environment)
  const userns = choice === 'auto' || choice === 'userns'
  const bubblewrap = userns ? find('bwrap') : undefined
  if (bubblewrap !== undefined) {
    const command = [bubblewrap]
    yield {
      tier: { kind: 'bubblewrap', command },
      works: runs([...command, '--dev-bind', '/', '/', '/bin/sh', '-c', ':']),
    }
  }
  const unshare = userns ? find('unshare') : undefined
  if (unshare !== undefined) {
    // Old versions know only the mapping to root.
    for (const options of [
      ['--user', '--map-current-user', '--keep-caps', '--mount'],
      ['--user', '--map-root-user', '--mount'],
    ]) {
      const command = [unshare, ...options]
      const works = runs([...command, '/bin/sh', '-c', 'mount -t tmpfs tmpfs /tmp'])
      yield { tier: { kind: 'unshare', command }, works }
      if (works) break
    }
  }
  const proot = choice === 'auto' || choice === 'proot' ? find('proot') : undefined
  if (proot !== undefined) {
    const command = [proot]
    yield { tier: { kind: 'proot', command }, works: runs([...command, '-b', '/:/baryon-probe', '/bin/sh', '-c', ':']) }
  }
}

/** The full path of a program on `PATH`, or where administrators' programs are. */
export function findProgram(name: string, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  for (const directory of [...(environment.PATH ?? '').split(':'), '/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    if (!directory.startsWith('/')) continue
    const file = `${directory}/${name}`
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not here: the next directory may have it.
    }
  }
  return undefined
}

function runs(command: readonly string[]): boolean {
  const environment = { ...process.env, PROOT_NO_SECCOMP: '1' }
  return spawnSync(command[0]!, command.slice(1), { stdio: 'ignore', timeout: 10_000, env: environment }).status === 0
}
