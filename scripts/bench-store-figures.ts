/** Figures of the store without a peer: `bench-store-figures.ts WHAT WORK` prints one number and its unit. */
import { closeSync, mkdirSync, openSync, readdirSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { planRealise } from '@baryon/build'
import {
  createDerivationHasher,
  type Derivation,
  encodeNix32,
  fillOutputPaths,
  hashBytes,
  parseStorePath,
  type StorePath,
} from '@baryon/format'
import { createReferenceScanner, openStore, type Store, scanForReferences } from '@baryon/store'
import { generator, LARGE } from './bench-store.ts'

const [what = '', work = ''] = process.argv.slice(2)
const figures: Record<string, () => string | Promise<string>> = {
  scan,
  'scan-and-hash': scanAndHash,
  plan,
  'plan-one': planOne,
  'path-info': pathInfo,
  dead,
}

/**
 * The scanner alone, over bytes that are in memory. They lie in one buffer that is used again, as where files are streamed:
 * the first touch of a fresh page costs more than the scan of it, in a virtual machine a hundred times more.
 */
function scan(): string {
  const scanner = createReferenceScanner(candidates(), () => {})
  const buffer = Buffer.alloc(PIECE)
  let seconds = 0
  let bytes = 0
  for (const name of readdirSync(join(work, LARGE))) {
    const descriptor = openSync(join(work, LARGE, name), 'r')
    scanner.begin()
    for (let count = 0; (count = readSync(descriptor, buffer)) > 0; bytes += count) {
      seconds += processorSeconds(() => {
        for (let start = 0; start < count; start += CHUNK) {
          scanner.write(buffer.subarray(start, Math.min(count, start + CHUNK)))
        }
      })
    }
    closeSync(descriptor)
  }
  return `${(bytes / seconds / 1e9).toFixed(2)} GB/s`
}

const CHUNK = 1 << 18
const PIECE = 1 << 25

/** Of this process: what others do on the machine does not count. */
function processorSeconds(action: () => void): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

function scanAndHash(): string {
  const begin = performance.now()
  const { size } = scanForReferences(join(work, LARGE), candidates())
  return `${(size / 1e6 / (performance.now() - begin)).toFixed(2)} GB/s`
}

function candidates(): string[] {
  return Array.from({ length: 500 }, (_, index) => digest(`candidate ${index}`))
}

/** Five thousand derivations in layers of a hundred, each with three inputs of the layer below. */
async function plan(): Promise<string> {
  const { store, tops } = await prepared('planned', (store) => {
    let below: StorePath[] = []
    for (let layer = 0; layer < 50; layer++) {
      below = Array.from({ length: 100 }, (_, index) =>
        addDerivation(
          store,
          `layer-${layer}-${index}`,
          [0, 1, 2].flatMap((step) => below[(index + step) % 100] ?? []),
        ),
      )
      registerOutputs(store, below)
      all.push(...below)
    }
  })
  return timed(async () => {
    await planRealise(
      store,
      tops.map((derivation) => ({ derivation, outputs: 'all' as const })),
    )
  })
}

const all: StorePath[] = []

/** A store of 100,000 paths: 10,000 derivations, their outputs, and 80,000 sources. */
function hundredThousand(): Promise<Prepared> {
  return prepared('hundred-thousand', (store) => {
    const derivations = Array.from({ length: 10_000 }, (_, index) => addDerivation(store, `one-${index}`, []))
    registerOutputs(store, derivations)
    const random = generator(7)
    const sources = Array.from({ length: 80_000 }, (_, index) => ({
      digest: digest(`source ${index}`),
      name: `source-${index}`,
    }))
    for (const path of sources) writeFileSync(store.physicalPath(path), '')
    store.registerValidPaths(
      sources.map((path, index) => ({
        path,
        narHash: hashBytes('sha256', ''),
        narSize: 112,
        references: index === 0 ? [] : [sources[random() % index]!],
      })),
    )
    all.push(...derivations.slice(0, 10), ...sources.slice(-10))
  })
}

async function planOne(): Promise<string> {
  const { store, tops } = await hundredThousand()
  return timed(async () => {
    await planRealise(store, [{ derivation: tops[0]!, outputs: 'all' }])
  })
}

async function pathInfo(): Promise<string> {
  const { store, tops } = await hundredThousand()
  return timed(() => {
    for (const path of tops) store.pathInfo(path)
  })
}

async function dead(): Promise<string> {
  const { store } = await hundredThousand()
  return timed(() => {
    store.collectGarbage({ dryRun: true })
  })
}

interface Prepared {
  readonly store: Store
  readonly tops: readonly StorePath[]
}

/** Makes a store once for all runs, then opens it as a command would. */
async function prepared(name: string, make: (store: Store) => void): Promise<Prepared> {
  const options = { root: join(work, name), storeDirectory: '/nix/store' }
  const list = join(work, `${name}.json`)
  if (!readdirSync(work).includes(`${name}.json`)) {
    mkdirSync(options.root)
    const store = openStore(options)
    make(store)
    store.close()
    writeFileSync(list, JSON.stringify(all.map((path) => store.format(path))))
  }
  const store = openStore(options)
  const { default: texts } = (await import(list, { with: { type: 'json' } })) as { readonly default: readonly string[] }
  return { store, tops: texts.map((text) => parseStorePath(store.storeDirectory, text)) }
}

function addDerivation(store: Store, name: string, inputs: readonly StorePath[]): StorePath {
  batch ??= store.startBatch()
  const bare: Derivation = {
    outputs: new Map([['out', { path: '', hashAlgo: '', hash: '' }]]),
    inputDerivations: new Map(inputs.map((path) => [store.format(path), ['out']])),
    inputSources: [],
    system: 'x86_64-linux',
    builder: '/bin/sh',
    args: ['-c', 'echo > $out'],
    env: new Map(Object.entries({ name, builder: '/bin/sh', system: 'x86_64-linux', out: '' })),
  }
  hasher ??= createDerivationHasher((path) => store.readDerivation(store.parse(path)))
  return store.writeDerivation(fillOutputPaths(store.storeDirectory, name, bare, hasher).derivation, name)
}

let batch: ReturnType<Store['startBatch']> | undefined
let hasher: ReturnType<typeof createDerivationHasher> | undefined

function registerOutputs(store: Store, derivations: readonly StorePath[]): void {
  batch?.commit()
  batch = undefined
  store.registerValidPaths(
    derivations.map((deriver) => {
      const path = store.parse(store.readDerivation(deriver).outputs.get('out')!.path)
      writeFileSync(store.physicalPath(path), '')
      return { path, narHash: hashBytes('sha256', ''), narSize: 112, references: [], deriver }
    }),
  )
}

function digest(text: string): string {
  return encodeNix32(hashBytes('sha256', text).bytes.subarray(0, 20))
}

async function timed(action: () => void | Promise<void>): Promise<string> {
  const begin = performance.now()
  const before = process.cpuUsage()
  await action()
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - begin) / 1000
  return `${seconds.toFixed(3)} s (CPU ${((user + system) / 1e6).toFixed(3)} s)`
}

// Last: the variables above must be there.
console.log(await figures[what]!())
