import { readFileSync, writeFileSync } from 'node:fs'
import { isSystemError } from '@baryon/format'
import { pathBytes } from '@baryon/store'
import { withBytePaths } from './byte-paths.ts'
import { launchByStarter } from './launch.ts'
import { SANDBOX_USER, type Sandbox, type SandboxRequest } from './sandbox.ts'
import { shellCommand, shellQuote } from './shell-quote.ts'

/** The first choice: one program that sets all up, drops every capability and dies with us. */
export function bubblewrapSandbox(program: string): Sandbox {
  return {
    tier: 'bubblewrap',
    lost: [],
    inputsWritable: false,
    buildDirectory: () => '/build',
    start(request) {
      const { work } = request
      const [options, status] = [`${work.path}/options`, `${work.path}/status`]
      // Hundreds of inputs and any environment go through a descriptor: a command line has a limit.
      const text = `${bubblewrapOptions(withBytePaths(request)).join('\0')}\0`
      writeFileSync(options, text, { encoding: 'latin1', mode: 0o600 })
      const command = shellCommand([
        ...[pathBytes(program), '--args', '3', '--json-status-fd', '4', '--'],
        ...[request.builder, ...request.args],
      ])
      const [from, to] = [options, status].map((path) => shellQuote(pathBytes(path)))
      return launchByStarter(`${command} 3<${from} 4>${to}`, {
        directory: work.path,
        setupFailed: (code) => code !== 0 && readIfThere(status)?.includes('"exit-code"') !== true,
      })
    },
  }
}

function bubblewrapOptions(request: SandboxRequest): string[] {
  const { work, storeDirectory } = request
  const options = [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(request.network ? [] : ['--unshare-net']),
    ...['--uid', String(SANDBOX_USER.uid), '--gid', String(SANDBOX_USER.gid), '--hostname', SANDBOX_USER.hostname],
    // For root: an ordinary user has none to drop.
    ...['--cap-drop', 'ALL', '--die-with-parent', '--new-session'],
    ...['--proc', '/proc', '--dev', '/dev', '--bind', work.temporary, '/tmp', '--ro-bind', work.etc, '/etc'],
    ...['--bind', work.build, '/build', '--bind', work.store, storeDirectory],
  ]
  if (request.usr !== undefined) {
    options.push('--ro-bind', request.usr, '/usr')
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) options.push('--symlink', `usr/${name}`, `/${name}`)
  }
  for (const { source, target } of request.hostFiles) options.push('--ro-bind', source, target)
  for (const { source, name, kind } of request.inputs) {
    // Symbolic links cannot be mounted; they are made in the writable directory beforehand.
    if (kind !== 'symlink') options.push('--ro-bind', source, `${storeDirectory}/${name}`)
  }
  options.push('--remount-ro', '/', '--chdir', '/build')
  // What a shell gives to all that it starts.
  for (const name of ['PATH', 'PWD', 'OLDPWD', 'SHLVL', '_']) options.push('--unsetenv', name)
  for (const [name, value] of request.env) options.push('--setenv', name, value)
  return options
}

/** Killed early enough, the shell has not even made the file. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
