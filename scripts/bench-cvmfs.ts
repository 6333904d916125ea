/**
 * The rows of publishing to CVMFS. The real tools are in no Debian: what they took on two shared cores is printed beside, and how
 * fast the zlib that they use is here, to compare machines by (39 MB/s there). With `CVMFS_SWISSKNIFE` set they have rows of their own.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from './bench.ts'
import { generator, LARGE, makeTrees } from './bench-store.ts'

export const FILES = 'cvmfs-files'
export const STORE_PATH = 'cvmfs-store-path'
export const TEMPLATE = 'cvmfs-template'
/** Nested catalogs of the large repository, and entries of each. */
export const BIG = { catalogs: 2000, files: 100, links: 400 }

export function cvmfsRows(root: string, work: string): readonly Row[] {
  makeTrees(work)
  makeFiles(work)
  const row = (name: string, what: string): Row => ({
    name,
    figure: [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      join(root, 'scripts/bench-cvmfs-figures.ts'),
      what,
      work,
    ],
  })
  const zlib = `
import sys, time, zlib
data = open(sys.argv[1], "rb").read(1 << 26)
begin = time.process_time()
zlib.compress(data, 6)
print("%.0f MB/s" % (len(data) / (time.process_time() - begin) / 1e6))`
  const hasRealTool = process.env.CVMFS_SWISSKNIFE !== undefined
  return [
    { name: 'stock zlib, one core', figure: ['python3', '-c', zlib, join(work, LARGE, 'file-0')] },
    row('publish 20,000 files', 'files'),
    ...(hasRealTool ? [row('  the real tool', 'files-real')] : []),
    row('publish 1 GiB', 'gigabyte'),
    ...(hasRealTool ? [row('  the real tool', 'gigabyte-real')] : []),
    row('add a path of 5,000 files', 'add-to-empty'),
    row('  to 1,000,000 entries', 'add-to-big'),
    row('  that is there already', 'there'),
    row('  again after a rollback', 'again'),
    row('  to a second repository', 'second'),
    row('closure that is there, CLI', 'closure'),
    row('diff of two revisions', 'diff'),
  ]
}

/** 330 MB in 20,000 files of machine code, text and noise; a store path of 5,000 small files; what the large repository is made of. */
function makeFiles(work: string): void {
  const random = generator(7)
  const read = (name: string, bytes: number) =>
    spawnSync('head', ['-c', String(bytes), join(work, LARGE, name)], { maxBuffer: 1 << 30 }).stdout
  const sources = [read('file-0', 1 << 26), read('file-4', 1 << 20), read('file-6', 1 << 22)]
  const write = (tree: string, files: number, perDirectory: number, most: number): void => {
    for (let index = 0; index < files; index++) {
      const directory = join(work, tree, `d${Math.floor(index / perDirectory)}`)
      if (index % perDirectory === 0) mkdirSync(directory, { recursive: true })
      const source = sources[[0, 0, 1, 2][index % 4]!]!
      const size = random() % most
      const start = random() % (source.length - size)
      writeFileSync(join(directory, `f${index}`), source.subarray(start, start + size))
    }
  }
  write(FILES, 20_000, 100, 33_000)
  write(STORE_PATH, 5000, 50, 4000)
  write(TEMPLATE, BIG.files, BIG.files, 2000)
  const links = join(work, TEMPLATE, 'links')
  mkdirSync(links)
  const made = spawnSync('sh', [
    '-c',
    'for i in $(seq "$2"); do ln -s "../d0/f$i" "$1/l$i"; done',
    'sh',
    links,
    String(BIG.links),
  ])
  if (made.status !== 0) throw new Error(made.stderr.toString())
}
