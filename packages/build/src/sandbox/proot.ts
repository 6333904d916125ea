import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeDirectories } from '@baryon/files'
import { pathBytes } from '@baryon/store'
import { withBytePaths } from './byte-paths.ts'
import { launch } from './launch.ts'
import { inheritedByLoader, throughShell } from './loader-environment.ts'
import { processIds, readOfProcess, signalProcess } from './processes.ts'
import { SANDBOX_USER, type Sandbox, type SandboxRequest } from './sandbox.ts'
import { deathSignal } from './unshare.ts'

export interface ProotPrograms {
  readonly proot: string
  readonly setpriv: string | undefined
  /** A static shell of the host, which changes the environment without adding to it. */
  readonly busybox: string | undefined
}

/** The third choice, for hosts without user namespaces: system calls are traced and paths translated. 2 to 4 times slower. */
export function prootSandbox(programs: ProotPrograms): Sandbox {
  return {
    tier: 'proot',
    lost: [
      'the network is reachable',
      'processes and the name of the host are visible',
      'inputs are protected by their modes only, and verified after the build',
    ],
    inputsWritable: true,
    buildDirectory: () => '/build',
    async start(request) {
      assembleRoot(request)
      const { direct, viaShell } = inheritedByLoader(request.env)
      const shell = programs.busybox === undefined ? '/bin/sh' : HIDDEN_SHELL
      // The acceleration of proot 5.1 is broken since Linux 4.8; the variable that says so must not reach the builder.
      const builder = throughShell(viaShell, ['PROOT_NO_SECCOMP'], [request.builder, ...request.args], shell)
      const command = [pathBytes(programs.proot), ...prootOptions(programs, withBytePaths(request)), ...builder]
      let watch: Watch | undefined
      const running = await launch([...deathSignal(programs, 'QUIT'), ...command], {
        directory: request.work.path,
        env: [['PROOT_NO_SECCOMP', '1'], ...direct.map(splitVariable)],
        onStart: (pid) => {
          watch = watchBuilder(pid)
        },
        // proot kills its tracees on SIGQUIT; killed itself, it would let them go on untraced.
        kill: (pid) => void endTracees(pid),
        sweep: async (pid) => {
          watch?.stop()
          await endTracees(pid)
        },
      })
      return running
    },
  }
}

function prootOptions(programs: ProotPrograms, request: SandboxRequest): string[] {
  const { work, storeDirectory } = request
  const options = ['-v', '-1', '-r', work.root, '-i', `${SANDBOX_USER.uid}:${SANDBOX_USER.gid}`, '-w', '/build']
  const bind = (source: string, target: string) => options.push('-b', `${source}:${target}`)
  options.push('-b', '/proc')
  for (const name of DEVICES) options.push('-b', `/dev/${name}`)
  bind(work.build, '/build')
  bind(work.temporary, '/tmp')
  bind(work.etc, '/etc')
  bind(work.store, storeDirectory)
  if (request.usr !== undefined) bind(request.usr, '/usr')
  if (programs.busybox !== undefined) bind(pathBytes(programs.busybox), HIDDEN_SHELL)
  for (const { source, target } of request.hostFiles) bind(source, target)
  for (const { source, name, kind } of request.inputs) if (kind !== 'symlink') bind(source, `${storeDirectory}/${name}`)
  return options
}

/** Mount points must exist to be seen in listings. */
function assembleRoot({ work, storeDirectory, usr, hostFiles, inputs }: SandboxRequest): void {
  const { root } = work
  for (const name of ['proc', 'dev', 'build', 'tmp', 'etc']) mkdirSync(`${root}/${name}`)
  makeDirectories(root + storeDirectory)
  if (usr !== undefined) {
    mkdirSync(`${root}/usr`)
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, `${root}/${name}`)
  }
  for (const { target } of hostFiles) {
    makeDirectories(root + dirname(target))
    writeFileSync(root + target, '')
  }
  for (const name of DEVICES) writeFileSync(`${root}/dev/${name}`, '')
  mkdirSync(`${root}/dev/shm`, { mode: 0o1777 })
  symlinkSync('/proc/self/fd', `${root}/dev/fd`)
  for (const [index, name] of ['stdin', 'stdout', 'stderr'].entries())
    symlinkSync(`/proc/self/fd/${index}`, `${root}/dev/${name}`)
  for (const { name, kind } of inputs) {
    if (kind === 'directory') mkdirSync(`${work.store}/${name}`)
    else if (kind === 'regular') writeFileSync(`${work.store}/${name}`, '')
  }
  chmodSync(root, 0o555)
}

interface Watch {
  stop(): void
}

/**
 * proot ends only when all of its tracees have: a daemon would keep it for ever. Its own child is the builder; when that
 * has gone, the rest is killed.
 */
function watchBuilder(pid: number): Watch {
  const timer = setInterval(() => {
    const children = readOfProcess(pid, `task/${pid}/children`)
    // Before the start there are neither children nor tracees.
    if (children?.trim() === '' && traceesOf(pid).length > 0) void endTracees(pid)
  }, 100)
  return { stop: () => clearInterval(timer) }
}

async function endTracees(pid: number): Promise<void> {
  signalProcess(pid, 'SIGQUIT')
  for (let round = 0; round < 50; round++) {
    const tracees = traceesOf(pid)
    if (tracees.length === 0) return
    if (round > 0) for (const tracee of tracees) signalProcess(tracee, 'SIGKILL')
    await delay(20)
  }
}

function traceesOf(pid: number): number[] {
  const line = `\nTracerPid:\t${pid}\n`
  return processIds().filter((one) => readOfProcess(one, 'status')?.includes(line) === true)
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=')
  return [variable.slice(0, at), variable.slice(at + 1)]
}

/** busybox looks at its own name for what it is to be. */
const HIDDEN_SHELL = '/.enter/sh'
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const
