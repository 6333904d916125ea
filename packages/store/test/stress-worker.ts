/**
 * A process that works on a store in place for some seconds, for the stress test:
 *
 *     stress-worker.ts DIRECTORY build SEED SECONDS      adds texts, trees and outputs, some of them with a permanent root
 *     stress-worker.ts DIRECTORY use SEED SECONDS        takes what it finds, reads it, keeps only a file of it open
 *     stress-worker.ts DIRECTORY collect SEED SECONDS    collects garbage
 *
 * Each checks all the time that nothing goes which it has a right to, and prints at the end what it did, as JSON.
 */
import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashesEqual, type StorePath } from '@baryon/format'
import { hashPath, openStore, removeTree, type Store } from '@baryon/store'
import { writeTree } from '@baryon/testing'

export interface StressReport {
  readonly rounds: number
  /** Full paths that have a permanent root. */
  readonly rooted: readonly string[]
  readonly deleted: number
}

const [directory = '', role = '', seed = '', seconds = ''] = process.argv.slice(2)
const end = Date.now() + Number(seconds) * 1000
const random = generator(Number(seed))
/** However slow the machine is. */
const LEAST_ROUNDS = 3
const roles: Readonly<Record<string, () => Promise<StressReport>>> = { build, use, collect }

const report = await roles[role]!()
process.stdout.write(JSON.stringify(report))

async function build(): Promise<StressReport> {
  const rooted = new Map<string, string>()
  const scratch = join(directory, `scratch-${seed}`)
  let rounds = 0
  for (; rounds < LEAST_ROUNDS || Date.now() < end; rounds++) {
    const store = open()
    // Few names: builders and collectors meet at the same paths.
    const item = Math.floor(random() * 12)
    const text = store.addText(`text-${item}`, `text ${item}\n`)
    writeTree(scratch, { entries: { file: `${item}`.repeat(3000), link: { symlink: store.format(text) } } })
    const tree = store.addPath(`tree-${item}`, scratch)
    removeTree(scratch)
    const output = await makeOutput(store, item, [text, tree])
    check(store, [text, tree, output])
    const link = join(directory, 'roots', `${seed}-${rounds % 5}`)
    if (random() < 0.5) {
      store.addPermanentRoot(link, output)
      rooted.set(link, store.format(output))
    }
    store.close()
    // What only links keep.
    const later = open()
    check(
      later,
      [...rooted.values()].map((path) => later.parse(path)),
    )
    later.close()
  }
  return { rounds, rooted: [...new Set(rooted.values())], deleted: 0 }
}

/** As a build does it: under the lock of its output, unless somebody else has made it meanwhile. */
async function makeOutput(store: Store, item: number, inputs: readonly StorePath[]): Promise<StorePath> {
  const path: StorePath = { digest: String(item).padStart(2, '0').repeat(16), name: `output-${item}` }
  const lock = await store.lockPaths([path])
  try {
    store.addTempRoot(path)
    if (store.isValid(path)) return path
    removeTree(store.physicalPath(path))
    writeTree(store.physicalPath(path), { entries: { refers: inputs.map((input) => store.format(input)).join('\n') } })
    await sleep(random() * 5)
    store.registerOutputs([{ path }], { candidates: inputs })
    return path
  } finally {
    lock.release()
  }
}

async function use(): Promise<StressReport> {
  let rounds = 0
  while (Date.now() < end) {
    const store = open()
    const all = store.allValidPaths()
    const path = all[Math.floor(random() * all.length)]
    if (path === undefined) {
      store.close()
      await sleep(5)
      continue
    }
    store.addTempRoot(path)
    if (!store.isValid(path)) {
      store.close()
      continue
    }
    const closure = store.computeClosure([path])
    check(store, closure)
    const fd = openSync(store.physicalPath(path), 'r')
    store.close()
    await sleep(random() * 100)
    const later = open()
    check(later, closure)
    closeSync(fd)
    later.close()
    rounds++
  }
  return { rounds, rooted: [], deleted: 0 }
}

async function collect(): Promise<StressReport> {
  let rounds = 0
  let deleted = 0
  for (; rounds < LEAST_ROUNDS || Date.now() < end; rounds++) {
    const store = open()
    const options = random() < 0.3 ? { maxFreed: 4096 } : random() < 0.3 ? { keepDerivations: false } : {}
    deleted += store.collectGarbage(options).deleted.length
    store.close()
    await sleep(random() * 20)
  }
  return { rounds, rooted: [], deleted }
}

/** Valid, on disk, and with the contents that were registered. */
function check(store: Store, paths: readonly StorePath[]): void {
  for (const path of paths) {
    const full = store.format(path)
    assert.ok(store.isValid(path), `${full} is not valid`)
    assert.ok(existsSync(store.physicalPath(path)), `${full} is not there`)
    assert.ok(hashesEqual(hashPath(store.physicalPath(path)).hash, store.pathInfo(path).narHash), `${full} has changed`)
  }
}

function open(): Store {
  mkdirSync(join(directory, 'roots'), { recursive: true })
  return openStore({ storeDirectory: join(directory, 'nix/store'), root: '/' })
}

/** Mulberry32: the same choices for the same seed. */
function generator(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
