import { chmodSync, lstatSync, renameSync, utimesSync } from 'node:fs'
import {
  type Derivation,
  fixedOutput,
  fixedOutputHash,
  formatHash,
  type Hash,
  hashesEqual,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { isSmallTree, type PathLock, removeTree, type Store } from '@baryon/store'
import { takeFromArchive } from './archived-source.ts'
import { BuildError } from './build-error.ts'
import type { BuildEvent, TimeBreakdown } from './build-event.ts'
import { isBuiltin, runBuiltin } from './builtin/builtin.ts'
import { derivationOptions } from './derivation-options.ts'
import { explainFailure, shownDerivation } from './explain-failure.ts'
import { derivationName, outputPaths } from './plan.ts'
import { type OutputsRequest, registerOutputs } from './register-outputs.ts'
import { type BuilderInputs, runInSandbox } from './run-in-sandbox.ts'
import type { Sandbox, WorkDirectory } from './sandbox/sandbox.ts'
import type { OwnedWorkDirectory, WorkArea } from './work-directory.ts'
import { type StoreRequest, storeLocation } from './worker/job.ts'
import type { WorkerPool } from './worker/pool.ts'

export interface BuildSettings {
  readonly cores: number
  /** Seconds; undefined for no limit. */
  readonly timeout: number | undefined
  readonly maxSilent: number | undefined
  readonly keepFailed: boolean
  /** Nothing is fetched from the network; the source archive still is. */
  readonly offline: boolean
  /** Where the source archive lies, and others that are asked as well. */
  readonly sourceDirectory: string
  readonly sourceMirrors: readonly string[]
}

export interface BuildContext {
  readonly store: Store
  readonly settings: BuildSettings
  /** Chosen when the first builder needs one. */
  readonly sandbox: () => Sandbox
  readonly pool: WorkerPool
  readonly workArea: WorkArea
  readonly report: (event: BuildEvent) => void
  readonly breakdown: TimeBreakdown
  readonly signal: AbortSignal
}

export interface BuildJob {
  /** Key of the task, for events. */
  readonly task: string
  readonly path: StorePath
  readonly derivation: Derivation
  /** `check` builds again what is valid and compares; `repair` puts the outputs that are to be replaced into their places. */
  readonly mode: 'build' | 'check' | 'repair'
  /** For `repair`. */
  readonly replace?: readonly StorePath[]
}

export type BuildOutcome = 'made' | 'present' | 'checked' | 'repaired'

/**
 * Builds one derivation whose inputs are all valid, and registers its outputs. Safe against other processes that build the
 * same: the second one waits and takes the result. Throws `BuildError`; the signal's reason when aborted.
 */
export async function buildDerivation(context: BuildContext, job: BuildJob): Promise<BuildOutcome> {
  const { store, breakdown } = context
  const outputs = outputPaths(store, job.path, job.derivation, 'all')
  for (const path of outputs.values()) store.addTempRoot(path)
  const begin = performance.now()
  const lock = await lockOutputs(context, job, [...outputs.values()])
  breakdown.locks += seconds(begin)
  try {
    const wanted = job.mode === 'repair' ? (job.replace ?? []) : [...outputs.values()]
    const valid = wanted.every((path) => store.isValid(path))
    if (job.mode === 'build' && valid) return 'present'
    if (job.mode !== 'build' && !valid) {
      throw new BuildError(
        'CHECK_NOT_BUILT',
        `'${shownDerivation(store, job)}' has not been built: there is nothing to compare with`,
        {
          derivation: job.path,
          hint: 'build it first',
        },
      )
    }
    await buildInWorkDirectory(context, job, outputs)
    return OUTCOMES[job.mode]
  } finally {
    lock.release()
  }
}

const OUTCOMES = { build: 'made', check: 'checked', repair: 'repaired' } as const

async function lockOutputs(context: BuildContext, job: BuildJob, paths: readonly StorePath[]): Promise<PathLock> {
  const { store, signal, report } = context
  try {
    return await store.lockPaths(paths, { signal, onWait: () => report({ kind: 'waiting', task: job.task }) })
  } catch (error) {
    // A sleep that is aborted has an error of its own.
    throw signal.aborted ? signal.reason : error
  }
}

async function buildInWorkDirectory(
  context: BuildContext,
  job: BuildJob,
  outputs: ReadonlyMap<string, StorePath>,
): Promise<void> {
  let work: OwnedWorkDirectory | undefined
  try {
    work = context.workArea.create(derivationName(job.path))
    await new DerivationBuild(context, job, outputs, work).run()
  } catch (error) {
    throw explainFailure(context, job, work, error)
  } finally {
    await work?.remove()
  }
}

class DerivationBuild {
  readonly #context: BuildContext
  readonly #job: BuildJob
  readonly #outputs: ReadonlyMap<string, StorePath>
  readonly #work: WorkDirectory
  readonly #inputs: BuilderInputs

  constructor(context: BuildContext, job: BuildJob, outputs: ReadonlyMap<string, StorePath>, work: WorkDirectory) {
    this.#context = context
    this.#job = job
    this.#outputs = outputs
    this.#work = work
    this.#inputs = { options: derivationOptions(job.derivation), closure: inputClosure(context.store, job.derivation) }
  }

  async run(): Promise<void> {
    const { store } = this.#context
    // What a crash left under the final name is no output.
    for (const path of this.#outputs.values()) if (!store.isValid(path)) removeTree(store.physicalPath(path))
    if (await this.#takeFromArchive()) return
    let inPlace = false
    let origin: string | undefined
    if (isBuiltin(this.#job.derivation)) origin = await this.#runBuiltin()
    else inPlace = await runInSandbox(this.#context, this.#job, this.#work, this.#inputs)
    await this.#finish(inPlace)
    await this.#putIntoArchive(origin)
  }

  async #finish(inPlace: boolean): Promise<void> {
    const request = this.#outputsRequest(inPlace)
    switch (this.#job.mode) {
      case 'build':
        return this.#register(request)
      case 'check':
        return this.#compare(request)
      case 'repair':
        return this.#replace(request)
    }
  }

  /** True when the archive had the fixed output, and all is done. A check builds again, if it can. */
  async #takeFromArchive(): Promise<boolean> {
    const { settings, pool, signal } = this.#context
    const fixed = fixedOutput(this.#job.derivation)
    if (fixed === undefined || (this.#job.mode === 'check' && !settings.offline)) return false
    const place = { directory: settings.sourceDirectory, mirrors: settings.sourceMirrors, offline: settings.offline }
    const { method, hash } = fixedOutputHash(fixed)
    const destination = this.#outputPlace(this.#outputs.get('out')!, false)
    if (!(await takeFromArchive(place, { method, hash }, destination, { pool, signal }))) return false
    try {
      await this.#finish(false)
      return true
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'HASH_MISMATCH') throw error
      // The archive's file was damaged: it is forgotten, and fetched again.
      await pool.run('forgetSource', { directory: settings.sourceDirectory, hash }, signal)
      removeTree(destination)
      return false
    }
  }

  async #putIntoArchive(origin: string | undefined): Promise<void> {
    const { store, settings, pool, report, breakdown, signal } = this.#context
    const fixed = fixedOutput(this.#job.derivation)
    if (fixed === undefined || this.#job.mode === 'check') return
    const path = this.#outputs.get('out')!
    const request = {
      directory: settings.sourceDirectory,
      path: store.physicalPath(path),
      name: path.name,
      origin,
      ...fixedOutputHash(fixed),
    }
    try {
      breakdown.archive += await pool.run('archive', request, signal)
    } catch (error) {
      // The build has succeeded: the archive is for later.
      signal.throwIfAborted()
      report({
        kind: 'notice',
        message: `'${path.name}' could not be put into the source archive: ${error instanceof Error ? error.message : String(error)}`,
      })
    }
  }

  async #runBuiltin(): Promise<string | undefined> {
    const { store, settings, pool, report, breakdown, signal } = this.#context
    return runBuiltin({
      store,
      derivation: this.#job.derivation,
      options: this.#inputs.options,
      outputs: new Map(Array.from(this.#outputs, ([name, path]) => [name, this.#outputPlace(path, false)])),
      inputs: new Map(this.#inputs.closure.map((path) => [path.digest, path])),
      temporaryDirectory: this.#work.temporary,
      offline: settings.offline,
      pool,
      breakdown,
      signal,
      onProgress: throttled((bytes, total) => report({ kind: 'progress', task: this.#job.task, bytes, total })),
    })
  }

  #outputsRequest(inPlace: boolean): OutputsRequest & StoreRequest {
    const { store } = this.#context
    const outputs = Array.from(this.#outputs, ([name, path]) => ({
      name,
      path,
      location: this.#outputPlace(path, inPlace),
    }))
    for (const { name, path, location } of outputs) {
      if (lstatSync(location, { throwIfNoEntry: false }) !== undefined) continue
      throw new BuildError(
        'OUTPUT_MISSING',
        `builder of '${shownDerivation(store, this.#job)}' ended well but did not make output '${name}'`,
        {
          derivation: this.#job.path,
          hint: `it must create ${store.format(path)}, which is in $${name}`,
        },
      )
    }
    return {
      store: storeLocation(store),
      derivation: this.#job.path,
      outputs,
      candidates: this.#inputs.closure,
      linkedFromStore: isBuiltin(this.#job.derivation),
    }
  }

  async #register(request: OutputsRequest & StoreRequest): Promise<void> {
    const { store, pool, breakdown, signal } = this.#context
    // A thread opens the store for itself, and its answer waits for its turn: small outputs cost less than that.
    const times = request.outputs.every(({ location }) => isSmallTree(location))
      ? registerOutputs(store, request)
      : await pool.run('register', request, signal)
    breakdown.scan += times.scan
    breakdown.register += times.register
  }

  async #compare(request: OutputsRequest & StoreRequest): Promise<void> {
    const { store, pool, settings, breakdown, signal } = this.#context
    const begin = performance.now()
    const inspected = await pool.run('inspect', request, signal)
    breakdown.scan += seconds(begin)
    for (const [index, { name, hash }] of inspected.entries()) {
      const { path, location } = request.outputs[index]!
      if (hashesEqual(store.pathInfo(path).narHash, hash)) continue
      const before = store.physicalPath(path)
      const difference = await pool.run('compare', { left: before, right: location }, signal)
      let kept: string | undefined
      if (settings.keepFailed) {
        kept = `${before}.check`
        removeTree(kept)
        moveTree(location, kept)
      }
      throw new BuildError(
        'NOT_DETERMINISTIC',
        `'${shownDerivation(store, this.#job)}' is not reproducible: output '${name}' differs in ${difference ?? 'nothing that is visible now: the one in the store was changed'}`,
        {
          derivation: this.#job.path,
          keptDirectory: kept,
          hint:
            kept === undefined
              ? 'keep the other one with --keep-failed to compare them'
              : `compare with: diffoscope ${before} ${kept}`,
        },
      )
    }
  }

  async #replace(request: OutputsRequest & StoreRequest): Promise<void> {
    const { store, pool, signal } = this.#context
    const wanted = new Set(this.#job.replace?.map(storePathBaseName))
    const outputs = request.outputs.filter(({ path }) => wanted.has(storePathBaseName(path)))
    const inspected = await pool.run('inspect', { ...request, outputs }, signal)
    inspected.forEach(({ hash }, index) => {
      requireRegistered(store, this.#job, outputs[index]!.path, hash)
    })
    for (const { path, location } of outputs)
      await pool.run('replace', { store: request.store, path, location }, signal)
  }

  /** Where the builder left an output. */
  #outputPlace(path: StorePath, inPlace: boolean): string {
    return inPlace ? this.#context.store.physicalPath(path) : `${this.#work.store}/${storePathBaseName(path)}`
  }
}

/** What is built again replaces a damaged path only when it is what was registered. */
function requireRegistered(store: Store, job: BuildJob, path: StorePath, actual: Hash): void {
  const { narHash } = store.pathInfo(path)
  if (hashesEqual(narHash, actual)) return
  throw new BuildError(
    'NOT_DETERMINISTIC',
    `'${shownDerivation(store, job)}' is not reproducible: '${store.format(path)}' came out with the hash ${formatHash(actual, 'sri')} instead of ${formatHash(narHash, 'sri')}, and was not replaced`,
    {
      derivation: job.path,
      hint: 'remove it with all that refers to it and build anew, or copy it from a store that has it',
    },
  )
}

/** Everything that the builder may see. */
function inputClosure(store: Store, derivation: Derivation): StorePath[] {
  const inputs = derivation.inputSources.map((text) => parseStorePath(store.storeDirectory, text))
  for (const [text, names] of derivation.inputDerivations) {
    const path = parseStorePath(store.storeDirectory, text)
    inputs.push(...outputPaths(store, path, store.readDerivation(path), names).values())
  }
  return store.computeClosure(inputs)
}

/** Moving a directory to another parent needs write permission on itself, which canonical ones do not give. */
function moveTree(from: string, to: string): void {
  const isDirectory = lstatSync(from).isDirectory()
  if (isDirectory) chmodSync(from, 0o755)
  renameSync(from, to)
  if (!isDirectory) return
  chmodSync(to, 0o555)
  utimesSync(to, 1, 1)
}

/** Ten reports a second are enough for anybody to watch; the last one always comes. */
function throttled(report: (bytes: number, total: number | undefined) => void): typeof report {
  let last = Number.NEGATIVE_INFINITY
  return (bytes, total) => {
    const now = performance.now()
    if (now - last < 100 && bytes !== total) return
    last = now
    report(bytes, total)
  }
}

function seconds(begin: number): number {
  return (performance.now() - begin) / 1000
}
