import { existsSync, writeFileSync } from 'node:fs'
import { withBytePaths } from './byte-paths.ts'
import { launch } from './launch.ts'
import { inheritedByLoader, throughShell } from './loader-environment.ts'
import { SANDBOX_USER, type Sandbox, type SandboxRequest, type WorkDirectory } from './sandbox.ts'
import { shellCommand, shellQuote } from './shell-quote.ts'

export interface UnsharePrograms {
  readonly unshare: string
  readonly mount: string
  /** Sets the signal that ends the sandbox with us; without it a `kill -9` of ours would leave the build running. */
  readonly setpriv: string | undefined
  readonly ip: string | undefined
  readonly hostname: string | undefined
}

/**
 * The second choice, util-linux alone: a script assembles the root in a first user namespace, and the builder runs in a
 * second one inside it, where it has no capability over the mounts; being in a chroot it cannot make a third one.
 */
export function unshareSandbox(programs: UnsharePrograms): Sandbox {
  const lost: string[] = []
  if (programs.setpriv === undefined) lost.push('a build goes on when this process is killed (setpriv is missing)')
  return {
    tier: 'unshare',
    lost,
    inputsWritable: false,
    buildDirectory: () => '/build',
    start(request) {
      const { work } = request
      const entered = enteredMark(work)
      const bytes = withBytePaths(request)
      writeFileSync(`${work.path}/fstab`, fstab(bytes), 'latin1')
      writeFileSync(`${work.path}/enter`, enterScript(programs, bytes), 'latin1')
      const namespaces = [
        '--user',
        '--map-root-user',
        '--mount',
        '--pid',
        '--ipc',
        '--uts',
        ...(request.network ? [] : ['--net']),
      ]
      const command = [programs.unshare, ...namespaces, '--fork', '--kill-child', '--propagation', 'private']
      return launch([...deathSignal(programs, 'KILL'), ...command, '--', '/bin/sh', `${bytes.work.path}/enter`], {
        directory: work.path,
        env: [],
        setupFailed: () => !existsSync(entered),
      })
    },
  }
}

/** Command prefix that has the kernel send a signal when the thread that started us ends. */
export function deathSignal(programs: { readonly setpriv: string | undefined }, signal: string): string[] {
  return programs.setpriv === undefined ? [] : [programs.setpriv, '--pdeathsig', signal]
}

/** Made when the sandbox is set up and the builder comes next. */
function enteredMark(work: WorkDirectory): string {
  return `${work.path}/entered`
}

function enterScript(programs: UnsharePrograms, request: SandboxRequest): string {
  const { work, storeDirectory } = request
  const root = work.root
  const directories = ['build', 'tmp', 'etc', 'proc', 'dev']
  const files = request.hostFiles.map(({ target }) => `.${target}`)
  for (const file of files) directories.push(file.slice(0, file.lastIndexOf('/')))
  const lines = [
    'set -e',
    `export PATH=${shellQuote(hostPathOf(programs))}`,
    `${shellQuote(programs.mount)} -t tmpfs -o mode=0755,nosuid,nodev tmpfs ${shellQuote(root)}`,
    `cd ${shellQuote(root)}`,
    `mkdir -p ${shellCommand(directories)}`,
  ]
  if (request.usr !== undefined) {
    lines.push('mkdir usr', ...['bin', 'sbin', 'lib', 'lib64'].map((name) => `ln -s usr/${name} ${name}`))
  }
  for (const file of files) lines.push(`: > ${shellQuote(file)}`)
  const bind = (source: string, target: string) =>
    `${shellQuote(programs.mount)} -o bind,nosuid,nodev ${shellQuote(source)} ${shellQuote(target)}`
  lines.push(
    `${shellQuote(programs.mount)} -t tmpfs -o mode=0755,nosuid tmpfs dev`,
    'mkdir dev/pts dev/shm',
    `for name in ${DEVICES.join(' ')}; do : > dev/$name; done`,
    'ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd',
    'ln -s /proc/self/fd/0 dev/stdin; ln -s /proc/self/fd/1 dev/stdout; ln -s /proc/self/fd/2 dev/stderr',
    // What is writable first: the store may lie below one of these, and the mount points of the inputs are made in it.
    bind(work.build, 'build'),
    bind(work.temporary, 'tmp'),
    `mkdir -p ${shellQuote(`.${storeDirectory}`)}`,
    bind(work.store, `.${storeDirectory}`),
  )
  for (const { name, kind } of request.inputs) {
    const target = shellQuote(`.${storeDirectory}/${name}`)
    if (kind === 'directory') lines.push(`mkdir ${target}`)
    else if (kind === 'regular') lines.push(`: > ${target}`)
  }
  // One process for all mounts: two of them per input would cost seconds for hundreds of inputs.
  lines.push(`${shellQuote(programs.mount)} -T ${shellQuote(`${work.path}/fstab`)} -a`)
  if (programs.hostname !== undefined) lines.push(`${shellQuote(programs.hostname)} ${SANDBOX_USER.hostname} || true`)
  if (!request.network && programs.ip !== undefined) lines.push(`${shellQuote(programs.ip)} link set lo up || true`)
  lines.push(`${shellQuote(programs.mount)} -o remount,bind,ro ${shellQuote(root)}`)
  const privileges = programs.setpriv === undefined ? [] : [programs.setpriv, '--no-new-privs']
  const user = ['--user', `--map-user=${SANDBOX_USER.uid}`, `--map-group=${SANDBOX_USER.gid}`]
  const { direct, viaShell } = inheritedByLoader(request.env)
  const builder = throughShell(viaShell, [], [request.builder, ...request.args])
  lines.push(
    `: > ${shellQuote(enteredMark(work))}`,
    'set +e',
    // This shell stays as the first process of the namespace: it reaps, and its end kills everything that is left.
    shellCommand([
      ...['env', '-i', ...direct, ...privileges],
      ...[programs.unshare, ...user, `--root=${root}`, '--wd=/build', '--', ...builder],
    ]),
    'exit $?',
  )
  return `${lines.join('\n')}\n`
}

function fstab({ work, storeDirectory, usr, hostFiles, inputs }: SandboxRequest): string {
  const { root } = work
  const lines: string[] = []
  const bind = (source: string, target: string, options: string) =>
    lines.push(`${fstabField(source)} ${fstabField(root + target)} none ${options} 0 0`)
  bind(work.etc, '/etc', 'bind,ro,nosuid,nodev')
  if (usr !== undefined) bind(usr, '/usr', 'bind,ro,nosuid,nodev')
  for (const { source, target } of hostFiles) bind(source, target, 'bind,ro,nosuid,nodev')
  for (const { source, name, kind } of inputs) {
    if (kind !== 'symlink') bind(source, `${storeDirectory}/${name}`, 'bind,ro,nosuid,nodev')
  }
  for (const name of DEVICES) bind(`/dev/${name}`, `/dev/${name}`, 'bind')
  lines.push(`proc ${fstabField(`${root}/proc`)} proc nosuid,nodev,noexec 0 0`)
  lines.push(`tmpfs ${fstabField(`${root}/dev/shm`)} tmpfs mode=1777,nosuid,nodev 0 0`)
  lines.push(`devpts ${fstabField(`${root}/dev/pts`)} devpts newinstance,ptmxmode=0666,mode=620 0 0`)
  return `${lines.join('\n')}\n`
}

function fstabField(text: string): string {
  return text.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

function hostPathOf(programs: UnsharePrograms): string {
  const directory = programs.mount.slice(0, programs.mount.lastIndexOf('/'))
  return [...new Set([directory, '/usr/bin', '/bin', '/usr/sbin', '/sbin'])].join(':')
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const
