import { accessSync, closeSync, constants, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { formatMountLaunch, type MountLaunch, prepareRootTable, type RootTable } from '@baryon/environment'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import { serveRepository } from '@baryon/mount'
import type { Context, Outcome } from '../command.ts'
import { mountTier } from '../mount-tier.ts'
import { UsageError } from '../parse-arguments.ts'
import { replaceProcess } from '../replace-process.ts'
import { nameRepository } from '../repository-access.ts'

/** Twice: at first without the hidden option, then, in the namespace that this starts, as the server of the mount. */
export async function run(context: Context): Promise<Outcome> {
  const [name = '', mountPoint = ''] = context.arguments.operands
  const descriptor = context.arguments.number('descriptor')
  if (mountPoint === '') throw new UsageError('the mount point is empty')
  if (descriptor === undefined) return { status: start(context, name, resolve(mountPoint)) }
  return serve(context, name, resolve(mountPoint), descriptor)
}

async function serve(context: Context, name: string, mountPoint: string, descriptor: number): Promise<Outcome> {
  const quota = (context.arguments.number('quota') ?? QUOTA) * 1e6
  const die = (): void => void process.kill(process.pid, 'SIGKILL')
  let isShown = false
  await serveRepository({
    ...nameRepository(context, name, { isPipelined: true }),
    descriptor,
    quota,
    ttl: context.arguments.number('ttl'),
    record: recordFile(context),
    prefetch: prefetchOf(context, mountPoint),
    owner: isNamespaceOfUsers() ? { uid: process.getuid!(), gid: process.getgid!() } : undefined,
    onReady: () => {
      isShown = true
      // The thread that waits in the kernel ends by nothing else, and who uses the mount would wait for ever.
      process.on('uncaughtException', die)
      writeSync(1, 'ready')
      // Whoever reads our output and errors is not to wait for the server.
      for (const stream of [1, 2]) {
        closeSync(stream)
        openSync('/dev/null', 'w')
      }
    },
  }).catch((error: unknown) => {
    if (isShown) die()
    throw error
  })
  return {}
}

function recordFile({ arguments: given }: Context): string | undefined {
  const file = given.value('record')
  if (file === undefined) return undefined
  try {
    writeFileSync(file, '')
    return resolve(file)
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EROFS', 'ENOSPC', 'EDQUOT')) throw cause
    throw new UserError('MOUNT_TRACE', `no trace can be written to '${file}' (${cause.code})`, { cause })
  }
}

/** The bytes of a trace, or the path of one in the repository itself. */
function prefetchOf({ arguments: given }: Context, mountPoint: string): Uint8Array | string | undefined {
  const file = given.value('prefetch')
  if (file === undefined) return undefined
  if (file.startsWith(`${mountPoint}/`)) return file.slice(mountPoint.length)
  try {
    return readFileSync(file)
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw cause
    throw new UserError('MOUNT_TRACE', `the trace '${file}' cannot be read (${cause.code})`, { cause })
  }
}

/** Megabytes, as the real client has it. */
const QUOTA = 4000

function start(context: Context, name: string, mountPoint: string): number {
  // What is wrong in them is said before anything is started.
  const { cacheDirectory } = nameRepository(context, name)
  const tier = mountTier()
  const launch: MountLaunch = {
    mountPoint,
    tier,
    rootTable: prepareMountPoint(mountPoint, join(dirname(cacheDirectory), 'roots')),
    server: serverWords(context, name, mountPoint),
    serverVariables: compileCache(),
    uid: tier.command.includes('--map-root-user') ? 0 : process.getuid!(),
    gid: tier.command.includes('--map-root-user') ? 0 : process.getgid!(),
  }
  const [program, ...words] = tier.command
  const command = context.arguments.command ?? []
  const wanted = command.length > 0 ? command : [process.env.SHELL || '/bin/sh']
  return replaceProcess(program!, [program!, ...words, '/bin/sh', '-c', formatMountLaunch(launch), 'baryon', ...wanted])
}

/** Only in a directory of the user's own it is made; elsewhere the namespace shows it. */
function prepareMountPoint(mountPoint: string, roots: string): RootTable | undefined {
  // Who runs has the directory that would be covered as its root, and sees nothing of the mount.
  if (mountPoint === '/') throw new UsageError('nothing can be mounted at /')
  const status = statSync(mountPoint, { throwIfNoEntry: false })
  if (status?.isDirectory()) return undefined
  if (status !== undefined) throw new UsageError(`the mount point '${mountPoint}' is no directory`)
  let above = dirname(mountPoint)
  while (!statSync(above, { throwIfNoEntry: false })) above = dirname(above)
  if (above !== '/' && isWritable(above)) {
    makeDirectories(mountPoint)
    return undefined
  }
  return prepareRootTable(roots, mountPoint, undefined)
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'EROFS')) return false
    throw error
  }
}

function serverWords({ arguments: given, json, command }: Context, name: string, mountPoint: string): string[] {
  const words = command.options.flatMap((option) =>
    option.values?.length === 1 ? given.values(option.name).flatMap((value) => [`--${option.name}`, value]) : [],
  )
  const [entry = ''] = process.argv.slice(1)
  const start = [process.execPath, ...process.execArgv, entry, 'baryon', 'repository', 'mount']
  return [...start, ...(json ? ['--json'] : []), ...words, '--descriptor', '3', name, mountPoint]
}

function compileCache(): Record<string, string> {
  const directory = getCompileCacheDir()
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) }
}

/** Where only some users have names, all files are shown as the user's, as the real client does. */
function isNamespaceOfUsers(): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
}
