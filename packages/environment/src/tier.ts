/** How a store can be shown at a path where the host has nothing, without root. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { UserError } from '@baryon/format'

/**
 * `unshare` and `bubblewrap` use a mount namespace, within one of users for who is not root; `proot` rewrites the system
 * calls of the program, which is slower but needs nothing of the kernel.
 *
 * The first is preferred because the command replaces it: signals and terminal are the command's own. bubblewrap stays
 * as a parent and hands no signal on: where setpriv can arrange it, the command is told to end when its parent dies.
 */
export interface Tier {
  readonly kind: 'unshare' | 'bubblewrap' | 'proot'
  /** The program and the words that come first. */
  readonly command: readonly string[]
  /**
   * Words before the command, after mounting. `unshare`: what gives up the capabilities that mounting needed; `bubblewrap`:
   * what undoes that Ctrl-C is ignored by the parent, and ends the command with it. May be empty.
   */
  readonly release: readonly string[]
}

/** What a user may ask for: `none` shows the store nowhere. */
export type TierChoice = 'auto' | 'userns' | 'proot' | 'none'

/** The first tier that works here, found by trying. Throws UserError `NO_NAMESPACE` when none does. */
export function selectTier(choice: TierChoice = 'auto', environment: NodeJS.ProcessEnv = process.env): Tier {
  for (const candidate of listTiers(choice, environment)) if (candidate.works) return candidate.tier
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
  const unshare = userns ? find('unshare') : undefined
  const setpriv = find('setpriv')
  const drop = setpriv === undefined ? undefined : [setpriv, '--inh-caps=-all', '--ambient-caps=-all', '--']
  if (unshare !== undefined) {
    // Root that may mount needs no namespace of users, in which it could not change to any other.
    if (process.getuid?.() === 0) yield* attempt({ kind: 'unshare', command: [unshare, '--mount'], release: [] })
    if (drop !== undefined) {
      const command = [unshare, '--user', '--map-current-user', '--keep-caps', '--mount']
      yield* attempt({ kind: 'unshare', command, release: drop })
    }
  }
  const bubblewrap = userns ? find('bwrap') : undefined
  if (bubblewrap !== undefined) {
    const env = find('env')
    if (setpriv !== undefined && env !== undefined) {
      const release = [env, '--default-signal=INT,QUIT', setpriv, '--pdeathsig', 'TERM', '--']
      yield* attempt({ kind: 'bubblewrap', command: [bubblewrap], release })
    }
    yield* attempt({ kind: 'bubblewrap', command: [bubblewrap], release: [] })
  }
  if (unshare !== undefined) {
    // All that old versions know; the command believes to be root.
    yield* attempt({ kind: 'unshare', command: [unshare, '--user', '--map-root-user', '--mount'], release: [] })
  }
  const proot = choice === 'auto' || choice === 'proot' ? find('proot') : undefined
  if (proot !== undefined) yield* attempt({ kind: 'proot', command: [proot], release: [] })
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

function* attempt(tier: Tier): Generator<{ readonly tier: Tier; readonly works: boolean }> {
  const works = {
    unshare: () =>
      runs([
        ...tier.command,
        '/bin/sh',
        '-c',
        `PATH=$PATH:/usr/sbin:/sbin; command -v pivot_root && mount -t tmpfs tmpfs /tmp && exec ${[...tier.release, 'true'].join(' ')}`,
      ]),
    bubblewrap: () => runs([...tier.command, '--dev-bind', '/', '/', ...tier.release, '/bin/sh', '-c', ':']),
    // What is not there it would make, where it may: nothing of a look is to stay in, or pass through, the host's root.
    proot: () => runs([...tier.command, '-b', '/:/tmp', '/bin/sh', '-c', '[ -d /tmp/tmp/ ]']),
  }[tier.kind]()
  yield { tier, works }
}

function runs(command: readonly string[]): boolean {
  const environment = { ...process.env, PROOT_NO_SECCOMP: '1' }
  return spawnSync(command[0]!, command.slice(1), { stdio: 'ignore', timeout: 10_000, env: environment }).status === 0
}
