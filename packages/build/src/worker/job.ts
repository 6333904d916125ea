/**
 * What worker threads do for builds: everything that reads or writes whole trees, so that progress stays live and two
 * builds overlap. Jobs and results are plain data.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { decompressFile, openSourceArchive } from '@baryon/fetch'

import { createNarParser, type Hash, type HashMethod, isSystemError, type StorePath } from '@baryon/format'
import {
  createTreeRestorer,
  hashPath,
  type NewPathInfo,
  openStore,
  pathBytes,
  removeTree,
  restoreNar,
  type Store,
} from '@baryon/store'

import { type UnpackTreeRequest, unpackTree } from '../builtin/unpack-tree.ts'
import { firstDifference } from '../compare-trees.ts'
import { changedSince } from '../input-protection.ts'
import {
  type InspectedOutput,
  inspectOutputs,
  type OutputsRequest,
  type RegisterTimes,
  registerOutputs,
} from '../register-outputs.ts'

export interface JobKinds {
  /** Checks, canonicalises, scans, hashes and registers the outputs of a build. */
  readonly register: { readonly request: StoreRequest & OutputsRequest; readonly result: RegisterTimes }
  /** The same without registering: for `--check`. */
  readonly inspect: { readonly request: StoreRequest & OutputsRequest; readonly result: readonly InspectedOutput[] }
  readonly addNar: {
    readonly request: StoreRequest & { readonly info: NewPathInfo; readonly file: string }
    readonly result: null
  }
  /** Puts a tree, or what a NAR unpacks to, into the place of a valid path. */
  readonly replace: { readonly request: StoreRequest & ReplaceRequest; readonly result: null }
  readonly restoreNar: {
    readonly request: { readonly file: string; readonly destination: string }
    readonly result: null
  }
  /** Puts a fixed output into the source archive. */
  readonly archive: { readonly request: ArchiveRequest; readonly result: Seconds }
  /** Removes a file from the source archive when its contents are not what they should be. */
  readonly forgetSource: {
    readonly request: { readonly directory: string; readonly hash: Hash }
    readonly result: null
  }
  readonly unpackTree: { readonly request: UnpackTreeRequest; readonly result: Seconds }
  readonly remove: { readonly request: { readonly path: string }; readonly result: null }
  /** Inputs that were changed after a point in time. */
  readonly changed: {
    readonly request: { readonly paths: readonly string[]; readonly since: number }
    readonly result: readonly string[]
  }
  readonly hash: {
    readonly request: { readonly path: string }
    readonly result: { readonly hash: Hash; readonly size: number }
  }
  readonly compare: {
    readonly request: { readonly left: string; readonly right: string }
    readonly result: string | undefined
  }
}

export interface ReplaceRequest {
  readonly path: StorePath
  /** Where the tree is, or, with a NAR, will be unpacked to. */
  readonly location: string
  readonly nar?: string
}

/** Of work, without the waiting for a thread. */
export type Seconds = number

export interface ArchiveRequest {
  readonly directory: string
  readonly path: string
  readonly name: string
  readonly method: HashMethod
  readonly hash: Hash
  readonly origin: string | undefined
}

export type JobKind = keyof JobKinds

/** A thread opens the store for itself. */
export interface StoreRequest {
  readonly store: StorePlaces
}

type StorePlaces = Pick<
  Store,
  'storeDirectory' | 'physicalDirectory' | 'stateDirectory' | 'logDirectory' | 'autoOptimise'
>

export function storeLocation(store: Store): StorePlaces {
  const { storeDirectory, physicalDirectory, stateDirectory, logDirectory, autoOptimise } = store
  return { storeDirectory, physicalDirectory, stateDirectory, logDirectory, autoOptimise }
}

export async function runJob<K extends JobKind>(
  kind: K,
  request: JobKinds[K]['request'],
): Promise<JobKinds[K]['result']> {
  const run = JOBS[kind] as (request: JobKinds[K]['request']) => JobKinds[K]['result'] | Promise<JobKinds[K]['result']>
  return run(request)
}

const JOBS: {
  readonly [K in JobKind]: (request: JobKinds[K]['request']) => JobKinds[K]['result'] | Promise<JobKinds[K]['result']>
} = {
  register: (request) => withStore(request, (store) => registerOutputs(store, request)),
  inspect: (request) => withStore(request, (store) => inspectOutputs(store, request)),
  addNar: (request) =>
    withStore(request, (store) => {
      store.addNar(request.info, chunksOf(request.file))
      return null
    }),
  replace: (request) =>
    withStore(request, (store) => {
      if (request.nar !== undefined) restoreNar(request.location, chunksOf(request.nar))
      store.replacePath(request.path, request.location)
      return null
    }),
  restoreNar: async ({ file, destination }) => {
    const restorer = createTreeRestorer(destination)
    try {
      const parser = createNarParser(restorer)
      for await (const chunk of decompressFile(file)) parser.write(chunk)
      parser.end()
    } catch (error) {
      restorer.abort()
      throw error
    }
    return null
  },
  archive: ({ directory, path, name, method, hash, origin }) => {
    const begin = performance.now()
    const archive = openSourceArchive(directory)
    if (archive.get(hash) === undefined) {
      if (method === 'recursive') archive.putTree(path, { name, hash, origin })
      else archive.put(path, { name, hash, origin })
    }
    return secondsSince(begin)
  },
  forgetSource: ({ directory, hash }) => {
    openSourceArchive(directory).get(hash, { verify: true })
    return null
  },
  unpackTree: async (request) => {
    const begin = performance.now()
    await unpackTree(request)
    return secondsSince(begin)
  },
  remove: ({ path }) => {
    removePersistently(path)
    return null
  },
  changed: ({ paths, since }) => paths.filter((path) => changedSince(pathBytes(path), since)),
  hash: ({ path }) => hashPath(path, 'sha256'),
  compare: ({ left, right }) => firstDifference(pathBytes(left), pathBytes(right)),
}

function secondsSince(begin: number): Seconds {
  return (performance.now() - begin) / 1000
}

/** Opening a store costs 2 ms and, for its temporary roots, a process: a thread keeps those that it has opened. */
function withStore<T>({ store: places }: StoreRequest, work: (store: Store) => T): T {
  const key = JSON.stringify(places)
  let store = stores.get(key)
  if (store === undefined) {
    store = openStore(places)
    stores.set(key, store)
  }
  return work(store)
}

const stores = new Map<string, Store>()

/** To be called before the thread ends. */
export function closeStores(): void {
  for (const store of stores.values()) store.close()
  stores.clear()
}

function* chunksOf(file: string): Generator<Uint8Array> {
  const descriptor = openSync(file, 'r')
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(1 << 18)
      const count = readSync(descriptor, buffer)
      if (count === 0) return
      yield buffer.subarray(0, count)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Processes that are just dying may still write: some more tries are made. */
function removePersistently(path: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      removeTree(path)
      return
    } catch (error) {
      if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST') || attempt === 20) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25)
    }
  }
}
