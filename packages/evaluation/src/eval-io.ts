import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import {
  fixedOutputPath,
  formatStorePath,
  type Hash,
  hashBytes,
  parseDerivation,
  parseStorePath,
  textHash,
  textPath,
} from '@baryon/format'
import {
  type AddPathRequest,
  type Aterm,
  type Attrs,
  type EvalIo,
  EvaluationError,
  type FetchRequest,
  type FetchResult,
  type FileType,
} from '@baryon/language'
import { type Batch, hashPath, type Store, type StoreOptions } from '@baryon/store'
import type { BlockingWorker, FetchOutcome } from './blocking-call.ts'
import {
  bytesOf,
  type DependencyRecorder,
  directoryDigest,
  listDirectory,
  native,
  refuseNullBytes,
} from './dependencies.ts'
import { fingerprintOf, isJustChanged, typeOfFile } from './fingerprint.ts'
import type { PackCache } from './pack-cache.ts'
import { PhysicalPaths } from './physical-path.ts'
import { readWholeFile } from './read-file.ts'
import { surveyTree } from './source-tree.ts'

export interface EvalIoOptions {
  /** Logical store directory. */
  readonly storeDirectory: string
  /** Undefined: nothing is written and nothing is valid, paths are only computed. */
  readonly store: Store | undefined
  /** False with a store: what is there can be read, nothing is added. */
  readonly writable: boolean
  readonly environment: Readonly<NodeJS.ProcessEnv>
  readonly log: (message: string) => void
  /** Told of each derivation that is made, written or not. */
  readonly onDerivation?: ((path: string, aterm: Aterm, attrs: Attrs) => void) | undefined
  /** Fetched files without a store, git repositories. */
  readonly cacheDirectory: () => string
  readonly recorder?: DependencyRecorder | undefined
  /** Remembers the hashes of copied sources. */
  readonly sourceHashes?: PackCache | undefined
  /** Does what cannot be done synchronously. */
  readonly worker: BlockingWorker
  /** How the worker opens the store. */
  readonly storeOptions: StoreOptions | undefined
  /** Module that builds for the evaluation, and what it is given; see `RealiseCall`. */
  readonly realise?: { readonly module: string; readonly data: unknown } | undefined
  /** Undefined: everything may be read. */
  readonly allowedPaths?: readonly string[] | undefined
}

export interface WorldIo extends EvalIo {
  /** Registers what was written; to be called at the end. */
  finish(): void
  /** With restrictions: this path and what is below it may be read as well. */
  allow(path: string): void
}

/** The world as it is: real files, a store, fetchers. Paths below the store directory are read where the store really lies. */
export function createEvalIo(options: EvalIoOptions): WorldIo {
  return new RealWorld(options)
}

class RealWorld implements WorldIo {
  readonly storeDirectory: string
  readonly #options: EvalIoOptions
  readonly #store: Store | undefined
  readonly #recorder: DependencyRecorder | undefined
  readonly #paths: PhysicalPaths
  readonly #environment = new Map<string, string>()
  readonly #valid = new Set<string>()
  readonly #allowed: string[] | undefined
  #batch: Batch | undefined

  constructor(options: EvalIoOptions) {
    this.#options = options
    this.storeDirectory = options.storeDirectory
    this.#store = options.store
    this.#recorder = options.recorder
    const { storeDirectory, store } = options
    this.#paths = new PhysicalPaths(storeDirectory, bytesOf(store?.physicalDirectory ?? storeDirectory))
    this.#allowed = options.allowedPaths?.map((path) => path.replace(/\/+$/, ''))
  }

  readFile(path: string): string {
    this.#check(path)
    return this.#attempt('opening file', path, false, (place) => {
      const stat = statSync(native(place))
      this.#recorder?.file(place, fingerprintOf(stat))
      if (isJustChanged(stat)) this.#recorder?.giveUp(`'${path}' was written just now`)
      if (!stat.isFile()) this.#recorder?.giveUp(`'${path}' is no regular file`)
      return readWholeFile(native(place), stat, path)
    })
  }

  fileType(path: string): FileType | undefined {
    this.#check(path)
    let place = this.#paths.of(path)
    try {
      let type = typeOfFile(native(place))
      if (type === undefined) {
        const other = this.#paths.followLinks(path, true)
        if (other !== undefined) {
          this.#recorder?.type(place, undefined)
          place = other
          type = typeOfFile(native(place))
        }
      }
      this.#recorder?.type(place, type)
      return type
    } catch (error) {
      throw systemFailure('getting status of', path, error)
    }
  }

  readLink(path: string): string {
    this.#check(path)
    return this.#attempt('reading symbolic link', path, true, (place) => {
      const target = readlinkSync(native(place), 'latin1')
      this.#recorder?.link(place, target)
      return target
    })
  }

  readDirectory(path: string): readonly { readonly name: string; readonly type: FileType }[] {
    this.#check(path)
    return this.#attempt('opening directory', path, false, (place) => {
      const entries = listDirectory(native(place))
      this.#recorder?.directory(place, directoryDigest(entries))
      return entries
    })
  }

  fingerprint(path: string): string | undefined {
    this.#check(path)
    try {
      return this.#attempt('opening file', path, false, (place) => {
        const stat = statSync(native(place))
        const fingerprint = fingerprintOf(stat)
        this.#recorder?.file(place, fingerprint)
        if (!isJustChanged(stat)) return fingerprint
        this.#recorder?.giveUp(`'${path}' was written just now`)
        return undefined
      })
    } catch {
      return undefined
    }
  }

  getEnvironment(name: string): string {
    let value = this.#environment.get(name)
    if (value === undefined) {
      value = bytesOf(this.#options.environment[Buffer.from(name, 'latin1').toString('utf8')] ?? '')
      this.#environment.set(name, value)
      this.#recorder?.environment(name, value)
    }
    return value
  }

  currentTime(): number {
    this.#recorder?.giveUp('it asks for the time')
    return Math.floor(Date.now() / 1000)
  }

  log(message: string): void {
    this.#options.log(message)
  }

  addPath(request: AddPathRequest): string {
    this.#check(request.path)
    const { path, name, recursive } = request
    const method = recursive ? 'recursive' : 'flat'
    let place = this.#paths.of(path)
    if (typeOfFile(native(place)) === undefined) place = this.#paths.followLinks(path, true) ?? place
    try {
      // A flat copy is of what a link points to, a tree keeps the link itself.
      if (!recursive) lstatSync(native(place))
      const survey = surveyTree(path, place, request.filter, this.#recorder)
      const { accepted } = survey
      const filter = accepted === undefined ? undefined : (entry: string) => accepted.has(entry)
      const known =
        survey.fingerprint === undefined
          ? undefined
          : this.#options.sourceHashes?.get(`${method}:${place}`, survey.fingerprint)
      let hash = known && keptHash(known)
      if (hash === undefined) {
        hash = hashPath(native(place), 'sha256', { method, ...(filter === undefined ? {} : { filter }) }).hash
        if (survey.fingerprint !== undefined) {
          this.#options.sourceHashes?.put(`${method}:${place}`, survey.fingerprint, hashToKeep(hash))
        }
      }
      const computed = formatStorePath(
        this.storeDirectory,
        fixedOutputPath(this.storeDirectory, name, { method, hash }),
      )
      const store = this.#writableStore()
      if (store === undefined || this.isValidPath(computed)) return computed
      if (request.expectedSha256 !== undefined && request.expectedSha256 !== Buffer.from(hash.bytes).toString('hex')) {
        return computed
      }
      const added = store.format(
        store.addPath(name, native(place), { method, ...(filter === undefined ? {} : { filter }) }),
      )
      this.#noteValid(added)
      return added
    } catch (error) {
      throw systemFailure('getting status of', path, error)
    }
  }

  addText(name: string, contents: string, references: readonly string[]): string {
    const path = formatStorePath(
      this.storeDirectory,
      textPath(this.storeDirectory, name, hashBytes('sha256', contents), references),
    )
    const store = this.#writableStore()
    if (store === undefined || this.isValidPath(path)) return path
    this.#batch ??= store.startBatch()
    store.addText(
      name,
      contents,
      references.map((reference) => store.parse(reference)),
    )
    this.#noteValid(path)
    return path
  }

  writeDerivation(path: string, aterm: Aterm, _references: readonly string[], attrs: Attrs): void {
    this.#options.onDerivation?.(path, aterm, attrs)
    const store = this.#writableStore()
    if (store === undefined || this.isValidPath(path)) return
    this.#batch ??= store.startBatch()
    const name = parseStorePath(this.storeDirectory, path).name
    store.writeDerivation(parseDerivation(aterm.toString()), name.slice(0, -'.drv'.length))
    this.#noteValid(path)
  }

  readDerivation(path: string): string {
    return this.readFile(path)
  }

  isValidPath(path: string): boolean {
    if (this.#valid.has(path)) return true
    const store = this.#store
    if (store === undefined) return false
    const valid = store.isValid(parseStorePath(this.storeDirectory, path))
    if (valid) this.#noteValid(path)
    else this.#recorder?.present(this.#paths.of(path), false)
    return valid
  }

  queryReferences(path: string): readonly string[] {
    const store = this.#store
    const info = store?.queryPathInfo(parseStorePath(this.storeDirectory, path))
    return info === undefined ? [] : info.references.map((reference) => formatStorePath(this.storeDirectory, reference))
  }

  realise(
    outputs: readonly { readonly derivation: string; readonly output: string }[],
    paths: readonly string[],
  ): void {
    // Without a store paths are taken as they are, as Nix does when it only reads.
    for (const path of this.#writableStore() === undefined ? [] : paths) {
      if (!this.isValidPath(path)) throw new EvaluationError('PATH_INVALID', `path '${path}' is not valid`)
    }
    const { storeOptions } = this.#options
    if (outputs.length === 0 || this.#store === undefined) return
    const byDerivation = new Map<string, string[]>()
    for (const { derivation, output } of outputs) {
      const names = byDerivation.get(derivation)
      if (names === undefined) byDerivation.set(derivation, [output])
      else names.push(output)
    }
    const missing = [...byDerivation].filter(
      ([derivation, names]) => !names.every((name) => this.#isOutputValid(derivation, name)),
    )
    if (missing.length === 0) return
    if (storeOptions === undefined || !this.#options.writable) {
      throw new EvaluationError(
        'STORE_READ_ONLY',
        `cannot build '${missing[0]![0]}' during evaluation: the store is only read`,
      )
    }
    this.finish()
    this.#options.worker.call({
      kind: 'realise',
      store: storeOptions,
      targets: missing.map(([derivation, names]) => ({ derivation, outputs: names })),
      module: this.#options.realise?.module,
      data: this.#options.realise?.data,
    })
    for (const [derivation, names] of missing) for (const name of names) this.#isOutputValid(derivation, name)
  }

  fetch(request: FetchRequest): FetchResult {
    const { sha256, narHash, rev, type } = request.attributes
    // A directory can change under any revision that is told of it.
    const isLocked = sha256 !== undefined || narHash !== undefined || (rev !== undefined && type !== 'path')
    if (!isLocked) {
      this.#recorder?.giveUp('it fetches something without a hash')
    }
    const attributes: Record<string, string | number | boolean> = {}
    for (const [key, value] of Object.entries(request.attributes)) {
      if (typeof value === 'string') {
        refuseNullBytes(value)
        attributes[key] = Buffer.from(value, 'latin1').toString('utf8')
      } else attributes[key] = value
    }
    this.finish()
    const outcome = this.#options.worker.call({
      kind: 'fetch',
      request: { kind: request.kind, attributes },
      storeDirectory: this.storeDirectory,
      store: this.#writableStore() === undefined ? undefined : this.#options.storeOptions,
      cacheDirectory: this.#options.cacheDirectory(),
    }) as FetchOutcome
    if (outcome.location !== undefined) {
      // Only this run knows where its files are.
      this.#recorder?.hasEffect()
      this.#paths.place(outcome.outPath, bytesOf(outcome.location))
    }
    this.#noteValid(outcome.outPath)
    return { outPath: outcome.outPath, attributes: outcome.attributes }
  }

  finish(): void {
    this.#batch?.commit()
    this.#batch = undefined
  }

  allow(path: string): void {
    this.#allowed?.push(path, realPath(native(path)) ?? path)
  }

  #writableStore(): Store | undefined {
    return this.#options.writable ? this.#store : undefined
  }

  #noteValid(path: string): void {
    this.#valid.add(path)
    this.#allowed?.push(path, this.#paths.of(path))
    this.#recorder?.present(this.#paths.of(path), true)
  }

  #isOutputValid(derivation: string, output: string): boolean {
    const path = this.#store?.queryDerivationOutputs(parseStorePath(this.storeDirectory, derivation)).get(output)
    return path !== undefined && this.isValidPath(formatStorePath(this.storeDirectory, path))
  }

  /** Restricted evaluation: only below the allowed paths, also behind symbolic links, and what this evaluation put into the store. */
  #check(path: string): void {
    if (this.#allowed === undefined) return
    if (this.#isAllowed(path)) {
      const real = realPath(native(this.#paths.of(path)))
      if (real === undefined || this.#isAllowed(real)) return
    }
    throw new EvaluationError('RESTRICTED_PATH', `access to path '${path}' is forbidden in restricted mode`)
  }

  #isAllowed(path: string): boolean {
    return this.#allowed?.some((allowed) => path === allowed || path.startsWith(`${allowed}/`)) ?? true
  }

  /** Runs an action on the physical path; when nothing is there, once more with links followed through the store. */
  #attempt<T>(verb: string, path: string, keepLast: boolean, action: (place: string) => T): T {
    const place = this.#paths.of(path)
    try {
      return action(place)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        this.#recorder?.file(place, undefined)
        const other = this.#paths.followLinks(path, keepLast)
        if (other !== undefined && other !== place) {
          try {
            return action(other)
          } catch (second) {
            throw systemFailure(verb, path, second)
          }
        }
      }
      throw systemFailure(verb, path, error)
    }
  }
}

function realPath(path: string | Buffer): string | undefined {
  try {
    return realpathSync(path, 'latin1')
  } catch {
    return undefined
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  EINVAL: 'Invalid argument',
}

/** A SHA-256 with four bytes that tell whether it is whole. */
function hashToKeep({ bytes }: Hash): Uint8Array {
  const kept = new Uint8Array(SHA256_SIZE + 4)
  kept.set(bytes)
  new DataView(kept.buffer).setInt32(SHA256_SIZE, checkOf(bytes))
  return kept
}

function keptHash(kept: Uint8Array): Hash | undefined {
  if (kept.length !== SHA256_SIZE + 4) return undefined
  const bytes = kept.subarray(0, SHA256_SIZE)
  const check = new DataView(kept.buffer, kept.byteOffset).getInt32(SHA256_SIZE)
  return check === checkOf(bytes) ? { algorithm: 'sha256', bytes } : undefined
}

function checkOf(bytes: Uint8Array): number {
  return textHash(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), CHECK_SEED)
}

const SHA256_SIZE = 32
/** Not 0, so that zeros are no hash of zeros. */
const CHECK_SEED = 0x811c9dc5

/** An error of the operating system in Nix's words; anything else comes back as it is. */
function systemFailure(verb: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return error
  const reason = REASONS[String(error.code)] ?? error.message
  if (error.code === 'EISDIR') return new EvaluationError('EVAL_FILE', `reading from file: ${reason}`)
  return new EvaluationError('EVAL_FILE', `${verb} '${path}': ${reason}`).inToday(() =>
    error.code === 'ENOENT'
      ? `path '${path}' does not exist`
      : error.code === 'ENOTDIR'
        ? `'${realPath(Buffer.from(path, 'latin1')) ?? path}' is not a directory`
        : `${verb} '${path}': ${reason}`,
  )
}
