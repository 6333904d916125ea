/** Figures of releases: `bench-run-figures.ts WHAT WORK` prints one number and its unit. The packages are files alone. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { changeRelease, composeRelease, formatLock, type ReleasePlan, releaseRoots } from '@baryon/environment'
import { parseHash, parseStorePath, type StorePath } from '@baryon/format'
import { type NewPathInfo, openStore, type Store } from '@baryon/store'

const [what = '', given = ''] = process.argv.slice(2)
/** Each run fills its own. */
mkdirSync(given, { recursive: true })
const work = mkdtempSync(join(given, 'run-'))
const baryon = resolve(import.meta.dirname, '../bin/baryon')
const TAG = 'x86_64-bench1-gcc12-opt'
const figures: Record<string, () => string> = {
  shim,
  namespace,
  affected,
  task,
  environment: () => environment(usualFiles),
  flat: () => environment(flatFiles),
}

/** 100 packages; the store is where it says. */
function shim(): string {
  const store = openStore({ storeDirectory: join(work, 'store'), root: '/' })
  const { path } = composeRelease(store, planOf(store, 100, 5))
  const difference = compare([join(store.physicalPath(path), 'bin/run'), '/bin/true'], ['/bin/true'], 60)
  store.close()
  return `${difference.toFixed(1)} ms`
}

/** The second start of a release whose store is not where it says: from its launch file. */
function namespace(): string {
  const root = join(work, 'root')
  const storeDirectory = '/cvmfs/bench.example.org/nix/store'
  const store = openStore({ storeDirectory, root })
  const { path } = composeRelease(store, planOf(store, 100, 5))
  changeRelease(store, { name: 'Bench', version: '1.0' }, () => new Map([[TAG, path]]))
  store.close()
  process.env.BARYON_ROOT = root
  process.env.BARYON_STORE_DIR = storeDirectory
  const command = [baryon, 'run', '-c', TAG, 'Bench', '/bin/true']
  return `${compare(command, ['/bin/true'], 20).toFixed(1)} ms`
}

/** The second start of a task of a project with 100 packages: the whole process. */
function task(): string {
  const directory = project(100, (index) => [`bin/p${index}`, `bin/q${index}`])
  const times = Array.from({ length: 21 }, () => milliseconds([baryon, 'run', 'nothing'], directory))
  return `${median(times.slice(1)).toFixed(1)} ms`
}

/** From a lock, with all packages in the store, to the first command: the whole process, and what of it is one start of Node. */
function environment(files: (index: number) => readonly string[]): string {
  const directory = project(300, files)
  const times = Array.from({ length: 7 }, () => {
    for (const made of [join(directory, '.baryon'), join(work, 'root/launch')])
      rmSync(made, { recursive: true, force: true })
    return milliseconds([baryon, 'run', '--', '/bin/true'], directory)
  })
  const again = Array.from({ length: 7 }, () => {
    rmSync(join(work, 'root/launch'), { recursive: true, force: true })
    return milliseconds([baryon, 'run', '--', '/bin/true'], directory)
  })
  const links = readdirSync(join(directory, '.baryon', TAG), { recursive: true, withFileTypes: true })
  const count = links.filter((entry) => entry.isSymbolicLink()).length
  return `${(median(times) / 1000).toFixed(2)} s (${count} links; ${(median(again) / 1000).toFixed(2)} s when they are there)`
}

/** 334 files, most of them in directories of the package's own, as packages have them. */
function usualFiles(index: number): readonly string[] {
  const name = `p${index}`
  const many = (count: number, directory: string) => Array.from({ length: count }, (_, file) => `${directory}/f${file}`)
  return [
    `bin/${name}`,
    `bin/${name}-config`,
    ...['so', 'so.1', 'so.1.0', 'a'].map((end) => `lib/lib${name}.${end}`),
    `lib/pkgconfig/${name}.pc`,
    ...many(4, `lib/cmake/${name}`),
    ...many(30, `lib/python3.11/site-packages/${name}`),
    ...many(120, `include/${name}`),
    `include/${name}.h`,
    ...many(30, `share/doc/${name}`),
    ...many(140, `share/${name}`),
    `share/man/man1/${name}.1`,
  ]
}

/** As many, none of them in a directory of its own: the worst that packages can do. */
function flatFiles(index: number): readonly string[] {
  return ['bin', 'include', 'lib', 'share'].flatMap((directory) =>
    Array.from({ length: directory === 'bin' ? 1 : 111 }, (_, file) => `${directory}/p${index}-${file}`),
  )
}

/** A locked project whose store is not where it says; returns its directory. */
function project(packages: number, files: (index: number) => readonly string[]): string {
  const [root, storeDirectory] = [join(work, 'root'), '/cvmfs/bench.example.org/nix/store']
  const store = openStore({ storeDirectory, root })
  const infos = Array.from({ length: packages }, (_, index) => infoOf(store, index, `p${index}-1`, []))
  const made = new Set<string>()
  infos.forEach(({ path }, index) => {
    for (const file of files(index)) {
      const place = join(store.physicalPath(path), file)
      if (!made.has(dirname(place))) mkdirSync(dirname(place), { recursive: true })
      made.add(dirname(place))
      writeFileSync(place, '', { mode: 0o755 })
    }
  })
  store.registerValidPaths(infos)
  const directory = join(work, 'project')
  const names = infos.map((_, index) => `p${index}`)
  const locked = infos.map(({ path }, index) => {
    const out = store.format(path)
    return { attribute: names[index]!, name: names[index]!, version: '1', derivation: `${out}.drv`, outputs: { out } }
  })
  const lock = {
    format: 1,
    request: { packages: names, stack: 'default.nix' },
    storeDirectory,
    platforms: { [TAG]: { packages: locked } },
  } as const
  mkdirSync(directory)
  writeFileSync(join(directory, 'default.nix'), '{ }')
  const text = `stack = "default.nix"\npackages = ${JSON.stringify(names)}\n[tasks]\nnothing = ["/bin/true"]\n`
  writeFileSync(join(directory, 'baryon.toml'), `store-dir = "${storeDirectory}"\nplatform = "${TAG}"\n${text}`)
  writeFileSync(join(directory, 'baryon.lock'), formatLock(lock))
  store.close()
  process.env.BARYON_ROOT = root
  return directory
}

/** Ten generations of 300 packages; the releases have two platforms each. */
function affected(): string {
  const store = openStore({ storeDirectory: '/cvmfs/bench.example.org/nix/store', root: join(work, 'root') })
  const infos: NewPathInfo[] = []
  const add = (name: string, references: readonly StorePath[]): StorePath => {
    const info = infoOf(store, infos.length, name, references)
    infos.push(info)
    return info.path
  }
  const generations = Array.from({ length: 10 }, (_, generation) =>
    Array.from({ length: 300 }, (_, index) => add(`${index === 0 ? 'zlib' : `package${index}`}-1.${generation}`, [])),
  )
  for (let release = 0; release < 1000; release++) {
    const packages = generations[release % generations.length]!
    const platforms = ['dbg', 'opt'].map(
      (type) => [`x86_64-bench1-gcc12-${type}`, add(`R-${release}`, packages)] as const,
    )
    const index = add(
      `R-${release}-index`,
      platforms.map(([, path]) => path),
    )
    const link = join(releaseRoots(store), 'R', String(release))
    mkdirSync(store.physicalPath(index))
    for (const [tag, path] of platforms) symlinkSync(store.format(path), join(store.physicalPath(index), tag))
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(store.format(index), link)
  }
  store.registerValidPaths(infos)
  store.close()
  process.env.BARYON_ROOT = join(work, 'root')
  process.env.BARYON_STORE_DIR = store.storeDirectory
  const times = Array.from({ length: 7 }, () => milliseconds([baryon, 'release', 'affected', 'zlib < 1.3']))
  return `${(median(times) / 1000).toFixed(2)} s`
}

/** Packages of so many files in a directory that all of them have. Nothing is hashed: they are only looked at. */
function planOf(store: Store, packages: number, files: number): ReleasePlan {
  const infos = Array.from({ length: packages }, (_, index) => infoOf(store, index, `p${index}-1`, []))
  infos.forEach(({ path }, index) => {
    const directory = join(store.physicalPath(path), 'bin')
    mkdirSync(directory, { recursive: true })
    for (let file = 0; file < files; file++) writeFileSync(join(directory, `p${index}-${file}`), '', { mode: 0o755 })
  })
  store.registerValidPaths(infos)
  return {
    name: 'Bench',
    version: '1.0',
    platform: TAG,
    description: '',
    variables: {},
    tasks: {},
    packages: infos.map(({ path }, index) => {
      const paths = [store.format(path)]
      return { attribute: `p${index}`, name: `p${index}`, version: '1', derivation: '', paths }
    }),
  }
}

function infoOf(store: Store, number: number, name: string, references: readonly StorePath[]): NewPathInfo {
  const digest = String(number).padStart(32, '0')
  const path = parseStorePath(store.storeDirectory, `${store.storeDirectory}/${digest}-${name}`)
  return { path, narHash: parseHash(`sha256:${'0'.repeat(64)}`), narSize: 100, references }
}

/** Milliseconds that a start takes more than the other, each the median of runs in turn. */
function compare(first: readonly string[], second: readonly string[], runs: number): number {
  const times = [first, second].map(() => [] as number[])
  for (let run = -2; run < runs; run++) {
    ;[first, second].forEach((command, side) => {
      const time = milliseconds(command)
      if (run >= 0) times[side]!.push(time)
    })
  }
  return median(times[0]!) - median(times[1]!)
}

function milliseconds([program, ...words]: readonly string[], cwd = work): number {
  const start = performance.now()
  const result = spawnSync(program!, words, { encoding: 'utf8', cwd })
  if (result.status !== 0) throw new Error(`${program} ${words.join(' ')}: ${result.stderr}`)
  return performance.now() - start
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1]!
}

const figure = figures[what]
if (figure === undefined) throw new Error(`no figure '${what}'`)
mkdirSync(work, { recursive: true })
console.log(figure())
