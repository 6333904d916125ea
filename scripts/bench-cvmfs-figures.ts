/** Figures of CVMFS repositories: `bench-cvmfs-figures.ts WHAT WORK` prints one number and its unit, and what goes with it. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Change,
  compareRevisions,
  createRepository,
  directoryStorage,
  formatContentHash,
  openPreparedCatalogs,
  openRepository,
  type PublishOptions,
  publish,
  readKeys,
} from '@baryon/cvmfs'
import { openStore } from '@baryon/store'
import { BIG, FILES, STORE_PATH, TEMPLATE } from './bench-cvmfs.ts'
import { LARGE } from './bench-store.ts'

const NAME = 'bench.example.org'
const [what = '', work = ''] = process.argv.slice(2)
const scratch = mkdtempSync(join(work, 'cvmfs-run-'))
const figures: Record<string, () => Promise<string>> = {
  files: async () => `${await published(FILES)}; the real tool: 8.9 s, CPU 11.4`,
  gigabyte: async () => `${await published(LARGE)}; the real tool: 28.5 s, CPU 34`,
  'files-real': () => publishedByRealTool(FILES),
  'gigabyte-real': () => publishedByRealTool(LARGE),
  'add-to-empty': async () => addTo(await create(scratch), 'added'),
  'add-to-big': async () => addTo(await bigRepository(), `added-${process.pid}`),
  there: async () => {
    const repository = await bigRepository()
    await addTo(repository, 'again')
    return addTo(repository, 'again')
  },
  again: async () => {
    const place = await create(scratch)
    const first = await publishPrepared(place)
    await publish({ ...options(place), base: 'trunk-previous' }, [])
    return `${await publishPrepared(place)}; the first time ${first}`
  },
  second: async () => {
    await publishPrepared(await create(scratch))
    return publishPrepared(await create(join(scratch, 'second')))
  },
  closure,
  diff,
  'make-big': makeBig,
}
try {
  console.log(await figures[what]!())
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

interface Place {
  readonly directory: string
  readonly keys: string
}

async function create(directory: string): Promise<Place> {
  const place = { directory: join(directory, 'repository'), keys: join(directory, 'keys') }
  if (!existsSync(join(place.directory, '.cvmfspublished'))) {
    mkdirSync(directory, { recursive: true })
    await createRepository({ name: NAME, directory: place.directory, keyDirectory: place.keys })
  }
  return place
}

function options({ directory, keys }: Place) {
  const { publicKey, privateKey } = readKeys(NAME, keys)
  const cacheDirectory = join(scratch, 'cache')
  return { storage: directoryStorage(directory), publicKeys: [publicKey], privateKey, cacheDirectory }
}

async function published(tree: string): Promise<string> {
  const place = await create(scratch)
  return measured(place, [{ kind: 'tree', at: '/tree', from: join(work, tree) }])
}

/** The same by `cvmfs_swissknife sync`, with the options of `cvmfs_server publish`; what it wants below `/var/spool` goes nowhere. */
async function publishedByRealTool(tree: string): Promise<string> {
  const { directory, keys } = await create(scratch)
  const [union, below] = [join(scratch, 'union'), join(scratch, 'below')]
  for (const place of [join(union, 'tree'), below]) mkdirSync(place, { recursive: true })
  const repository = await openRepository({ source: directoryStorage(directory), ...readers(keys) })
  const command = [
    ...['bwrap', '--dev-bind', '/', '/', '--tmpfs', '/var/spool', '--dir', `/var/spool/cvmfs/${NAME}`],
    ...['--bind', join(work, tree), join(union, 'tree'), process.env.CVMFS_SWISSKNIFE!, 'sync', '-u', union],
    ...['-s', union, '-c', below, '-t', scratch, '-b', formatContentHash(repository.manifest.rootCatalog)],
    ...['-r', `local,${directory}/data/txn,${directory}`, '-w', `file://${directory}`, '-o', join(scratch, 'manifest')],
    ...['-e', 'sha1', '-Z', 'default', '-N', NAME, '-K', join(keys, `${NAME}.pub`), '-f', 'aufs'],
    ...['-p', '-l', '4194304', '-a', '8388608', '-h', '16777216'],
  ]
  const measure = `
import resource, subprocess, sys, time
begin = time.time()
result = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
seconds = time.time() - begin
if result.returncode != 0: sys.exit(result.stderr.decode())
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("%.2f s, CPU %.2f, %d MiB" % (seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))`
  const { status, stdout, stderr } = spawnSync('python3', ['-c', measure, ...command], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

function readers(keys: string) {
  return { publicKeys: [readKeys(NAME, keys).publicKey], cacheDirectory: join(scratch, 'cache') }
}

function addTo(place: Place, name: string): Promise<string> {
  const from = join(work, STORE_PATH)
  return measured(place, [
    { kind: 'catalog', at: '/nix/store' },
    { kind: 'tree', at: `/nix/store/${name}`, from, isNested: true, isImmutable: true },
  ])
}

/** As the command publishes a store path. */
function publishPrepared(place: Place): Promise<string> {
  const tree = { kind: 'tree', at: '/nix/store/prepared', from: join(work, STORE_PATH) } as const
  return measured(
    place,
    [
      { kind: 'catalog', at: '/nix/store' },
      { ...tree, isNested: true, isImmutable: true, contents: () => STORE_PATH },
    ],
    { owner: { uid: 0, gid: 0 }, preparedCatalogs: openPreparedCatalogs(join(scratch, 'prepared')) },
  )
}

async function measured(
  place: Place,
  changes: readonly Change[],
  more: Pick<PublishOptions, 'owner' | 'preparedCatalogs'> = {},
): Promise<string> {
  const [begin, cpu] = [performance.now(), process.cpuUsage()]
  const { catalogs } = await publish({ ...options(place), ...more }, changes)
  const { user, system } = process.cpuUsage(cpu)
  const seconds = ((performance.now() - begin) / 1000).toFixed(2)
  const memory = Math.round(process.resourceUsage().maxRSS / 1024)
  return `${seconds} s, CPU ${((user + system) / 1e6).toFixed(2)}, ${catalogs} catalogs, ${memory} MiB`
}

/** A million entries; made once, in a process of its own, whose memory does not count. */
async function bigRepository(): Promise<Place> {
  const directory = join(work, 'cvmfs-big')
  const place = { directory: join(directory, 'repository'), keys: join(directory, 'keys') }
  if (!existsSync(join(directory, 'done'))) {
    const made = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, 'make-big', work], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (made.status !== 0) throw new Error('the large repository could not be made')
  }
  return place
}

async function makeBig(): Promise<string> {
  const directory = join(work, 'cvmfs-big')
  const place = await create(directory)
  const from = join(work, TEMPLATE)
  for (let first = 0; first < BIG.catalogs; first += 100) {
    const trees = Array.from({ length: 100 }, (_, index): Change => {
      return { kind: 'tree', at: `/nix/store/path-${first + index}`, from, isNested: true }
    })
    await publish(options(place), [{ kind: 'catalog', at: '/nix/store' }, ...trees])
  }
  writeFileSync(join(directory, 'done'), '')
  return 'made'
}

async function closure(): Promise<string> {
  const storeDirectory = `/cvmfs/${NAME}/nix/store`
  const store = openStore({ root: scratch, storeDirectory })
  const batch = store.startBatch()
  let references = [] as ReturnType<typeof store.addText>[]
  for (let index = 0; index < 1000; index++) {
    references = [store.addText(`text-${index}`, `text ${index}`, references), ...references].slice(0, 8)
  }
  batch.commit()
  store.close()
  const place = await create(scratch)
  const baryon = join(import.meta.dirname, '../bin/baryon')
  const words = ['repository', 'publish', place.directory, '--keys', place.keys, '--root', scratch]
  const run = (): number => {
    const begin = performance.now()
    const path = `${storeDirectory}/${references[0]!.digest}-${references[0]!.name}`
    const { status, stderr } = spawnSync(baryon, [...words, path, '--store-dir', storeDirectory], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return (performance.now() - begin) / 1000
  }
  const first = run()
  const times = [run(), run(), run()].sort((a, b) => a - b)
  return `${times[1]!.toFixed(2)} s for 1,000 paths; the first time ${first.toFixed(2)} s`
}

/** Of a path that was added to the large repository. */
async function diff(): Promise<string> {
  const place = await bigRepository()
  await addTo(place, `compared-${process.pid}`)
  const { storage, publicKeys } = options(place)
  const cacheDirectory = join(scratch, 'other-cache')
  const repository = await openRepository({ source: storage, publicKeys, cacheDirectory })
  const begin = performance.now()
  const [before, after] = [await repository.revision('trunk-previous'), await repository.revision()]
  let count = 0
  for await (const _ of compareRevisions(before, after)) count++
  return `${((performance.now() - begin) / 1000).toFixed(2)} s for ${count} differences`
}
