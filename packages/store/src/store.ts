/**
 * A store that is open: the object that everything else in Baryon works with.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeDirectories } from '@baryon/files'
import {
  compareStorePaths,
  type Derivation,
  type DerivationHash,
  derivationPath,
  derivationReferences,
  formatDerivation,
  formatStorePath,
  isNix32,
  isSystemError,
  parseDerivation,
  parseHash,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import {
  type Additions,
  type AddPathOptions,
  addNar,
  addPath,
  addText,
  type Batch,
  createAdditions,
  type OutputOptions,
  type OutputToRegister,
  place,
  registerOutputs,
  reservePlace,
} from './additions.ts'
import { closureOf, topologicalOrder } from './closure.ts'
import { type CollectOptions, type CollectResult, collectGarbage } from './collect-garbage.ts'
import { type PathRow, readOnlyError, StoreDatabase } from './database.ts'
import { exportPaths, importPaths } from './export.ts'
import { type LocationOptions, resolveLocation, type StoreLocation } from './location.ts'
import { type LockDirectory, openLockDirectory } from './lock-file.ts'
import { type OptimiseOptions, type OptimiseResult, optimiseStore } from './optimise.ts'
import type { NewPathInfo, PathInfo } from './path-info.ts'
import { type LockOptions, lockPaths, type PathLock, tryLockPaths } from './path-locks.ts'
import { openPositions, type PositionDatabase } from './reference-positions.ts'
import { registerPaths } from './registration.ts'
import { finishReplacements, replacePath } from './replace-path.ts'
import { addPermanentRoot, findRoots, type Root } from './roots.ts'
import type { ItemPositions } from './scan-tree.ts'
import { requireOwnStore } from './store-safety.ts'
import { codedError, withCodedErrors } from './system-error.ts'
import { createTempRoots, type TempRoots } from './temp-roots.ts'
import { type VerifyOptions, type VerifyReport, verifyStore } from './verify.ts'

export interface StoreOptions extends LocationOptions {
  /** Nothing at all is written; the store must exist. */
  readonly readOnly?: boolean | undefined
  /** Deduplicates every path once it is registered. Default: what `BARYON_AUTO_OPTIMISE` says (`1` or nothing). */
  readonly autoOptimise?: boolean | undefined
}

export interface ClosureOptions {
  /** `references` (default): everything needed; `referrers`: everything that needs it. */
  readonly direction?: 'references' | 'referrers'
  /** With a derivation, also its valid outputs (or, among referrers, with an output its derivers). */
  readonly includeOutputs?: boolean
  /** With an output, also its deriver when that is valid (or, among referrers, with a derivation its outputs). */
  readonly includeDerivers?: boolean
}

/** Opens a store, and creates it unless `readOnly`. Close it, or its temporary roots last until the process ends. */
export function openStore(options: StoreOptions): Store {
  const { readOnly = false, autoOptimise = process.env.BARYON_AUTO_OPTIMISE === '1' } = options
  return new Store(resolveLocation(options), readOnly, autoOptimise)
}

export class Store implements StoreLocation {
  readonly storeDirectory: string
  readonly physicalDirectory: string
  readonly stateDirectory: string
  readonly logDirectory: string
  readonly ownDirectory: string
  readonly readOnly: boolean
  readonly autoOptimise: boolean
  /** For the modules of this package only. */
  readonly database: StoreDatabase
  readonly #positions: PositionDatabase
  readonly #additions: Additions
  #locks: LockDirectory | undefined
  #tempRoots: TempRoots | undefined
  #closed = false
  readonly #derivationHashes = new Map<string, DerivationHash>()

  constructor(location: StoreLocation, readOnly: boolean, autoOptimise: boolean) {
    this.storeDirectory = location.storeDirectory
    this.physicalDirectory = location.physicalDirectory
    this.stateDirectory = location.stateDirectory
    this.logDirectory = location.logDirectory
    this.ownDirectory = location.ownDirectory
    this.readOnly = readOnly
    this.autoOptimise = autoOptimise
    if (!readOnly) {
      createDirectories(location)
      requireOwnStore(location)
    }
    this.database = this.#coded(() => new StoreDatabase(this.stateDirectory, readOnly))
    this.#positions = openPositions(this.ownDirectory, readOnly)
    this.#additions = createAdditions(this)
    if (!readOnly) finishReplacements(this)
  }

  /**
   * Gives up temporary roots and closes the databases. Commits an open batch. May be called again. Temporary roots that are
   * kept last until the process ends, or is replaced by what it starts.
   */
  close(options: { readonly keepTempRoots?: boolean } = {}): void {
    if (this.#closed) return
    this.#closed = true
    try {
      this.#additions.flush()
    } finally {
      if (options.keepTempRoots !== true) this.#coded(() => this.#tempRoots?.close())
      this.#locks?.close()
      this.#positions.close()
      this.database.close()
    }
  }

  /** Where the path really is on disk. */
  physicalPath(path: StorePath): string {
    return `${this.physicalDirectory}/${storePathBaseName(path)}`
  }

  /** Full logical text. */
  format(path: StorePath): string {
    return formatStorePath(this.storeDirectory, path)
  }

  /** Reads a full logical text. */
  parse(text: string): StorePath {
    return parseStorePath(this.storeDirectory, text)
  }

  /** For caches of what was asked: as long as it stays the same, no other process or `Store` has changed the database. 10 µs. */
  version(): string {
    return this.database.version()
  }

  isValid(path: StorePath): boolean {
    return this.#additions.isPending(path) || this.database.id(this.format(path)) !== undefined
  }

  queryPathInfo(path: StorePath): PathInfo | undefined {
    const row = this.database.row(this.format(path))
    return row === undefined ? this.#additions.pendingInfo(path) : this.toPathInfo(row)
  }

  /** Like `queryPathInfo`, but throws `PATH_INVALID` for a path that is not valid. */
  pathInfo(path: StorePath): PathInfo {
    const info = this.queryPathInfo(path)
    if (info !== undefined) return info
    throw new UserError('PATH_INVALID', `'${this.format(path)}' is not a valid path of the store`, {
      hint: `the store is at '${this.physicalDirectory}'`,
    })
  }

  /** Valid paths that refer to it, the path itself included when it refers to itself. */
  queryReferrers(path: StorePath): StorePath[] {
    this.#additions.flush()
    return this.#parseAll(this.database.referrers(this.format(path)))
  }

  /** Derivations in the store that have the path as an output. */
  queryValidDerivers(path: StorePath): StorePath[] {
    this.#additions.flush()
    return this.#parseAll(this.database.validDerivers(this.format(path)))
  }

  /** Outputs (valid or not) of a valid derivation by name; those whose path is not known before the build are missing. */
  queryDerivationOutputs(derivation: StorePath): Map<string, StorePath> {
    this.#additions.flush()
    const id = this.database.id(this.format(derivation))
    if (id === undefined) this.pathInfo(derivation)
    return new Map(this.database.derivationOutputs(id!).map((output) => [output.id, this.parse(output.path)]))
  }

  /** Base names of those of the paths that are valid. */
  queryValidAmong(paths: readonly StorePath[]): Set<string> {
    this.#additions.flush()
    const start = this.storeDirectory.length + 1
    return new Set(this.database.validAmong(paths.map((path) => this.format(path))).map((text) => text.slice(start)))
  }

  /** The same as `queryDerivationOutputs` for many, by base name; derivations that are not valid or have none are missing. */
  queryOutputsOf(derivations: readonly StorePath[]): Map<string, Map<string, StorePath>> {
    this.#additions.flush()
    const start = this.storeDirectory.length + 1
    const outputs = new Map<string, Map<string, StorePath>>()
    for (const { derivation, id, path } of this.database.outputsAmong(derivations.map((one) => this.format(one)))) {
      const name = derivation.slice(start)
      const known = outputs.get(name)
      if (known === undefined) outputs.set(name, new Map([[id, this.parse(path)]]))
      else known.set(id, this.parse(path))
    }
    return outputs
  }

  /** The valid path with this digest. */
  queryPathFromHashPart(digest: string): StorePath | undefined {
    if (digest.length !== 32 || !isNix32(digest))
      throw new UserError('STORE_PATH_INVALID', `'${digest}' is not the digest of a store path`)
    this.#additions.flush()
    const prefix = `${this.storeDirectory}/${digest}-`
    const found = this.database.firstFrom(prefix)
    return found?.startsWith(prefix) ? this.parse(found) : undefined
  }

  allValidPaths(): StorePath[] {
    this.#additions.flush()
    return this.#parseAll(this.database.allPaths())
  }

  /** The given paths, all of which must be valid, and then everything reachable from them. */
  computeClosure(paths: readonly StorePath[], options: ClosureOptions = {}): StorePath[] {
    this.#additions.flush()
    const { direction = 'references', includeOutputs = false, includeDerivers = false } = options
    const forward = direction === 'references'
    const withOutputs = forward ? includeOutputs : includeDerivers
    const withDerivers = forward ? includeDerivers : includeOutputs
    if (forward && !withOutputs && !withDerivers) return this.#closure(paths)
    return closureOf(paths, (path) => {
      const info = this.pathInfo(path)
      const next = forward ? [...info.references] : this.queryReferrers(path)
      if (withOutputs && path.name.endsWith('.drv')) {
        for (const output of this.queryDerivationOutputs(path).values()) {
          if (this.isValid(output) && (forward || this.pathInfo(output).deriver?.digest === path.digest))
            next.push(output)
        }
      }
      if (withDerivers) {
        if (!forward) next.push(...this.queryValidDerivers(path))
        else if (info.deriver !== undefined && this.isValid(info.deriver)) next.push(info.deriver)
      }
      return next
    })
  }

  /** Most closures are of this kind. */
  #closure(paths: readonly StorePath[]): StorePath[] {
    const given = new Map(paths.map((path) => [this.format(path), path]))
    const found = this.database.closureOf([...given.keys()])
    const others = found.filter((text) => !given.has(text))
    if (found.length < given.size + others.length) for (const path of paths) this.pathInfo(path)
    return [...given.values(), ...this.#parseAll(others)]
  }

  /** The paths, each behind those of them that it refers to. */
  topologicalOrder(paths: readonly StorePath[]): StorePath[] {
    const infos = paths.map((path) => this.pathInfo(path))
    return topologicalOrder(infos, (info) => info.references).map((info) => info.path)
  }

  /** Adds a text (byte string) that refers to these paths, as `builtins.toFile` does. */
  addText(name: string, text: string, references: readonly StorePath[] = []): StorePath {
    return this.#coded(() => addText(this.#additions, name, text, references))
  }

  /** Adds a file or tree from anywhere on disk. */
  addPath(name: string, source: string | Buffer, options: AddPathOptions = {}): StorePath {
    return this.#coded(() => addPath(this.#additions, name, source, options))
  }

  /** Imports a NAR under the path of `info`, whose hash, size and content address must be right and whose references valid. */
  addNar(info: NewPathInfo, chunks: Iterable<Uint8Array>): void {
    this.#coded(() => addNar(this.#additions, info, chunks))
  }

  /** A path on the store's file system where a `createNarReceiver` may unpack; undefined when the store path is valid already. */
  reservePlace(path: StorePath): string | undefined {
    return reservePlace(this.#additions, path)
  }

  /** Takes over what receivers have verified at reserved places: all or none. Their references must be among them, or valid. */
  placeReceived(items: readonly { readonly info: NewPathInfo; readonly location: string }[]): void {
    place(this, items)
  }

  /** Adds signatures (`NAME:BASE64`) to those of a valid path. */
  addSignatures(path: StorePath, signatures: readonly string[]): void {
    this.#additions.flush()
    this.database.transaction(() => {
      const info = this.pathInfo(path)
      this.register([{ ...info, signatures: [...new Set([...info.signatures, ...signatures])] }])
    })
  }

  /** Sends the paths, in an order with references first, as `nix-store --export` does. */
  exportPaths(paths: readonly StorePath[], sink: (chunk: Uint8Array) => void): void {
    this.#additions.flush()
    this.#coded(() => exportPaths(this, paths, sink))
  }

  /** Adds the paths of such a stream, which is trusted, and gives them. */
  importPaths(chunks: Iterable<Uint8Array>): StorePath[] {
    return this.#coded(() => importPaths(this.#additions, chunks))
  }

  /** Adds the file of a derivation (its outputs must be filled in). The name defaults to that in its environment. */
  writeDerivation(derivation: Derivation, name = derivation.env.get('name') ?? ''): StorePath {
    const text = formatDerivation(derivation)
    const path = derivationPath(this.storeDirectory, name, derivation, text)
    const references = derivationReferences(derivation).map((reference) => this.parse(reference))
    return this.#coded(() => addText(this.#additions, path.name, text, references, derivation))
  }

  /** Reads the file of a derivation in the store, valid or still being registered. */
  readDerivation(path: StorePath, file = this.physicalPath(path)): Derivation {
    try {
      return parseDerivation(readFileSync(file, 'latin1'))
    } catch (error) {
      if (isSystemError(error, 'ENOENT'))
        throw new UserError('PATH_INVALID', `derivation '${this.format(path)}' is not in the store`, { cause: error })
      throw codedError(this.physicalDirectory, error)
    }
  }

  /**
   * Until its `commit`, texts and derivations are written without being synced or registered one by one (they count as
   * valid in this object): 10 times faster for many. Everything else may be called meanwhile, and registers them when it must.
   */
  startBatch(): Batch {
    return this.#additions.startBatch()
  }

  /** Registers paths that are in place on disk, in one transaction. Nothing is hashed or checked against the disk. */
  registerValidPaths(infos: readonly NewPathInfo[]): void {
    this.#additions.flush()
    this.addTempRoot(...infos.map((info) => info.path))
    this.database.transaction(() => this.register(infos))
  }

  /** Takes over what a build made: canonical metadata, hash, references with their positions, into place, registered. */
  registerOutputs(outputs: readonly OutputToRegister[], options: OutputOptions): PathInfo[] {
    return this.#coded(() => registerOutputs(this.#additions, outputs, options))
  }

  /** Where each reference of the path is, when it was scanned by `registerOutputs` or `recordPositions`. */
  referencePositions(path: StorePath): readonly ItemPositions[] | undefined {
    return this.#positions.get(path, this.pathInfo(path).narHash)
  }

  recordPositions(records: Parameters<PositionDatabase['put']>[0]): void {
    this.#positions.put(records)
  }

  /** For the modules of this package. */
  get positions(): PositionDatabase {
    return this.#positions
  }

  get locks(): LockDirectory {
    if (this.readOnly) throw readOnlyError(this.physicalDirectory)
    this.#locks ??= this.#coded(() => openLockDirectory(`${this.ownDirectory}/locks`))
    return this.#locks
  }

  /** Registers inside a transaction that is open. */
  register(infos: Parameters<typeof registerPaths>[1]): void {
    const readDerivation = (path: StorePath, location?: string) => this.readDerivation(path, location)
    registerPaths(
      {
        database: this.database,
        storeDirectory: this.storeDirectory,
        readDerivation,
        derivationHashes: this.#derivationHashes,
      },
      infos,
    )
  }

  /** Keeps the paths, valid or not yet, from being collected while this store is open and the process lives. */
  addTempRoot(...paths: readonly StorePath[]): void {
    this.addTempRoots(paths)
  }

  /** The same for any number. */
  addTempRoots(paths: readonly StorePath[]): void {
    this.#tempRoots ??= createTempRoots(this.stateDirectory, this.locks, () => this.database.barrier())
    const roots = this.#tempRoots
    this.#coded(() => roots.add(paths.map((path) => this.format(path))))
  }

  /** Makes the symbolic link, whose path is absolute, and keeps its target from being collected for as long as it points there. */
  addPermanentRoot(link: string, target: StorePath, options: { readonly reachable?: boolean } = {}): void {
    this.#coded(() => addPermanentRoot(this, link, target, options))
  }

  findRoots(): Root[] {
    return this.#coded(() => findRoots(this))
  }

  /** Takes the locks on paths that are to be produced, waiting for other processes. */
  lockPaths(paths: readonly StorePath[], options: LockOptions = {}): Promise<PathLock> {
    return lockPaths(this.locks, paths, options)
  }

  /** The same without waiting: undefined when somebody holds one of them. */
  tryLockPaths(paths: readonly StorePath[]): PathLock | undefined {
    return tryLockPaths(this.locks, paths)
  }

  collectGarbage(options: CollectOptions = {}): CollectResult {
    this.#additions.flush()
    return this.#coded(() => collectGarbage(this, options))
  }

  /** Puts the tree at `location` into the place of a path that is missing or damaged: see `replace-path.ts`. */
  replacePath(path: StorePath, location: string): void {
    this.#additions.flush()
    this.#coded(() => replacePath(this, path, location))
  }

  /** Makes equal files hard links to one. Safe at any time, and safe to interrupt. */
  optimise(options: OptimiseOptions = {}): OptimiseResult {
    this.#additions.flush()
    return this.#coded(() => optimiseStore(this, options))
  }

  verify(options: VerifyOptions = {}): VerifyReport {
    this.#additions.flush()
    return this.#coded(() => verifyStore(this, options))
  }

  toPathInfo(row: PathRow): PathInfo {
    return {
      path: this.parse(row.path),
      narHash: parseHash(row.hash),
      narSize: row.narSize ?? 0,
      references: this.#parseAll(this.database.references(row.id)),
      deriver: row.deriver === null || row.deriver === '' ? undefined : this.parse(row.deriver),
      registrationTime: row.registrationTime,
      ultimate: row.ultimate === 1,
      signatures: row.sigs === null || row.sigs === '' ? [] : row.sigs.split(' '),
      contentAddress: row.ca === null || row.ca === '' ? undefined : row.ca,
    }
  }

  #coded<T>(work: () => T): T {
    return withCodedErrors(this.physicalDirectory, work)
  }

  #parseAll(texts: readonly string[]): StorePath[] {
    return texts.map((text) => this.parse(text)).sort(compareStorePaths)
  }
}

function createDirectories(location: StoreLocation): void {
  const { physicalDirectory, stateDirectory, ownDirectory } = location
  try {
    // Closed to others whatever the umask is: users of one group must not be able to write to each other's stores.
    const make = (directory: string) => makeDirectories(directory, 0o755)
    makeFirstMissing(dirname(physicalDirectory))
    make(dirname(physicalDirectory))
    for (const directory of [physicalDirectory, `${physicalDirectory}/.links`, ownDirectory, `${ownDirectory}/locks`])
      make(directory)
    for (const name of ['db', 'gcroots/auto', 'profiles', 'temproots']) make(`${stateDirectory}/${name}`)
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT'))
      throw codedError(physicalDirectory, error)
    throw new UserError('STORE_UNWRITABLE', `cannot create the store at '${physicalDirectory}': ${error.message}`, {
      hint: 'choose a directory of yours with --root, or BARYON_ROOT',
      cause: error,
    })
  }
}

/**
 * A recursive mkdir of Node goes on for ever where the kernel answers ENOENT although the parent is there, as in /proc;
 * a plain one of the highest directory that is missing fails.
 */
function makeFirstMissing(directory: string): void {
  let missing: string | undefined
  for (let path = directory; !existsSync(path); path = dirname(path)) missing = path
  if (missing === undefined) return
  try {
    mkdirSync(missing, { mode: 0o755 })
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
  }
}
