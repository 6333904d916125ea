import {
  chmodSync,
  existsSync,
  lstatSync,
  readlinkSync,
  renameSync,
  statfsSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import {
  type Derivation,
  fixedOutput,
  fixedOutputHash,
  formatStorePath,
  hashesEqual,
  isSystemError,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { removeTree, type Store } from '@baryon/store'
import { takeFromArchive } from './archived-source.ts'
import { BuildError } from './build-error.ts'
import type { BuildEvent, TimeBreakdown } from './build-event.ts'
import { createLogWriter } from './build-log.ts'
import { builderEnvironment } from './builder-environment.ts'
import { isBuiltin, runBuiltin } from './builtin/builtin.ts'
import { type DerivationOptions, derivationOptions } from './derivation-options.ts'
import { outputPaths } from './plan.ts'
import type { OutputsRequest } from './register-outputs.ts'
import { type BuilderOutcome, runBuilder, sandboxSetupError } from './run-builder.ts'
import { hostShell } from './sandbox/host-shell.ts'
import type { Sandbox, SandboxInput, WorkDirectory } from './sandbox/sandbox.ts'
import { createWorkDirectory, keepBuildDirectory, removeWorkDirectory, writeSandboxEtc } from './work-directory.ts'
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
  readonly report: (event: BuildEvent) => void
  readonly breakdown: TimeBreakdown
  readonly signal: AbortSignal
}

export interface BuildJob {
  /** Key of the task, for events. */
  readonly task: string
  readonly path: StorePath
  readonly derivation: Derivation
  /** `check` builds again what is valid and compares. */
  readonly mode: 'build' | 'check'
}

export type BuildOutcome = 'made' | 'present' | 'checked'

/**
 * Builds one derivation whose inputs are all valid, and registers its outputs. Safe against other processes that build the
 * same: the second one waits and takes the result. Throws `BuildError`; the signal's reason when aborted.
 */
export async function buildDerivation(context: BuildContext, job: BuildJob): Promise<BuildOutcome> {
  const { store, breakdown, signal } = context
  const outputs = outputPaths(store, job.path, job.derivation, 'all')
  for (const path of outputs.values()) store.addTempRoot(path)
  const begin = performance.now()
  const lock = await store.lockPaths([...outputs.values()], {
    signal,
    onWait: () => context.report({ kind: 'waiting', task: job.task }),
  })
  breakdown.locks += seconds(begin)
  try {
    const valid = [...outputs.values()].every((path) => store.isValid(path))
    if (job.mode === 'build' && valid) return 'present'
    if (job.mode === 'check' && !valid) {
      throw new BuildError(
        'CHECK_NOT_BUILT',
        `'${shown(context, job)}' has not been built: there is nothing to compare with`,
        {
          derivation: job.path,
          hint: 'build it first',
        },
      )
    }
    const work = createWorkDirectory(store, job.path.name.replace(/\.drv$/, ''))
    try {
      await new DerivationBuild(context, job, outputs, work).run()
    } catch (error) {
      throw explain(context, job, work, error)
    } finally {
      removeWorkDirectory(work)
    }
    return job.mode === 'check' ? 'checked' : 'made'
  } finally {
    lock.release()
  }
}

class DerivationBuild {
  readonly #context: BuildContext
  readonly #job: BuildJob
  readonly #outputs: ReadonlyMap<string, StorePath>
  readonly #work: WorkDirectory
  readonly #options: DerivationOptions
  readonly #inputClosure: readonly StorePath[]

  constructor(context: BuildContext, job: BuildJob, outputs: ReadonlyMap<string, StorePath>, work: WorkDirectory) {
    this.#context = context
    this.#job = job
    this.#outputs = outputs
    this.#work = work
    this.#options = derivationOptions(job.derivation)
    this.#inputClosure = inputClosure(context.store, job.derivation)
  }

  async run(): Promise<void> {
    const { store } = this.#context
    // What a crash left under the final name is no output.
    for (const path of this.#outputs.values()) if (!store.isValid(path)) removeTree(store.physicalPath(path))
    const archived = await this.#takeFromArchive()
    let inPlace = false
    let origin: string | undefined
    if (!archived) {
      if (isBuiltin(this.#job.derivation)) origin = await this.#runBuiltin()
      else inPlace = await this.#runBuilder()
    }
    const request = this.#outputsRequest(inPlace)
    if (this.#job.mode === 'check') {
      await this.#compare(request)
    } else {
      await this.#register(request)
      if (!archived) await this.#putIntoArchive(origin)
    }
  }

  /** A check builds again, if it can. */
  async #takeFromArchive(): Promise<boolean> {
    const { settings, pool, signal } = this.#context
    const fixed = fixedOutput(this.#job.derivation)
    if (fixed === undefined || (this.#job.mode === 'check' && !settings.offline)) return false
    const place = { directory: settings.sourceDirectory, mirrors: settings.sourceMirrors, offline: settings.offline }
    return takeFromArchive(place, fixedOutputHash(fixed), this.#outputPlace(this.#outputs.get('out')!, false), {
      pool,
      signal,
    })
  }

  async #putIntoArchive(origin: string | undefined): Promise<void> {
    const { store, settings, pool, report, signal } = this.#context
    const fixed = fixedOutput(this.#job.derivation)
    if (fixed === undefined) return
    const path = this.#outputs.get('out')!
    const request = {
      directory: settings.sourceDirectory,
      path: store.physicalPath(path),
      name: path.name,
      origin,
      ...fixedOutputHash(fixed),
    }
    try {
      await pool.run('archive', request, signal)
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
      options: this.#options,
      outputs: new Map(Array.from(this.#outputs, ([name, path]) => [name, this.#outputPlace(path, false)])),
      inputs: new Map(this.#inputClosure.map((path) => [path.digest, path])),
      temporaryDirectory: this.#work.temporary,
      offline: settings.offline,
      pool,
      breakdown,
      signal,
      onProgress: (bytes, total) => report({ kind: 'progress', task: this.#job.task, bytes, total }),
    })
  }

  /** True when the outputs were made in the store itself. */
  async #runBuilder(): Promise<boolean> {
    const { store, settings, report, breakdown, signal } = this.#context
    const { derivation, path, task } = this.#job
    const prepareBegin = performance.now()
    const sandbox = this.#context.sandbox()
    const inPlace = sandbox.tier === 'none'
    if (inPlace) this.#requireInPlace()
    const fixed = fixedOutput(derivation) !== undefined
    const { args, env } = builderEnvironment({
      store,
      derivation,
      options: this.#options,
      hostDirectory: this.#work.build,
      buildDirectory: sandbox.buildDirectory(this.#work),
      cores: settings.cores,
      fixedOutput: fixed,
      inputClosure: this.#inputClosure,
    })
    writeSandboxEtc(this.#work, fixed)
    const usr = this.#sandboxUsr()
    const inputs = inPlace ? [] : this.#sandboxInputs()
    const log = createLogWriter(store, path)
    const startTime = Date.now()
    const running = await sandbox.start({
      work: this.#work,
      storeDirectory: store.storeDirectory,
      builder: derivation.builder,
      args,
      env,
      inputs,
      usr,
      hostFiles: usr === undefined && !inPlace ? hostShell() : [],
      network: fixed,
    })
    breakdown.prepare += seconds(prepareBegin)
    const builderBegin = performance.now()
    const outcome = await runBuilder(running, {
      log,
      onLines: (lines) => report({ kind: 'log', task, lines }),
      onPhase: (phase) => report({ kind: 'phase', task, phase }),
      timeout: settings.timeout,
      maxSilent: settings.maxSilent,
      signal,
    })
    breakdown.builders += seconds(builderBegin)
    signal.throwIfAborted()
    if (outcome.setupFailed) throw sandboxSetupError(sandbox.tier, outcome.logTail)
    if (sandbox.inputsWritable) await this.#verifyInputs(startTime)
    this.#checkOutcome(outcome)
    return inPlace
  }

  #checkOutcome({ status, killed, logTail }: BuilderOutcome): void {
    const { settings, store } = this.#context
    const details = { derivation: this.#job.path, status, logTail }
    const name = shown(this.#context, this.#job)
    if (killed === 'timeout') {
      throw new BuildError('BUILD_TIMEOUT', `build of '${name}' took more than ${settings.timeout} s and was ended`, {
        ...details,
        hint: 'allow it more time, or look in the log for what hangs',
      })
    }
    if (killed === 'silent') {
      throw new BuildError(
        'BUILD_SILENT',
        `build of '${name}' said nothing for ${settings.maxSilent} s and was ended`,
        {
          ...details,
          hint: 'allow it to be silent for longer, or look in the log for what hangs',
        },
      )
    }
    if (status === 0) return
    if (isFull(store.physicalDirectory) || isFull(this.#work.build)) {
      throw new BuildError(
        'DISK_FULL',
        `build of '${name}' failed with ${statusText(status)}, and the disk of '${store.physicalDirectory}' is full`,
        {
          ...details,
          hint: 'free space, for instance by `baryon store gc`, or choose another root',
        },
      )
    }
    throw new BuildError('BUILD_FAILED', `build of '${name}' failed with ${statusText(status)}`, {
      ...details,
      hint: `see the whole log with: baryon log ${name}`,
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
        `builder of '${shown(this.#context, this.#job)}' ended well but did not make output '${name}'`,
        {
          derivation: this.#job.path,
          hint: `it must create ${store.format(path)}, which is in $${name}`,
        },
      )
    }
    return { store: storeLocation(store), derivation: this.#job.path, outputs, candidates: this.#inputClosure }
  }

  async #register(request: OutputsRequest & StoreRequest): Promise<void> {
    const { pool, breakdown, signal } = this.#context
    const times = await pool.run('register', request, signal)
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
        `'${shown(this.#context, this.#job)}' is not reproducible: output '${name}' differs in ${difference ?? 'nothing that is visible now: the one in the store was changed'}`,
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

  /** Where the builder left an output. */
  #outputPlace(path: StorePath, inPlace: boolean): string {
    return inPlace ? this.#context.store.physicalPath(path) : `${this.#work.store}/${storePathBaseName(path)}`
  }

  #sandboxInputs(): SandboxInput[] {
    const { store } = this.#context
    return this.#inputClosure.map((path) => {
      const source = store.physicalPath(path)
      const name = storePathBaseName(path)
      const stat = lstatSync(source)
      if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source, 'buffer'), `${this.#work.store}/${name}`)
      return { source, name, kind: stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'regular' }
    })
  }

  #sandboxUsr(): string | undefined {
    const { store } = this.#context
    const text = this.#options.text('sandboxRoot')
    if (text === undefined || text === '') return undefined
    const path = parseStorePath(store.storeDirectory, text)
    const isInput = this.#inputClosure.some((input) => input.digest === path.digest)
    const usr = `${store.physicalPath(path)}/usr`
    if (isInput && existsSync(usr)) return usr
    throw new BuildError(
      'SANDBOX_ROOT_INVALID',
      `sandboxRoot '${text}' of '${shown(this.#context, this.#job)}' ${isInput ? 'has no usr' : 'is not one of its inputs'}`,
      {
        derivation: this.#job.path,
        hint: 'give the output of a builtin:unpack-tree derivation, with its string context',
      },
    )
  }

  #requireInPlace(): void {
    const { store } = this.#context
    if (store.physicalDirectory === store.storeDirectory) return
    throw new UserError(
      'SANDBOX_NEEDED',
      `without a sandbox nothing can be built for '${store.storeDirectory}' while the store lies in '${store.physicalDirectory}'`,
      { hint: 'choose another sandbox, or a store that lies at its logical place' },
    )
  }

  /** Where nothing but file modes kept the builder from writing to its inputs. */
  async #verifyInputs(since: number): Promise<void> {
    const { store, pool, signal } = this.#context
    const places = new Map(this.#inputClosure.map((path) => [store.physicalPath(path), path]))
    for (const place of await pool.run('changed', { paths: [...places.keys()], since }, signal)) {
      const path = places.get(place)!
      const info = store.queryPathInfo(path)!
      const now = existsSync(place) ? await pool.run('hash', { path: place }, signal) : undefined
      if (now !== undefined && hashesEqual(now.hash, info.narHash)) continue
      throw new BuildError(
        'INPUT_MODIFIED',
        `the builder of '${shown(this.#context, this.#job)}' wrote to its input '${formatStorePath(store.storeDirectory, path)}'`,
        {
          derivation: this.#job.path,
          hint: 'repair the store with: baryon store verify --check-contents --repair',
        },
      )
    }
  }
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

/** Gives an error the derivation, and keeps the build directory when asked to. */
function explain(context: BuildContext, job: BuildJob, work: WorkDirectory, error: unknown): unknown {
  if (context.signal.aborted) return context.signal.reason
  let result = error
  if (isFullError(error)) {
    result = new BuildError(
      'DISK_FULL',
      `the disk of '${context.store.physicalDirectory}' is full while building '${shown(context, job)}'`,
      {
        derivation: job.path,
        hint: 'free space, for instance by `baryon store gc`, or choose another root',
        cause: error,
      },
    )
  } else if (
    error instanceof UserError &&
    !(error instanceof BuildError) &&
    !error.code.startsWith('SANDBOX_') &&
    error.code !== 'NO_SANDBOX'
  ) {
    result = new BuildError(error.code, `'${shown(context, job)}': ${error.message}`, {
      derivation: job.path,
      hint: error.hint,
      cause: error,
    })
  }
  if (
    !context.settings.keepFailed ||
    !(result instanceof BuildError) ||
    isBuiltin(job.derivation) ||
    result.keptDirectory !== undefined
  )
    return result
  const kept = keepBuildDirectory(context.store, work, job.path.name.replace(/\.drv$/, ''))
  context.report({ kind: 'notice', message: `build directory kept: ${kept}` })
  const { code, message, derivation, status, logTail, hint, cause } = result
  return new BuildError(code, message, { derivation, status, logTail, hint, cause, keptDirectory: kept })
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

function isFullError(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (isSystemError(at, 'ENOSPC', 'EDQUOT')) return true
  return false
}

/** Little enough that a builder may have failed for it. */
function isFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize < 1 << 20
}

function statusText(status: number): string {
  return status > 128 && status < 128 + 65 ? `signal ${status - 128}` : `status ${status}`
}

function shown(context: BuildContext, job: BuildJob): string {
  return formatStorePath(context.store.storeDirectory, job.path)
}

function seconds(begin: number): number {
  return (performance.now() - begin) / 1000
}
