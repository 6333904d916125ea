/**
 * The rows of the cache server. Each is a figure, once of `baryon cache serve` and once of nginx that serves the same
 * bytes from files: Debian has no cache server for Nix, and nothing static is faster.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '@baryon/store'
import type { Row } from './bench.ts'

export const SERVED = { storeDirectory: '/cvmfs/bench.example.org/nix/store', texts: 1000, files: 20_000 }

export function serverRows(root: string, work: string): readonly Row[] {
  for (const program of ['wrk', 'nginx', 'curl', 'taskset']) {
    if (spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status !== 0)
      throw new Error(`${program} is missing; install: wrk nginx-light curl util-linux`)
  }
  populate(join(work, 'served'))
  const row = (name: string, what: string, side: 'ours' | 'nginx'): Row => ({
    name: side === 'ours' ? name : '  nginx, from a file',
    figure: [process.execPath, join(root, 'scripts/bench-server-figures.ts'), what, side, join(work, 'served')],
  })
  const both = (name: string, what: string) => [row(name, what, 'ours'), row(name, what, 'nginx')]
  return [
    ...both('narinfo, one core, by wrk', 'narinfo'),
    ...both('narinfo, CPU of the server', 'narinfo-cpu'),
    ...both('NAR of 1 GiB', 'nar'),
    ...both('NAR of 1 GiB, server CPU', 'nar-cpu'),
    row('NAR of 1 GiB, zstd', 'nar-zstd', 'ours'),
    row('NAR of 20,000 files', 'nar-many', 'ours'),
  ]
}

/** A store with many small paths that refer to each other, a large file, and a tree of small files. */
function populate(root: string): void {
  mkdirSync(root)
  const store = openStore({ root, storeDirectory: SERVED.storeDirectory })
  const batch = store.startBatch()
  let references = [] as ReturnType<typeof store.addText>[]
  const texts = Array.from({ length: SERVED.texts }, (_, index) => {
    const path = store.addText(`text-${index}`, `text ${index}`, references)
    references = [path, ...references].slice(0, 8)
    return path.digest
  })
  batch.commit()
  const source = join(root, 'source')
  mkdirSync(source)
  // Half random, half not: what compresses as programs do.
  const chunk = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at & 64 ? Math.random() * 256 : at & 15)))
  const fd = openSync(join(source, 'large'), 'w')
  for (let index = 0; index < 1024; index++) writeSync(fd, chunk)
  for (let index = 0; index < SERVED.files; index++) {
    const directory = join(source, 'many', String(index % 100))
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, String(index)), chunk.subarray(index, index + 4000))
  }
  const large = store.addPath('large', join(source, 'large'))
  const many = store.addPath('many', join(source, 'many'))
  store.close()
  const paths = { texts, large: large.digest, many: many.digest, largeFile: store.physicalPath(large) }
  writeFileSync(join(root, 'paths.json'), JSON.stringify(paths))
}
