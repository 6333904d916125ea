/** The rows of binary caches: a closure of 1 GiB and one of 20,000 files into a cache in a directory and back, against `nix copy`. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Row } from './bench.ts'
import { LARGE, MANY, makeTrees } from './bench-store.ts'

export function cacheRows(root: string, work: string, environment: NodeJS.ProcessEnv): readonly Row[] {
  makeTrees(work)
  const baryon = join(root, 'bin/baryon')
  const nix = ['nix', '--extra-experimental-features', 'nix-command']
  const cache = join(work, 'cache')
  const other = join(work, 'other')
  const run = (command: readonly string[]): string => {
    const result = spawnSync(command[0]!, command.slice(1), { env: environment, encoding: 'utf8' })
    if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`)
    return result.stdout.trim()
  }
  const remove = (...directories: string[]): void => {
    run(['sh', '-c', 'for d; do [ ! -e "$d" ] || { chmod -R u+w "$d"; rm -rf "$d"; }; done', 'sh', ...directories])
  }
  // Both read the same store, which the peer made: ROOT + store directory is where ours looks for it.
  const origin = join(work, 'origin')
  const storeDirectory = '/nix/store'
  const local = (place: string): string => `local?root=${place}`
  const ours = (place: string, ...words: string[]): string[] => [
    baryon,
    ...words,
    '--root',
    place,
    '--store-dir',
    storeDirectory,
  ]
  environment.NIX_STORE_DIR = storeDirectory
  environment.XDG_CACHE_HOME = work
  const rows: Row[] = []
  for (const tree of [LARGE, MANY]) {
    const path = run([...nix, 'store', 'add-path', '--store', local(origin), join(work, tree)])
    for (const compression of ['none', 'zstd']) {
      const url = `file://${cache}?compression=${compression}`
      rows.push({
        name: `push ${tree}, ${compression}`,
        ours: ours(origin, 'cache', 'push', url, path),
        peer: [...nix, 'copy', '--store', local(origin), '--to', url, path],
        before: () => remove(cache),
      })
      let isFilled = false
      rows.push({
        name: `pull ${tree}, ${compression}`,
        ours: ours(other, 'cache', 'pull', url, path, '--no-check-sigs'),
        peer: [...nix, 'copy', '--no-check-sigs', '--from', url, '--to', local(other), path],
        before: () => {
          if (!isFilled) {
            remove(cache)
            run([...nix, 'copy', '--store', local(origin), '--to', url, path])
            isFilled = true
          }
          remove(other)
        },
      })
    }
  }
  return rows
}
