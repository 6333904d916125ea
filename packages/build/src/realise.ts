import { availableParallelism } from 'node:os'
import { parseStorePath, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import { codedError, type Store } from '@baryon/store'
import { type BuildContext, type BuildSettings, buildDerivation } from './build-derivation.ts'
import { BuildError, RealiseError } from './build-error.ts'
import { type BuildEvent, type BuildReporter, emptyBreakdown, type TimeBreakdown } from './build-event.ts'
import { checkBuildable } from './buildable.ts'
import { type Durations, openDurations } from './durations.ts'
import { knownOutputs } from './known-outputs.ts'
import {
  type BuildPlan,
  derivationName,
  outputPaths,
  type PlannedTask,
  planTargets,
  type RealiseTarget,
  requireDerivation,
} from './plan.ts'
import { chooseSandbox, type SandboxChoice } from './sandbox/choose-sandbox.ts'
import type { Sandbox } from './sandbox/sandbox.ts'
import { runSchedule } from './schedule.ts'
import { substitutePath } from './substitute-path.ts'
import { type Substituter, substituteKey } from './substituter.ts'
import { openWorkArea, sweepWorkDirectories, type WorkArea } from './work-directory.ts'
import { createWorkerPool, type WorkerPool } from './worker/pool.ts'

export interface RealiseOptions {
  /** Builds at once; default: the processors of the machine. */
  readonly jobs?: number
  /** `NIX_BUILD_CORES`; default: the processors of the machine. */
  readonly cores?: number
  /** Downloads at once, beside the builds; default 8. */
  readonly fetchJobs?: number
  readonly keepGoing?: boolean
  readonly keepFailed?: boolean
  /** Builds the targets again although they are valid, and compares. */
  readonly check?: boolean
  /** Builds the targets again and puts these of their outputs into their places, where they came out as registered. */
  readonly repair?: readonly StorePath[]
  /** Seconds for one builder; default no limit. */
  readonly timeout?: number
  /** Seconds that a builder may be silent; default no limit. */
  readonly maxSilent?: number
  readonly sandbox?: SandboxChoice
  /** Asked, in this order, before anything is built. */
  readonly substituters?: readonly Substituter[]
  /** Nothing is fetched from the network; what the source archive has is used. */
  readonly offline?: boolean
  /** The source archive; default: `source` beside the stores of the root. */
  readonly sourceDirectory?: string
  /** Other source archives: base URLs or directories. */
  readonly sourceMirrors?: readonly string[]
  readonly onEvent?: BuildReporter
  /** Ends everything: sandboxes are killed, temporary files removed, and `realise` rejects with `INTERRUPTED`. */
  readonly signal?: AbortSignal
}

export interface BuildReport {
  /** Outputs of each derivation among the targets, by the base name of the derivation. */
  readonly outputs: ReadonlyMap<string, ReadonlyMap<string, StorePath>>
  /** Derivations that were built (or fetched), and paths that were copied, in the order of their ends. */
  readonly built: readonly StorePath[]
  readonly fetched: readonly StorePath[]
  readonly substituted: readonly StorePath[]
  /** Targets that were valid already. */
  readonly present: number
  readonly seconds: number
  readonly breakdown: TimeBreakdown
}

/**
 * Makes the targets valid: plans, substitutes, fetches, builds. Throws `RealiseError` with all failures when some could not
 * be made, and `INTERRUPTED` when aborted; the store is consistent in any case.
 */
export async function realise(
  store: Store,
  targets: readonly RealiseTarget[],
  options: RealiseOptions = {},
): Promise<BuildReport> {
  const run = new Realisation(store, targets, options)
  try {
    try {
      return await run.run()
    } finally {
      await run.close()
    }
  } catch (error) {
    throw codedError(store.physicalDirectory, error)
  }
}

/** The plan alone, as data, for a dry run. */
export async function planRealise(
  store: Store,
  targets: readonly RealiseTarget[],
  options: RealiseOptions = {},
): Promise<BuildPlan> {
  const durations = openDurations(store)
  try {
    return await planTargets(store, targets, {
      substituters: options.substituters ?? [],
      unavailable: new Set(),
      durations,
      onSubstituterFailure: (substituter, error) => options.onEvent?.(substituterNotice(substituter, error)),
      onRely: () => {},
    })
  } finally {
    durations.close()
  }
}

type PlannedEvent = Extract<BuildEvent, { kind: 'planned' }>

class Realisation {
  readonly #store: Store
  readonly #targets: readonly RealiseTarget[]
  /** What is built once more when all is there. */
  readonly #again: readonly StorePath[]
  readonly #options: RealiseOptions
  readonly #durations: Durations
  readonly #pool: WorkerPool = createWorkerPool()
  readonly #workArea: WorkArea
  readonly #breakdown = emptyBreakdown()
  readonly #begin = performance.now()
  readonly #jobs: number
  readonly #stop = new AbortController()
  readonly #unavailable = new Set<string>()
  readonly #silenced = new Set<Substituter>()
  readonly #done = { build: [] as StorePath[], fetch: [] as StorePath[], substitute: [] as StorePath[] }
  readonly #onAbort = () => this.#stop.abort(interrupted())
  #sandbox: Sandbox | undefined
  #present = 0
  #planned: PlannedEvent | undefined

  constructor(store: Store, targets: readonly RealiseTarget[], options: RealiseOptions) {
    this.#store = store
    this.#targets = targets
    const isAgain = options.check === true || options.repair !== undefined
    this.#again = isAgain ? targets.flatMap((target) => ('path' in target ? [] : [target.derivation])) : []
    this.#options = options
    this.#durations = openDurations(store)
    this.#workArea = openWorkArea(store, this.#pool)
    this.#jobs = options.jobs ?? availableParallelism()
    if (options.signal?.aborted === true) this.#onAbort()
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async run(): Promise<BuildReport> {
    // A substituter that promised a path and then failed is left out, and the plan made anew.
    for (;;) {
      const begin = performance.now()
      const plan = await this.#plan()
      this.#breakdown.plan += (performance.now() - begin) / 1000
      this.#stop.signal.throwIfAborted()
      const unavailable = this.#unavailable.size
      await this.#execute(plan)
      if (this.#unavailable.size === unavailable) break
    }
    if (this.#options.repair !== undefined) await this.#buildAgain('repair')
    else if (this.#options.check === true) await this.#buildAgain('check')
    return this.#report()
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#durations.close()
    try {
      await this.#workArea.close()
    } finally {
      await this.#pool.close()
    }
  }

  async #plan(): Promise<BuildPlan> {
    const plan = await planTargets(this.#store, this.#targets, {
      substituters: this.#options.substituters ?? [],
      unavailable: this.#unavailable,
      durations: this.#durations,
      onSubstituterFailure: (substituter, error) => {
        if (!this.#silenced.has(substituter)) this.#emit(substituterNotice(substituter, error))
        this.#silenced.add(substituter)
      },
      onRely: (paths) => this.#store.addTempRoots(paths),
    })
    this.#present = plan.present
    return plan
  }

  async #execute(plan: BuildPlan): Promise<void> {
    const tasks = [...plan.tasks.values()]
    if (tasks.length + this.#again.length === 0) return
    const counts = { build: 0, fetch: 0, substitute: 0 }
    let downloadBytes = 0
    for (const task of tasks) {
      counts[task.activity]++
      if (task.activity === 'substitute') downloadBytes += task.info.downloadSize ?? 0
      else checkBuildable(this.#store, task.path, task.derivation)
    }
    if (counts.build > 0 && this.#jobs < 1) {
      const noun = counts.build === 1 ? 'derivation' : 'derivations'
      throw new UserError('NO_BUILD_SLOTS', `${counts.build} ${noun} must be built, but no builds are allowed`, {
        hint: 'say -j 1 or more',
      })
    }
    sweepWorkDirectories(this.#store)
    // They come one after the other.
    const againSeconds = this.#again.reduce((sum, path) => sum + (this.#durations.recall(derivationName(path)) ?? 0), 0)
    const expectedSeconds = Math.max(plan.criticalSeconds, plan.totalSeconds / Math.max(1, this.#jobs)) + againSeconds
    this.#planned = {
      kind: 'planned',
      builds: counts.build + this.#again.length,
      fetches: counts.fetch,
      substitutes: counts.substitute,
      downloadBytes,
      expectedSeconds,
    }
    this.#emit(this.#planned)
    await this.#schedule(plan)
  }

  async #schedule(plan: BuildPlan): Promise<void> {
    const { keepGoing = false, fetchJobs = 8 } = this.#options
    // Those that still run when one fails are ended with it, unless the user wants to go on.
    const failed = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, failed.signal])
    const result = await runSchedule(plan, {
      limits: { build: this.#jobs, fetch: fetchJobs, substitute: fetchJobs },
      keepGoing,
      signal,
      run: async (task) => {
        try {
          await this.#runTask(task, signal)
        } catch (error) {
          if (!keepGoing && !this.#isSubstituteFailure(error))
            failed.abort(new UserError('STOPPED', 'ended because another build failed'))
          throw error
        }
      },
      onSkip: (task, cause) => {
        if (!keepGoing || cause.activity === 'substitute' || task.activity === 'substitute') return
        const error = new BuildError(
          'DEPENDENCY_FAILED',
          `'${task.name}' was not built because '${cause.name}' failed`,
          { derivation: task.path },
        )
        this.#emit({ kind: 'failed', task: task.key, activity: task.activity, seconds: 0, error })
      },
    })
    this.#stop.signal.throwIfAborted()
    const failures = result.failures.filter(
      ({ error }) => !this.#isSubstituteFailure(error) && error !== failed.signal.reason,
    )
    if (failures.length === 0) return
    throw new RealiseError(
      failures.map(({ error }) => (error instanceof Error ? error : new Error(String(error)))),
      this.#report(),
    )
  }

  async #runTask(task: PlannedTask, signal: AbortSignal): Promise<void> {
    const begin = performance.now()
    const { key, activity, name, path, expectedSeconds } = task
    this.#emit({
      kind: 'started',
      task: key,
      activity,
      name,
      derivation: activity === 'substitute' ? undefined : path,
      expectedSeconds,
    })
    try {
      const outcome =
        task.activity === 'substitute'
          ? await substitutePath(
              {
                store: this.#store,
                pool: this.#pool,
                workArea: this.#workArea,
                report: this.#emit,
                breakdown: this.#breakdown,
                signal,
              },
              task,
            )
          : await buildDerivation(this.#context(signal), {
              task: key,
              path,
              derivation: task.derivation,
              mode: 'build',
            })
      const seconds = (performance.now() - begin) / 1000
      if (outcome === 'made') {
        this.#done[activity].push(path)
        if (activity !== 'substitute') this.#durations.remember(name, seconds)
      }
      this.#emit({ kind: 'finished', task: key, activity, seconds, outcome })
    } catch (cause) {
      const error = codedError(this.#store.physicalDirectory, cause)
      if (task.activity === 'substitute' && this.#isSubstituteFailure(error))
        this.#unavailable.add(substituteKey(task.substituter, path))
      this.#emit({
        kind: 'failed',
        task: key,
        activity,
        seconds: (performance.now() - begin) / 1000,
        error: error as Error,
      })
      throw error
    }
  }

  /** Builds the targets once more. */
  async #buildAgain(mode: 'check' | 'repair'): Promise<void> {
    const replace = this.#options.repair ?? []
    const failures: Error[] = []
    for (const path of this.#again) {
      const task = storePathBaseName(path)
      const name = derivationName(path)
      const begin = performance.now()
      this.#emit({
        kind: 'started',
        task,
        activity: 'build',
        name,
        derivation: path,
        expectedSeconds: this.#durations.recall(name),
      })
      try {
        // Sources and inputs may be gone although the output is there.
        const derivation = requireDerivation(this.#store, path)
        checkBuildable(this.#store, path, derivation)
        await this.#realiseInputs(path)
        const outcome = await buildDerivation(this.#context(this.#stop.signal), {
          task,
          path,
          derivation,
          mode,
          replace,
        })
        this.#emit({
          kind: 'finished',
          task,
          activity: 'build',
          seconds: (performance.now() - begin) / 1000,
          outcome,
        })
      } catch (cause) {
        this.#stop.signal.throwIfAborted()
        const error = codedError(this.#store.physicalDirectory, cause)
        if (!(error instanceof Error)) throw error
        this.#emit({ kind: 'failed', task, activity: 'build', seconds: (performance.now() - begin) / 1000, error })
        failures.push(error)
        if (this.#options.keepGoing !== true) break
      }
    }
    if (failures.length > 0) throw new RealiseError(failures, this.#report())
  }

  /** What is planned in all: a check plans again for inputs that are gone. */
  #planMore(more: PlannedEvent): PlannedEvent {
    // A check has planned before.
    const before = this.#planned!
    this.#planned = {
      kind: 'planned',
      builds: before.builds + more.builds,
      fetches: before.fetches + more.fetches,
      substitutes: before.substitutes + more.substitutes,
      downloadBytes: before.downloadBytes + more.downloadBytes,
      expectedSeconds: before.expectedSeconds + more.expectedSeconds,
    }
    return this.#planned
  }

  async #realiseInputs(path: StorePath): Promise<void> {
    const { check: _, repair: __, ...options } = this.#options
    const inputs = inputTargets(this.#store, path)
    const onEvent = (event: BuildEvent) => this.#emit(event.kind === 'planned' ? this.#planMore(event) : event)
    if (inputs.length > 0) await realise(this.#store, inputs, { ...options, onEvent })
  }

  #context(signal: AbortSignal): BuildContext {
    const {
      cores,
      timeout,
      maxSilent,
      keepFailed = false,
      offline = false,
      sourceDirectory,
      sourceMirrors = [],
    } = this.#options
    const settings: BuildSettings = {
      cores: cores ?? availableParallelism(),
      timeout,
      maxSilent,
      keepFailed,
      offline,
      sourceDirectory: sourceDirectory ?? defaultSourceDirectory(this.#store),
      sourceMirrors,
    }
    const breakdown = this.#breakdown
    return {
      store: this.#store,
      settings,
      sandbox: () => this.#chooseSandbox(),
      pool: this.#pool,
      workArea: this.#workArea,
      report: this.#emit,
      breakdown,
      signal,
    }
  }

  #chooseSandbox(): Sandbox {
    if (this.#sandbox !== undefined) return this.#sandbox
    this.#sandbox = chooseSandbox(this.#options.sandbox)
    const { tier, lost } = this.#sandbox
    if (lost.length > 0) this.#emit({ kind: 'notice', message: `sandbox ${tier}: ${lost.join('; ')}` })
    return this.#sandbox
  }

  #report(): BuildReport {
    const outputs = new Map<string, ReadonlyMap<string, StorePath>>()
    const known = knownOutputs(this.#store, this.#targets)
    for (const [index, target] of this.#targets.entries()) {
      if ('path' in target) continue
      const { derivation, outputs: names } = target
      outputs.set(
        storePathBaseName(derivation),
        known[index] ?? outputPaths(this.#store, derivation, this.#store.readDerivation(derivation), names),
      )
    }
    const { build, fetch, substitute } = this.#done
    const seconds = (performance.now() - this.#begin) / 1000
    return {
      outputs,
      built: build,
      fetched: fetch,
      substituted: substitute,
      present: this.#present,
      seconds,
      breakdown: this.#breakdown,
    }
  }

  #isSubstituteFailure(error: unknown): boolean {
    return error instanceof UserError && error.code === 'SUBSTITUTE_FAILED'
  }

  readonly #emit = (event: BuildEvent): void => this.#options.onEvent?.(event)
}

function inputTargets(store: Store, path: StorePath): RealiseTarget[] {
  const derivation = store.readDerivation(path)
  return Array.from(derivation.inputDerivations, ([text, outputs]) => ({
    derivation: parseStorePath(store.storeDirectory, text),
    outputs,
  }))
}

/** `ROOT/source`: shared by all stores of a root. In place, beside the state of the store. */
export function defaultSourceDirectory(store: Store): string {
  const { physicalDirectory, storeDirectory } = store
  const root = physicalDirectory.endsWith(storeDirectory)
    ? physicalDirectory.slice(0, -storeDirectory.length)
    : undefined
  return root === undefined || root === '' ? `${store.ownDirectory}/source` : `${root}/source`
}

function interrupted(): UserError {
  return new UserError('INTERRUPTED', 'interrupted', {
    hint: 'what was finished is kept; the same command goes on from there',
  })
}

function substituterNotice(substituter: Substituter, error: unknown): BuildEvent {
  return {
    kind: 'notice',
    message: `${substituter.name} is left out: ${error instanceof Error ? error.message : String(error)}`,
  }
}
