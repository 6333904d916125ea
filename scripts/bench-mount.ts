/**
 * The rows of `baryon repository mount`. The real client is in no archive of Debian: beside each figure stands that of the same
 * program on the same files without a mount, which says what the machine can do at that moment.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from './bench.ts'

export const MOUNTED = { name: 'bench.example.org', directories: 200, files: 100, large: 256 * 1024 * 1024 }

export function mountRows(root: string, work: string): readonly Row[] {
  if (spawnSync('sh', ['-c', 'command -v nginx']).status !== 0)
    throw new Error('nginx is missing; install: nginx-light')
  const place = join(work, 'mounted')
  populate(root, place)
  const row = (name: string, what: string, where: 'mount' | 'plain'): Row => ({
    name: where === 'mount' ? name : '  from memory, no mount',
    figure: [process.execPath, join(root, 'scripts/bench-mount-figures.ts'), what, where, place],
  })
  const both = (name: string, what: string) => [row(name, what, 'mount'), row(name, what, 'plain')]
  return [
    ...both('cold read of 20,000 files', 'cold'),
    row('the same, CPU of the client', 'cold-cpu', 'mount'),
    ...both('warm read of 20,000 files', 'warm'),
    ...both('warm lstat', 'stat'),
    row('lookups that the client answers', 'lookup', 'mount'),
    ...both('256 MB, from the cache', 'large'),
  ]
}

/** Files of a few kilobytes, a third of each random, and a large one; published. */
function populate(root: string, place: string): void {
  const tree = join(place, 'tree')
  const chunk = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at % 3 === 0 ? Math.random() * 256 : at & 15)))
  for (let directory = 0; directory < MOUNTED.directories; directory++) {
    const path = join(tree, `directory-${directory}`)
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < MOUNTED.files; file++) {
      const start = directory * MOUNTED.files + file
      // 1 to 64 kB, 12 on average.
      writeFileSync(
        join(path, `file-${file}`),
        chunk.subarray(start, start + 1000 * Math.ceil(64 / (1 + ((file * 7) % 64)) + 7)),
      )
    }
  }
  writeFileSync(join(tree, 'large'), Buffer.alloc(MOUNTED.large, chunk))
  const repository = join(place, 'repository')
  const home = join(place, 'home')
  mkdirSync(home)
  const baryon = (...words: readonly string[]): void => {
    const result = spawnSync(join(root, 'bin/baryon'), ['repository', ...words], {
      encoding: 'utf8',
      env: { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, 'publisher') },
    })
    if (result.status !== 0) throw new Error(result.stderr)
  }
  baryon('create', MOUNTED.name, '--dir', repository)
  baryon('publish', repository, '--tree', tree, '--at', '/tree')
}
