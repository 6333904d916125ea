import { spawnSync } from 'node:child_process'
import { UserError } from '@baryon/format'
import { bubblewrapSandbox } from './bubblewrap.ts'
import { hostProgram } from './host-program.ts'
import { staticBusybox } from './host-shell.ts'
import { noSandbox } from './none.ts'
import { prootSandbox } from './proot.ts'
import type { Sandbox } from './sandbox.ts'
import { deathSignal, unshareSandbox } from './unshare.ts'

/** `auto`: the best tier that works; `userns`: one of the two that use user namespaces; or one tier by its name. */
export type SandboxChoice = 'auto' | 'userns' | 'bubblewrap' | 'unshare' | 'proot' | 'none'

export const SANDBOX_CHOICES: readonly SandboxChoice[] = ['auto', 'userns', 'bubblewrap', 'unshare', 'proot', 'none']

/** The sandbox of that choice, found by trying; the answer is remembered for the process. `none` is never chosen by `auto`. */
export function chooseSandbox(choice: SandboxChoice = 'auto'): Sandbox {
  const known = chosen.get(choice)
  if (known !== undefined) return known
  const sandbox = tryTiers(choice)
  chosen.set(choice, sandbox)
  return sandbox
}

const chosen = new Map<SandboxChoice, Sandbox>()

function tryTiers(choice: SandboxChoice): Sandbox {
  if (choice === 'none') return noSandbox()
  const reasons: string[] = []
  for (const [tier, attempt] of TIERS) {
    if (choice !== tier && choice !== 'auto' && !(choice === 'userns' && tier !== 'proot')) continue
    const result = attempt()
    if (typeof result !== 'string') return result
    reasons.push(`${tier}: ${result}`)
  }
  throw new UserError('NO_SANDBOX', `no sandbox works here (${reasons.join('; ')})`, {
    hint:
      'install bubblewrap or proot, or have the administrator allow user namespaces (user.max_user_namespaces);' +
      ' to build without isolation, into a store at its logical place, say --sandbox none',
  })
}

const TIERS: readonly (readonly ['bubblewrap' | 'unshare' | 'proot', () => Sandbox | string])[] = [
  ['bubblewrap', tryBubblewrap],
  ['unshare', tryUnshare],
  ['proot', tryProot],
]

function tryBubblewrap(): Sandbox | string {
  const program = hostProgram('bwrap')
  if (program === undefined) return 'bwrap is not installed'
  const namespaces = ['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts']
  return (
    trial([program, ...namespaces, '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--', 'true']) ??
    bubblewrapSandbox(program)
  )
}

function tryUnshare(): Sandbox | string {
  const unshare = hostProgram('unshare')
  const mount = hostProgram('mount')
  if (unshare === undefined || mount === undefined) return 'unshare and mount (util-linux) are not installed'
  const programs = {
    unshare,
    mount,
    setpriv: hostProgram('setpriv'),
    ip: hostProgram('ip'),
    hostname: hostProgram('hostname'),
  }
  const namespaces = [
    '--user',
    '--map-root-user',
    '--mount',
    '--pid',
    '--net',
    '--ipc',
    '--uts',
    '--fork',
    '--kill-child',
  ]
  // All that the real script needs: a new /proc, a bind mount and a second user namespace with a user of its own. The mount is of the
  // new /proc: a directory of the host may have mounts below it (an AppImage in /tmp), without which the kernel shows it to nobody.
  const inner = `'${mount}' -t proc proc /proc && '${mount}' --bind /proc /proc && '${unshare}' --user --map-user=1000 --map-group=100 --root=/ true`
  return (
    trial([
      ...deathSignal(programs, 'KILL'),
      unshare,
      ...namespaces,
      '--propagation',
      'private',
      '--',
      '/bin/sh',
      '-c',
      inner,
    ]) ?? unshareSandbox(programs)
  )
}

function tryProot(): Sandbox | string {
  const proot = hostProgram('proot')
  if (proot === undefined) return 'proot is not installed'
  const failure = trial([proot, '-v', '-1', '-r', '/', '-w', '/', '/bin/sh', '-c', ':'], { PROOT_NO_SECCOMP: '1' })
  return failure ?? prootSandbox({ proot, setpriv: hostProgram('setpriv'), busybox: staticBusybox() })
}

/** Undefined when the command works, else what it said. */
function trial(command: readonly string[], env: Readonly<Record<string, string>> = {}): string | undefined {
  const [program, ...args] = command
  const result = spawnSync(program!, args, {
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 10_000,
    killSignal: 'SIGKILL',
  })
  if (result.status === 0) return undefined
  const said = result.stderr?.toString('utf8').trim().split('\n')[0]
  return said || result.error?.message || `status ${result.status ?? result.signal}`
}
