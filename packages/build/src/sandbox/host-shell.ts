import { readFileSync, realpathSync, statSync } from 'node:fs'
import { isElf, parseElf } from '@baryon/elf'
import { UserError } from '@baryon/format'
import { hostProgram } from './host-program.ts'
import type { SandboxFile } from './sandbox.ts'

/**
 * What must be shown of the host so that there is a `/bin/sh`: a static busybox alone, else the host's own shell with
 * exactly the libraries that it loads.
 */
export function hostShell(): readonly SandboxFile[] {
  return (shell ??= findShell())
}

let shell: readonly SandboxFile[] | undefined

/** Path of a busybox of the host that needs no library, or undefined. */
export function staticBusybox(): string | undefined {
  const program = hostProgram('busybox')
  if (program === undefined) return undefined
  const bytes = readFileSync(program)
  if (!isElf(bytes)) return undefined
  const { interpreter, needed } = parseElf(bytes)
  return interpreter === undefined && needed.length === 0 ? realpathSync(program) : undefined
}

function findShell(): readonly SandboxFile[] {
  const busybox = staticBusybox()
  if (busybox !== undefined) return [{ source: busybox, target: '/bin/sh' }]
  const source = realpathSync('/bin/sh')
  const files = new Map([['/bin/sh', source]])
  const open = [source]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const bytes = readFileSync(path)
    if (!isElf(bytes)) throw noShell(`'${path}' is not an ELF file of this machine`)
    const { interpreter, needed } = parseElf(bytes)
    // The interpreter is asked for by its very path, a library by that or by its name in the loader's directories.
    if (interpreter !== undefined) files.set(interpreter, realpathSync(interpreter))
    for (const name of needed) {
      const places = name.includes('/') ? [name] : LIBRARY_DIRECTORIES.map((directory) => `${directory}/${name}`)
      const found = places.find(isFile)
      if (found === undefined) throw noShell(`library '${name}' of '${path}' is not in the usual directories`)
      const target = found
      if (files.has(target)) continue
      files.set(target, realpathSync(found))
      open.push(realpathSync(found))
    }
  }
  return Array.from(files, ([target, from]) => ({ source: from, target }))
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function noShell(reason: string): UserError {
  return new UserError('NO_SANDBOX_SHELL', `cannot show a /bin/sh in the sandbox: ${reason}`, {
    hint: 'install a static busybox, or give the derivation a sandboxRoot',
  })
}

/** Where the loader looks without a cache, in the layouts of Debian and of everybody else. */
const LIBRARY_DIRECTORIES = [
  ...(process.arch === 'arm64'
    ? ['/lib/aarch64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
    : ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu']),
  ...['/lib64', '/usr/lib64', '/lib', '/usr/lib'],
]
