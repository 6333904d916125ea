/**
 * Nix's own locks (flock) through flock(1) of util-linux, which locks a descriptor that it inherits: the lock belongs to
 * the open file, so it stays ours when the command has ended, and falls with our process.
 *
 * Only processes of Nix itself need it: ours understand each other without. Where the command is missing, a garbage
 * collection by Nix during our work does not see our temporary roots.
 *
 * Here and elsewhere in the store, modules of Node that take long to load (child_process, net and zlib: as long as dumping
 * 5,000 files) are loaded where they are used: most commands never do.
 */
/** `unavailable` when there is no flock(1). 3 ms per call. */
export function flockDescriptor(fd: number, options: { readonly wait: boolean }): 'locked' | 'busy' | 'unavailable' {
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const result = spawnSync('flock', [...(options.wait ? [] : ['-n']), '-x', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
  })
  if (result.error !== undefined) return 'unavailable'
  return result.status === 0 ? 'locked' : result.status === 1 ? 'busy' : 'unavailable'
}
