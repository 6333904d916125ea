/**
 * Nix's own locks (flock): the lock belongs to the open file, and falls with our process. Where Node can call the C library
 * (`node:ffi`, from Node 26 on) that is done; elsewhere flock(1) of util-linux locks a descriptor that it inherits, and the
 * lock stays ours when the command has ended.
 *
 * Only processes of Nix itself need it: ours understand each other without. Where neither is there, a garbage
 * collection by Nix during our work does not see our temporary roots.
 *
 * Here and elsewhere in the store, modules of Node that take long to load (child_process, net and zlib: as long as dumping
 * 5,000 files) are loaded where they are used: most commands never do.
 */
/** `unavailable` when there is no way to it. The command takes 3 to 20 ms per call. */
export function flockDescriptor(fd: number, options: { readonly wait: boolean }): 'locked' | 'busy' | 'unavailable' {
  flock ??= openFlock()
  // Why a call failed is not told: the command knows.
  if (flock(fd, EXCLUSIVE | (options.wait ? 0 : NOT_WAITING)) === 0) return 'locked'
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const result = spawnSync('flock', [...(options.wait ? [] : ['-n']), '-x', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
  })
  if (result.error !== undefined) return 'unavailable'
  return result.status === 0 ? 'locked' : result.status === 1 ? 'busy' : 'unavailable'
}

const EXCLUSIVE = 2
const NOT_WAITING = 4

let flock: ((fd: number, operation: number) => unknown) | undefined

function openFlock(): (fd: number, operation: number) => unknown {
  try {
    const ffi = process.getBuiltinModule('node:ffi') as typeof import('node:ffi') | undefined
    const library = ffi?.dlopen(null, { flock: { arguments: ['i32', 'i32'], return: 'i32' } })
    return library?.functions.flock ?? (() => -1)
  } catch {
    // Switched off, or no such library.
    return () => -1
  }
}
