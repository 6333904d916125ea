import {
  type Derivation,
  fixedOutput,
  formatStorePath,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Activity } from './build-event.ts'
import type { Durations } from './durations.ts'
import { knownOutputs } from './known-outputs.ts'
import { querySubstituters, type SubstituteInfo, type Substituter } from './substituter.ts'

/** What is wanted: outputs of a derivation, or a path that only a substituter (or the store itself) can give. */
export type RealiseTarget =
  | { readonly derivation: StorePath; readonly outputs: readonly string[] | 'all' }
  | { readonly path: StorePath }

export interface PlanOptions {
  readonly substituters: readonly Substituter[]
  /** Keys (`substituteKey`) of paths that substituters have failed to give. */
  readonly unavailable: ReadonlySet<string>
  readonly durations: Durations
  readonly onSubstituterFailure: (substituter: Substituter, error: unknown) => void
  /** Told of all paths that are relied on, before their validity is looked at: makes them temporary roots. */
  readonly onRely: (paths: readonly StorePath[]) => void
}

export interface BuildPlan {
  /** By key, which is the base name of a derivation or of a substituted path; dependencies come first. */
  readonly tasks: ReadonlyMap<string, PlannedTask>
  /** Targets that can be had already. */
  readonly present: number
  /** Sum of the expected seconds, and of those on the longest path. */
  readonly totalSeconds: number
  readonly criticalSeconds: number
}

export type PlannedTask = PlannedBuild | PlannedSubstitute

export interface PlannedBuild extends TaskFacts {
  readonly activity: 'build' | 'fetch'
  readonly path: StorePath
  readonly derivation: Derivation
}

export interface PlannedSubstitute extends TaskFacts {
  readonly activity: 'substitute'
  readonly path: StorePath
  readonly info: SubstituteInfo
  readonly substituter: Substituter
}

interface TaskFacts {
  readonly key: string
  /** To show, and to remember durations by. */
  readonly name: string
  /** Keys of the tasks that must be done before. */
  readonly dependencies: ReadonlySet<string>
  /** What it took the last time. */
  readonly expectedSeconds: number | undefined
  /** Seconds from its start to the end of all that waits for it: the longer, the sooner it starts. */
  readonly priority: number
}

/** Finds what must be done to have the targets: what is valid already, what substitutes, what is fetched and built. */
export async function planTargets(
  store: Store,
  targets: readonly RealiseTarget[],
  options: PlanOptions,
): Promise<BuildPlan> {
  const planner = new Planner(store, options)
  const present = await planner.run(targets)
  return planner.finish(present)
}

/** What a person calls it: its name without `.drv`. */
export function derivationName(path: StorePath): string {
  return path.name.replace(/\.drv$/, '')
}

/** Reads a derivation that must be in the store. */
export function requireDerivation(store: Store, path: StorePath): Derivation {
  if (!store.isValid(path)) {
    throw new UserError(
      'DERIVATION_MISSING',
      `derivation '${formatStorePath(store.storeDirectory, path)}' is not in the store`,
      {
        hint: 'instantiate it again: it may have been garbage-collected',
      },
    )
  }
  return store.readDerivation(path)
}

/** Paths of the outputs of a derivation by name, in the order of the request. */
export function outputPaths(
  store: Store,
  path: StorePath,
  derivation: Derivation,
  names: readonly string[] | 'all',
): Map<string, StorePath> {
  const result = new Map<string, StorePath>()
  for (const name of names === 'all' ? derivation.outputs.keys() : names) {
    const output = derivation.outputs.get(name)
    const shown = formatStorePath(store.storeDirectory, path)
    if (output === undefined) {
      throw new UserError('OUTPUT_UNKNOWN', `derivation '${shown}' has no output '${name}'`, {
        hint: `it has ${[...derivation.outputs.keys()].join(', ')}`,
      })
    }
    if (output.path === '') {
      throw new UserError(
        'DERIVATION_UNSUPPORTED',
        `derivation '${shown}' is content-addressed: its outputs are not known before the build`,
        {
          hint: 'remove __contentAddressed from it',
        },
      )
    }
    result.set(name, parseStorePath(store.storeDirectory, output.path))
  }
  return result
}

/** Without a past, guesses that put builds before fetches of the same rank. */
const GUESS_SECONDS: Readonly<Record<Activity, number>> = { build: 20, fetch: 3, substitute: 1 }

interface Draft {
  readonly task: Omit<PlannedBuild, keyof Graph> | Omit<PlannedSubstitute, keyof Graph>
  readonly dependencies: Set<string>
}

type Graph = Pick<TaskFacts, 'dependencies' | 'priority'>

interface Request {
  readonly path: StorePath
  readonly outputs: readonly string[] | 'all'
}

class Planner {
  readonly #store: Store
  readonly #options: PlanOptions
  readonly #drafts = new Map<string, Draft>()
  readonly #derivations = new Map<string, Derivation>()
  readonly #valid = new Map<string, boolean>()
  readonly #relied = new Set<string>()
  /** Undefined: no substituter has it, or not all that it refers to. */
  readonly #substitutes = new Map<
    string,
    { readonly substituter: Substituter; readonly info: SubstituteInfo } | undefined
  >()
  /** Which task makes a path. */
  readonly #makers = new Map<string, string>()

  constructor(store: Store, options: PlanOptions) {
    this.#store = store
    this.#options = options
  }

  async run(targets: readonly RealiseTarget[]): Promise<number> {
    const requests: Request[] = []
    const paths: StorePath[] = []
    let present = 0
    const known = this.#lookUp(targets)
    for (const [index, target] of targets.entries()) {
      if ('path' in target) {
        if (this.#isValid(target.path)) present++
        else paths.push(target.path)
        continue
      }
      const outputs = known[index]
      if (outputs !== undefined && [...outputs.values()].every((path) => this.#isValid(path))) {
        present++
        continue
      }
      requests.push({ path: target.derivation, outputs: target.outputs })
      if (this.#missing(requests.at(-1)!).length === 0) present++
    }
    await this.#ask(paths)
    for (const path of paths) if (!this.#substitute([path])) throw this.#unavailable(path)
    await this.#planBuilds(requests)
    return present
  }

  /** Mostly everything is there: two statements of the database tell so, and no file is read. */
  #lookUp(targets: readonly RealiseTarget[]): ReturnType<typeof knownOutputs> {
    this.#rely(targets.map((target) => ('path' in target ? target.path : target.derivation)))
    const known = knownOutputs(this.#store, targets)
    const paths = known.flatMap((outputs) => (outputs === undefined ? [] : [...outputs.values()]))
    this.#rely(paths)
    const valid = this.#store.queryValidAmong(paths)
    for (const name of paths.map(storePathBaseName)) this.#valid.set(name, valid.has(name))
    return known
  }

  #rely(paths: readonly StorePath[]): void {
    this.#options.onRely(paths)
    for (const path of paths) this.#relied.add(storePathBaseName(path))
  }

  finish(present: number): BuildPlan {
    const order = this.#topologicalOrder()
    const priorities = new Map<string, number>()
    let totalSeconds = 0
    let criticalSeconds = 0
    for (const key of [...order].reverse()) {
      const { task, dependencies } = this.#drafts.get(key)!
      const own = task.expectedSeconds ?? GUESS_SECONDS[task.activity]
      const priority = own + (priorities.get(key) ?? 0)
      priorities.set(key, priority)
      totalSeconds += own
      criticalSeconds = Math.max(criticalSeconds, priority)
      for (const dependency of dependencies)
        priorities.set(dependency, Math.max(priorities.get(dependency) ?? 0, priority))
    }
    const tasks = new Map<string, PlannedTask>()
    for (const key of order) {
      const { task, dependencies } = this.#drafts.get(key)!
      tasks.set(key, { ...task, dependencies, priority: priorities.get(key)! } as PlannedTask)
    }
    return { tasks, present, totalSeconds, criticalSeconds }
  }

  /** Level by level, so that substituters are asked about many paths at once. */
  async #planBuilds(targets: readonly Request[]): Promise<void> {
    const edges: { readonly key: string; readonly path: StorePath }[] = []
    let level = targets
    while (level.length > 0) {
      const wanted = level
        .map((request) => ({ request, missing: this.#missing(request) }))
        .filter(({ missing }) => missing.length > 0)
      const allowed = wanted.filter(({ request }) => this.#maySubstitute(this.#derivation(request.path)))
      await this.#ask(allowed.flatMap(({ missing }) => missing))
      const next: Request[] = []
      const sources: StorePath[] = []
      for (const { request, missing } of wanted) {
        const key = storePathBaseName(request.path)
        if (this.#drafts.has(key) || this.#substitute(missing)) continue
        const derivation = this.#derivation(request.path)
        for (const path of outputPaths(this.#store, request.path, derivation, 'all').values())
          this.#makers.set(storePathBaseName(path), key)
        this.#addBuild(key, request.path, derivation)
        for (const [text, outputs] of derivation.inputDerivations) {
          const input = parseStorePath(this.#store.storeDirectory, text)
          next.push({ path: input, outputs })
          for (const path of outputPaths(this.#store, input, this.#derivation(input), outputs).values())
            edges.push({ key, path })
        }
        for (const text of derivation.inputSources) {
          const path = parseStorePath(this.#store.storeDirectory, text)
          edges.push({ key, path })
          if (!this.#isValid(path)) sources.push(path)
        }
      }
      await this.#ask(sources)
      for (const path of sources) if (!this.#substitute([path])) throw this.#unavailable(path)
      level = next
    }
    for (const { key, path } of edges) {
      const maker = this.#makers.get(storePathBaseName(path))
      if (maker !== undefined && maker !== key && !this.#isValid(path)) this.#drafts.get(key)!.dependencies.add(maker)
    }
  }

  #addBuild(key: string, path: StorePath, derivation: Derivation): void {
    const name = derivationName(path)
    // What waits for the network takes no build slot; the hash says what must come out, so nothing else can be its work.
    const activity =
      derivation.builder === 'builtin:unpack-tree' || fixedOutput(derivation) === undefined ? 'build' : 'fetch'
    const expectedSeconds = this.#options.durations.recall(name)
    this.#drafts.set(key, { task: { key, name, activity, path, derivation, expectedSeconds }, dependencies: new Set() })
  }

  /** Asks the substituters about the paths and about all that these refer to. */
  async #ask(paths: readonly StorePath[]): Promise<void> {
    const { substituters, unavailable } = this.#options
    if (substituters.length === 0) return
    let level = paths.filter((path) => !this.#isValid(path))
    while (level.length > 0) {
      const unknown = level.filter((path) => !this.#substitutes.has(storePathBaseName(path)))
      const found = await querySubstituters(substituters, unknown, unavailable, this.#options.onSubstituterFailure)
      const next: StorePath[] = []
      for (const path of unknown) {
        const base = storePathBaseName(path)
        const entry = found.get(base)
        this.#substitutes.set(base, entry)
        for (const reference of entry?.info.references ?? []) {
          if (!this.#substitutes.has(storePathBaseName(reference)) && !this.#isValid(reference)) next.push(reference)
        }
      }
      level = next
    }
  }

  /** Plans to copy the paths with all that they refer to; false, and nothing planned, when a part cannot be had. */
  #substitute(paths: readonly StorePath[]): boolean {
    const closures = paths.map((path) =>
      this.#makers.has(storePathBaseName(path)) ? new Set<string>() : this.#substituteClosure(path),
    )
    if (!closures.every((closure) => closure !== undefined)) return false
    for (const closure of closures) this.#addSubstitutes(closure)
    return true
  }

  #addSubstitutes(closure: ReadonlySet<string>): void {
    const added = [...closure].filter((base) => !this.#makers.has(base))
    for (const base of added) {
      const { info, substituter } = this.#substitutes.get(base)!
      const expectedSeconds = Math.max(0.1, (info.downloadSize ?? info.narSize) / 20e6)
      const task = {
        key: base,
        name: info.path.name,
        activity: 'substitute',
        path: info.path,
        info,
        substituter,
        expectedSeconds,
      } as const
      this.#drafts.set(base, { task, dependencies: new Set() })
      this.#makers.set(base, base)
    }
    for (const base of added) {
      const { info } = this.#substitutes.get(base)!
      for (const reference of info.references) {
        const maker = this.#makers.get(storePathBaseName(reference))
        if (maker !== undefined && maker !== base && !this.#isValid(reference))
          this.#drafts.get(base)!.dependencies.add(maker)
      }
    }
  }

  /** Everything invalid that must be copied with the path; undefined when a part cannot be had. */
  #substituteClosure(top: StorePath): Set<string> | undefined {
    const closure = new Set<string>()
    const open = [top]
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      const base = storePathBaseName(path)
      // What a planned task makes anyway is left to it.
      if (closure.has(base) || this.#makers.has(base)) continue
      const entry = this.#substitutes.get(base)
      if (entry === undefined) return undefined
      closure.add(base)
      for (const reference of entry.info.references) if (!this.#isValid(reference)) open.push(reference)
    }
    return closure
  }

  #maySubstitute(derivation: Derivation): boolean {
    return derivation.env.get('allowSubstitutes') !== ''
  }

  #missing({ path, outputs }: Request): StorePath[] {
    const paths = [...outputPaths(this.#store, path, this.#derivation(path), outputs).values()]
    return paths.filter((output) => !this.#isValid(output))
  }

  #derivation(path: StorePath): Derivation {
    const base = storePathBaseName(path)
    let derivation = this.#derivations.get(base)
    if (derivation === undefined) {
      if (!this.#relied.has(base)) this.#rely([path])
      derivation = requireDerivation(this.#store, path)
      this.#derivations.set(base, derivation)
    }
    return derivation
  }

  #isValid(path: StorePath): boolean {
    const base = storePathBaseName(path)
    let valid = this.#valid.get(base)
    if (valid === undefined) {
      if (!this.#relied.has(base)) this.#rely([path])
      valid = this.#store.isValid(path)
      this.#valid.set(base, valid)
    }
    return valid
  }

  #unavailable(path: StorePath): UserError {
    const text = formatStorePath(this.#store.storeDirectory, path)
    return new UserError('PATH_UNAVAILABLE', `path '${text}' is not in the store, and nothing can make or copy it`, {
      hint: 'instantiate the expression again: a source may have been garbage-collected',
    })
  }

  /** Without recursion: chains of derivations can be thousands long. */
  #topologicalOrder(): string[] {
    const order: string[] = []
    const waiting = new Map<string, number>()
    const dependents = new Map<string, string[]>()
    for (const [key, { dependencies }] of this.#drafts) {
      waiting.set(key, dependencies.size)
      for (const dependency of dependencies) {
        const list = dependents.get(dependency)
        if (list === undefined) dependents.set(dependency, [key])
        else list.push(key)
      }
      if (dependencies.size === 0) order.push(key)
    }
    for (let index = 0; index < order.length; index++) {
      for (const key of dependents.get(order[index]!) ?? []) {
        const left = waiting.get(key)! - 1
        waiting.set(key, left)
        if (left === 0) order.push(key)
      }
    }
    if (order.length !== this.#drafts.size)
      throw new UserError('DERIVATION_CYCLE', 'the derivations depend on each other in a circle')
    return order
  }
}
