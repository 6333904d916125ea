/** The ways in which something comes into a store. */
import { closeSync, existsSync, lstatSync, openSync, renameSync, writeSync } from 'node:fs'
import {
  checkStorePathName,
  compareStorePaths,
  createHasher,
  type Derivation,
  fixedOutputPath,
  formatContentAddress,
  formatHash,
  type Hash,
  type HashAlgorithm,
  type HashMethod,
  hashBytes,
  hashesEqual,
  type StorePath,
  storePathBaseName,
  textPath,
  UserError,
} from '@baryon/format'
import { syncDirectory } from './atomic-file.ts'
import type { NativePath } from './byte-path.ts'
import { canonicaliseTree } from './canonicalise-tree.ts'
import { copyTree, hashOfFile, keepNar, rememberFilter } from './copy-tree.ts'
import { readOnlyError } from './database.ts'
import { differentAddress } from './hash-address.ts'
import { hashPath, restoreNar } from './nar-tree.ts'
import { optimiseNewPaths } from './optimise.ts'
import type { NewPathInfo, PathInfo } from './path-info.ts'
import { moveIntoPlace, syncFiles, syncTree, temporaryName, withTemporary } from './placement.ts'
import type { NewPath } from './registration.ts'
import { removeTree } from './remove-tree.ts'
import { scanForReferences } from './scan-tree.ts'
import type { Store } from './store.ts'
import { withCodedErrors } from './system-error.ts'
import type { TreeFilter } from './walk-tree.ts'

export interface AddPathOptions {
  /** Default `recursive`. */
  readonly method?: HashMethod
  /** Default sha256. */
  readonly algorithm?: HashAlgorithm
  readonly filter?: TreeFilter
  /** Only recursive sha256 paths may have some. */
  readonly references?: readonly StorePath[]
  /** What the hash must be, else `HASH_MISMATCH` and nothing is added. */
  readonly expectedHash?: Hash
}

export interface OutputToRegister {
  readonly path: StorePath
  /** Where the build left it, on the same file system; default: its final place. */
  readonly location?: string
  /** For fixed and content-addressed outputs; checked. */
  readonly contentAddress?: string
}

export interface OutputOptions {
  /** Paths that an output may refer to: the closure of the inputs. The outputs themselves are always looked for. */
  readonly candidates: readonly StorePath[]
  readonly deriver?: StorePath
  /** User ids that the build ran under; default our own. */
  readonly owners?: readonly number[]
  /** See `CanonicaliseOptions`. */
  readonly linkedFromStore?: boolean
  /** Called before anything is registered; throws to refuse the outputs. */
  readonly check?: (infos: readonly PathInfo[]) => void
}

export interface Batch {
  /** Registers what was added. May be called again. */
  commit(): void
}

interface PendingText {
  readonly info: NewPath
  readonly text: string
}

export interface Additions {
  readonly store: Store
  readonly pending: Map<string, PendingText>
  readonly batches: Set<Batch>
  isPending(path: StorePath): boolean
  pendingInfo(path: StorePath): PathInfo | undefined
  startBatch(): Batch
  flush(): void
}

export function createAdditions(store: Store): Additions {
  const pending = new Map<string, PendingText>()
  const batches = new Set<Batch>()
  const additions: Additions = {
    store,
    pending,
    batches,
    isPending: (path) => pending.size > 0 && pending.has(storePathBaseName(path)),
    pendingInfo: (path) => {
      const entry = pending.get(storePathBaseName(path))
      return entry === undefined ? undefined : asPathInfo(entry.info)
    },
    startBatch: () => {
      const batch: Batch = {
        commit: () => {
          batches.delete(batch)
          additions.flush()
        },
      }
      batches.add(batch)
      return batch
    },
    flush: () => withCodedErrors(store.physicalDirectory, () => flushPending(additions)),
  }
  return additions
}

export function addText(
  additions: Additions,
  name: string,
  text: string,
  references: readonly StorePath[],
  derivation?: Derivation,
): StorePath {
  const { store } = additions
  const hash = hashBytes('sha256', text)
  const path = textPath(
    store.storeDirectory,
    name,
    hash,
    references.map((reference) => store.format(reference)),
  )
  if (isPresent(store, path)) return path
  const bytes = Buffer.from(text, 'latin1')
  const nar = hashOfFile(bytes)
  const info: NewPath = {
    path,
    narHash: nar.hash,
    narSize: nar.size,
    references: [...references].sort(compareStorePaths),
    contentAddress: formatContentAddress({ method: 'text', hash }),
    derivation,
  }
  if (additions.batches.size > 0) {
    for (const reference of references) if (!store.isValid(reference)) store.pathInfo(reference)
    placeText(store, path, text)
    additions.pending.set(storePathBaseName(path), { info, text })
    if (additions.pending.size >= BATCH_LIMIT) additions.flush()
    return path
  }
  const aside = temporaryPath(store)
  withTemporary(aside, () => {
    writeText(aside, bytes)
    syncFiles([aside])
    place(store, [{ info, location: aside }])
  })
  return path
}

export function addPath(additions: Additions, name: string, source: NativePath, options: AddPathOptions): StorePath {
  const { store } = additions
  const { method = 'recursive', algorithm = 'sha256', references = [], filter, expectedHash } = options
  checkStorePathName(name)
  additions.flush()
  const remembered = filter === undefined ? undefined : rememberFilter(filter)
  const pathOf = (hash: Hash) =>
    fixedOutputPath(store.storeDirectory, name, {
      method,
      hash,
      references: references.map((reference) => store.format(reference)),
    })
  const check = (hash: Hash) => {
    if (expectedHash !== undefined && !hashesEqual(hash, expectedHash)) throw mismatch(`'${name}'`, expectedHash, hash)
  }
  // Most sources are in the store already: reading is then all that is needed.
  const whole = method === 'recursive' && algorithm === 'sha256'
  const read = whole ? keepNar(source, remembered) : undefined
  const before =
    read?.hash ??
    hashPath(source, algorithm, { method, ...(remembered === undefined ? {} : { filter: remembered }) }).hash
  check(before)
  const known = pathOf(before)
  if (isPresent(store, known)) return known

  const aside = temporaryPath(store)
  return withTemporary(aside, () => {
    if (read?.chunks !== undefined) restoreNar(aside, read.chunks, { canonical: true })
    // The copy counts, not what was read before: the source may have changed meanwhile.
    const nar = read?.chunks === undefined ? copyTree(source, aside, method, remembered) : read
    const hash = whole ? nar.hash : hashPath(aside, algorithm, { method }).hash
    check(hash)
    const path = pathOf(hash)
    if (isPresent(store, path)) return path
    syncTree(aside)
    const contentAddress = formatContentAddress({ method, hash })
    place(store, [
      {
        info: {
          path,
          narHash: nar.hash,
          narSize: nar.size,
          references: [...references].sort(compareStorePaths),
          contentAddress,
        },
        location: aside,
      },
    ])
    return path
  })
}

export function addNar(additions: Additions, info: NewPathInfo, chunks: Iterable<Uint8Array>): void {
  const { store } = additions
  additions.flush()
  if (isPresent(store, info.path)) return
  withTemporaryPath(store, (aside) => {
    const hasher = createHasher('sha256')
    let size = 0
    restoreNar(
      aside,
      observed(chunks, (chunk) => {
        hasher.update(chunk)
        size += chunk.length
      }),
      { canonical: true },
    )
    const hash = hasher.digest()
    const name = `'${store.format(info.path)}'`
    if (!hashesEqual(hash, info.narHash)) throw mismatch(`the NAR of ${name}`, info.narHash, hash)
    if (info.narSize !== 0 && size !== info.narSize) {
      throw new UserError('SIZE_MISMATCH', `the NAR of ${name} has ${size} bytes instead of ${info.narSize}`, {
        hint: 'the source of the path is damaged or lies',
      })
    }
    addUnpackedNar(store, aside, { ...info, narSize: size })
  })
}

/** Takes over an unpacked NAR whose hash and size are those of `info`, unless the path is valid already. */
export function addUnpackedNar(store: Store, aside: string, info: NewPathInfo): void {
  if (isPresent(store, info.path)) return
  checkContents(aside, info)
  canonicaliseTree(aside)
  syncTree(aside)
  place(store, [{ info, location: aside }])
}

/** Runs `work` on a fresh path in the store directory that no collector touches; what is left there is removed. */
export function withTemporaryPath<T>(store: Store, work: (aside: string) => T): T {
  const aside = temporaryPath(store)
  return withTemporary(aside, () => work(aside))
}

export function registerOutputs(
  additions: Additions,
  outputs: readonly OutputToRegister[],
  options: OutputOptions,
): PathInfo[] {
  const { store } = additions
  const { owners, linkedFromStore = false } = options
  additions.flush()
  store.addTempRoot(...outputs.map((output) => output.path))
  const byDigest = new Map(
    [...options.candidates, ...outputs.map((output) => output.path)].map((path) => [path.digest, path]),
  )
  const results = outputs.map((output) => {
    const location = output.location ?? store.physicalPath(output.path)
    canonicaliseTree(location, owners === undefined ? { linkedFromStore } : { owners, linkedFromStore })
    const scan = scanForReferences(location, [...byDigest.keys()])
    const info: NewPath = {
      path: output.path,
      narHash: scan.hash,
      narSize: scan.size,
      references: scan.references.map((digest) => byDigest.get(digest)!).sort(compareStorePaths),
      deriver: options.deriver,
      ultimate: true,
      contentAddress: output.contentAddress,
    }
    checkContents(location, info)
    return { info, location, positions: scan.positions }
  })
  const infos = results.map(({ info }) => asPathInfo(info))
  options.check?.(infos)
  for (const { location } of results) syncTree(location)
  store.recordPositions(results.map(({ info, positions }) => ({ path: info.path, narHash: info.narHash, positions })))
  place(store, results)
  return infos
}

/** A place for the contents of a path that is to come, kept from collection; undefined when the path is valid already. */
export function reservePlace(additions: Additions, path: StorePath): string | undefined {
  additions.flush()
  return isPresent(additions.store, path) ? undefined : temporaryPath(additions.store)
}

/** Moves what is at the locations into place and registers it, all in one transaction. What was valid already stays as it is. */
export function place(store: Store, items: readonly { readonly info: NewPath; readonly location: string }[]): void {
  const trash: string[] = []
  let fresh: typeof items = []
  try {
    store.database.transaction(() => {
      fresh = items.filter(({ info }) => store.database.id(store.format(info.path)) === undefined)
      if (fresh.length === 0) return
      // Rows first: what cannot be registered never gets its final name.
      store.register(fresh.map(({ info, location }) => ({ ...info, location })))
      for (const { info, location } of fresh) {
        const final = store.physicalPath(info.path)
        const old = location === final ? undefined : moveIntoPlace(location, final)
        if (old !== undefined) trash.push(old)
      }
      syncDirectory(store.physicalDirectory)
    })
  } finally {
    for (const path of trash) removeTree(path)
  }
  if (store.autoOptimise)
    optimiseNewPaths(
      store,
      fresh.map(({ info }) => info.path),
    )
}

function flushPending(additions: Additions): void {
  const { store, pending } = additions
  if (pending.size === 0) return
  const entries = [...pending.values()]
  const files = () => entries.map(({ info }) => store.physicalPath(info.path)).filter((file) => existsSync(file))
  syncFiles(files())
  store.database.transaction(() => {
    const fresh = entries.filter(({ info }) => store.database.id(store.format(info.path)) === undefined)
    for (const { info, text } of fresh) {
      // Another process may have put ours away to place its own, and have died before it could.
      if (!existsSync(store.physicalPath(info.path))) placeText(store, info.path, text)
    }
    syncDirectory(store.physicalDirectory)
    store.register(fresh.map(({ info }) => info))
  })
  pending.clear()
  if (store.autoOptimise)
    optimiseNewPaths(
      store,
      entries.map(({ info }) => info.path),
    )
}

/** Protects the path first: then a collector cannot remove it between the question and its use. */
function isPresent(store: Store, path: StorePath): boolean {
  if (store.readOnly) {
    if (store.isValid(path)) return true
    throw readOnlyError(store.physicalDirectory)
  }
  store.addTempRoot(path)
  return store.isValid(path)
}

function temporaryPath(store: Store): string {
  if (store.readOnly) throw readOnlyError(store.physicalDirectory)
  const name = temporaryName('tmp')
  store.addTempRoot({ digest: name.slice(0, 32), name: name.slice(33) })
  return `${store.physicalDirectory}/${name}`
}

function placeText(store: Store, path: StorePath, text: string): void {
  const aside = temporaryPath(store)
  withTemporary(aside, () => {
    writeText(aside, Buffer.from(text, 'latin1'))
    const final = store.physicalPath(path)
    // A directory in the way is no leftover of a text, so it is not replaced silently by rename.
    const old = lstatSync(final, { throwIfNoEntry: false })?.isDirectory()
      ? moveIntoPlace(aside, final)
      : renameSync(aside, final)
    if (typeof old === 'string') removeTree(old)
  })
}

function writeText(file: string, bytes: Uint8Array): void {
  const fd = openSync(file, 'wx', 0o644)
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
  } finally {
    closeSync(fd)
  }
  canonicaliseTree(file)
}

/** A content address must be that of the contents. */
function checkContents(location: string, info: NewPathInfo): void {
  const wrong = differentAddress(location, info)
  if (wrong !== undefined) throw mismatch(`'${storePathBaseName(info.path)}'`, wrong.expected, wrong.actual)
}

function* observed(chunks: Iterable<Uint8Array>, see: (chunk: Uint8Array) => void): Generator<Uint8Array> {
  for (const chunk of chunks) {
    see(chunk)
    yield chunk
  }
}

function mismatch(what: string, expected: Hash, actual: Hash): UserError {
  return new UserError(
    'HASH_MISMATCH',
    `hash mismatch of ${what}: expected ${formatHash(expected, 'sri')}, got ${formatHash(actual, 'sri')}`,
    {
      hint: 'check where it comes from; if the new contents are right, write the new hash',
    },
  )
}

function asPathInfo(info: NewPath): PathInfo {
  const { path, narHash, narSize, references, deriver, contentAddress } = info
  const registrationTime = info.registrationTime ?? Math.floor(Date.now() / 1000)
  return {
    path,
    narHash,
    narSize,
    references,
    deriver,
    registrationTime,
    ultimate: info.ultimate ?? false,
    signatures: info.signatures ?? [],
    contentAddress,
  }
}

const BATCH_LIMIT = 5000
