import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import {
  type Aterm,
  Attrs,
  ContextCollector,
  createEvaluator,
  EvaluationError,
  type Evaluator,
  force,
  forceDeep,
  formatError,
  formatPosition,
  InfiniteRecursionError,
  jsonText,
  printValue,
  type Slot,
  StackOverflowError,
  typedError,
  type Value,
  xmlText,
} from '@baryon/language'
import { openStore, type Store } from '@baryon/store'
import { selectAttribute } from './attribute-path.ts'
import { AttributePositions } from './attribute-positions.ts'
import { argumentSet, autoCall } from './auto-call.ts'
import { BlockingWorker } from './blocking-call.ts'
import { bytesOf, type Dependencies, DependencyRecorder } from './dependencies.ts'
import { tuneForEvaluation } from './engine-flags.ts'
import { createEvalIo, type WorldIo } from './eval-io.ts'
import { findDerivations } from './find-derivations.ts'
import type { Need } from './large-requests.ts'
import type { MemoryPlace } from './memory/memory-file.ts'
import { RunMemory } from './memory/run-memory.ts'
import { openPackCache, type PackCache } from './pack-cache.ts'
import { printParsed } from './print-parsed.ts'
import {
  DEFAULT_SETTINGS,
  type EvaluationRequest,
  type EvaluationResult,
  type EvaluationSettings,
  storeDirectoryOf,
} from './request.ts'
import { searchPathEntries } from './search-path.ts'
import { evaluateSource } from './source.ts'

/** A request with everything filled in that another thread could not know. */
export interface EvaluationJob {
  readonly request: EvaluationRequest & {
    readonly environment: Readonly<NodeJS.ProcessEnv>
    readonly workingDirectory: string
  }
  readonly cacheDirectory: string | null
  /** Notes what the answer depends on. */
  readonly recording: boolean
  /** Where what was computed is kept for the next run. */
  readonly memory?: MemoryPlace | undefined
  /** How deep calls may nest when no setting says it. */
  readonly stackDepth?: number
  /** How many files there may be before a larger stack and heap are worth to start over. */
  readonly fileLimit?: number | undefined
}

export interface EvaluationListeners {
  /** Told of each derivation that is made, with its ATerm. */
  readonly onDerivation?: (path: string, aterm: Aterm, attrs: Attrs) => void
  readonly onLog: (message: string) => void
  readonly onBuildEvent: (event: unknown) => void
}

/** Survives structured cloning. */
export type EvaluationOutcome =
  | {
      readonly kind: 'done'
      readonly result: EvaluationResult
      /** Undefined: the answer must not be kept. */
      readonly dependencies: Dependencies | undefined
    }
  | {
      readonly kind: 'failed'
      readonly name: string
      readonly code: string
      readonly message: string
      readonly hint: string | undefined
      /** For errors of the expression: the text with place and trace. */
      readonly report: string | undefined
    }
  /** The stack was too small, or there are more files than the limit. */
  | { readonly kind: 'overflow'; readonly need: Need }

/** Evaluates in this thread. Throws only what is a bug. */
export function runEvaluation(job: EvaluationJob, listeners: EvaluationListeners): EvaluationOutcome {
  return runOnce(job, listeners, false) ?? runOnce(job, listeners, true)!
}

/** Undefined: what was taken over from a former run would show in the outcome. With `anew` nothing is taken over. */
function runOnce(job: EvaluationJob, listeners: EvaluationListeners, anew: boolean): EvaluationOutcome | undefined {
  const resources = new Resources(job, listeners, anew)
  const large = job.fileLimit === undefined
  tuneForEvaluation(true, large)
  try {
    return run(job, resources)
  } catch (thrown) {
    const error = typedError(thrown)
    if (error instanceof StackOverflowError) {
      return { kind: 'overflow', need: error instanceof TooManyFiles ? 'breadth' : 'depth' }
    }
    if (!(error instanceof UserError)) throw error
    // How it fails is to be seen by what it would do alone.
    return (resources.memory?.takenOver ?? 0) > 0 ? undefined : failureOf(error, job)
  } finally {
    tuneForEvaluation(false, large)
    resources.close()
  }
}

/** Like a stack that is full, nothing in the language can catch it. */
class TooManyFiles extends StackOverflowError {}

/** An error as it is told to those outside. */
export function failureOf(error: UserError, job: EvaluationJob): Extract<EvaluationOutcome, { kind: 'failed' }> {
  const showTrace = job.request.settings?.showTrace ?? false
  const newer = (job.request.settings?.nixVersion ?? DEFAULT_SETTINGS.nixVersion) !== '2.8.0'
  return {
    kind: 'failed',
    name: error.name,
    code: error.code,
    message: error instanceof EvaluationError ? error.messageIn(newer) : error.message,
    hint: hintOf(error),
    report: error instanceof EvaluationError ? formatError(error, { showTrace, newer }) : undefined,
  }
}

function hintOf(error: UserError): string | undefined {
  if (!(error instanceof InfiniteRecursionError) || error.valueAt === undefined) return error.hint
  const { valueAt, position } = error
  if (valueAt.offset === position?.offset && valueAt.file === position.file) return error.hint
  return `a value needs itself to be computed, which is at ${formatPosition(valueAt)}; say -v to see by which way`
}

function run(job: EvaluationJob, resources: Resources): EvaluationOutcome | undefined {
  const { request } = job
  const { io, recorder, memory } = resources
  const evaluator = evaluatorFor(job, resources)
  memory?.begin()
  if (request.output === 'parse') {
    return done({ texts: [printParsed(evaluator, request)], derivations: [], fromCache: false }, resources)
  }
  const args = argumentSet(evaluator, request.arguments ?? {}, bytesOf(request.workingDirectory))
  const root = evaluateSource(evaluator, request)
  const texts: string[] = []
  const derivations: EvaluationResult['derivations'][number][] = []
  let showsState = false
  for (const path of request.attributePaths ?? ['']) {
    const value = selectAttribute(root, bytesOf(path), args)
    if (request.output === 'derivations') {
      derivations.push(...findDerivations(evaluator, value, args, request.meta ?? false))
    } else {
      const wanted = args.keys.length === 0 ? value : autoCall(value, args)
      showsState ||= showsWhatIsEvaluated(request, wanted)
      if (showsState && (memory?.takenOver ?? 0) > 0) return undefined
      texts.push(textOf(evaluator, request, wanted))
    }
  }
  io.finish()
  if (showsState) memory?.forget()
  else if (memory !== undefined && recorder !== undefined && !resources.hasLogged) memory.keep(io, recorder.untracked())
  const positions = resources.positions?.found
  const takenOver = memory?.takenOver ?? 0
  return done({ texts, derivations, fromCache: false, takenOver, ...(positions && { positions }) }, resources)
}

/** An evaluator with the settings and the search path of a request. */
export function evaluatorFor(job: EvaluationJob, { io, parsed }: Resources): Evaluator {
  const { request } = job
  const settings = { ...DEFAULT_SETTINGS, ...request.settings }
  const searchPath = searchPathEntries(request, io, settings)
  for (const entry of searchPath) if (entry.path.startsWith('/')) io.allow(entry.path)
  return createEvaluator({
    io,
    settings: { ...settings, ...languageOf(settings, job), searchPath },
    ...(parsed === undefined ? {} : { parseCache: parsed }),
    onFile: (count) => {
      if (count === job.fileLimit) throw new TooManyFiles()
    },
  })
}

function languageOf({ nixVersion, maxCallDepth }: EvaluationSettings, job: EvaluationJob) {
  const newerFeatures = nixVersion !== '2.8.0'
  return {
    newerFeatures,
    // On a stack of the usual size the stack itself is the limit, and the cost of counting is saved.
    maxCallDepth: maxCallDepth ?? job.stackDepth,
    maxDataDepth: newerFeatures ? (maxCallDepth ?? MAX_DATA_DEPTH) : Number.POSITIVE_INFINITY,
  }
}

/** Today's Nix counts levels of data like calls, and allows 10,000. */
const MAX_DATA_DEPTH = 10_000

/** Of a set or list is printed what happens to be evaluated. */
function showsWhatIsEvaluated({ strict }: EvaluationRequest, slot: Slot): boolean {
  const value = force(slot)
  return strict !== true && (value instanceof Attrs || Array.isArray(value))
}

function done(result: EvaluationResult, { recorder, memory }: Resources): EvaluationOutcome {
  const dependencies = recorder?.uncacheable === undefined ? recorder?.result(memory?.formerItems()) : undefined
  return { kind: 'done', result, dependencies }
}

function textOf(evaluator: Evaluator, request: EvaluationRequest, value: Value): string {
  const context = new ContextCollector()
  const strict = request.strict ?? false
  force(value)
  switch (request.output) {
    case 'json':
      return jsonText(evaluator, value, context, { strict, newer: evaluator.settings.newerFeatures })
    case 'xml':
      return xmlText(value, { strict, locations: request.locations ?? true }, context)
    default:
      if (strict) forceDeep(value, evaluator.settings)
      return printValue(value, { deep: strict })
  }
}

/** What an evaluation holds open. */
export class Resources {
  readonly io: WorldIo
  readonly recorder: DependencyRecorder | undefined
  readonly memory: RunMemory | undefined
  hasLogged = false
  readonly parsed: PackCache | undefined
  readonly #hashes: PackCache | undefined
  /** Undefined: there is none, or it is only to be read and does not exist. */
  readonly store: Store | undefined
  /** Where the attributes were written that the request asks for. */
  readonly positions: AttributePositions | undefined
  readonly #worker: BlockingWorker
  #temporary: string | undefined

  constructor(job: EvaluationJob, listeners: EvaluationListeners, anew = false) {
    const { request, cacheDirectory } = job
    const { store } = request
    const environment = request.environment ?? process.env
    this.positions = request.attributePositions && new AttributePositions(request.attributePositions)
    this.memory = job.memory && new RunMemory(job.memory, environment, anew)
    this.recorder = job.recording ? new DependencyRecorder(this.memory, this.memory?.formerGlobal) : undefined
    this.parsed = cacheDirectory === null ? undefined : openPackCache(`${cacheDirectory}/parsed`)
    this.#hashes = cacheDirectory === null ? undefined : openPackCache(`${cacheDirectory}/sources`)
    this.store = openFor(store)
    this.#worker = new BlockingWorker({ onLog: listeners.onLog, onEvent: listeners.onBuildEvent })
    const settings = { ...DEFAULT_SETTINGS, ...request.settings }
    this.io = createEvalIo({
      storeDirectory: storeDirectoryOf(store),
      store: this.store,
      writable: store.kind === 'write',
      environment,
      log: (message) => {
        this.hasLogged = true
        listeners.onLog(message)
      },
      onDerivation: this.positions?.note ?? listeners.onDerivation,
      cacheDirectory: () => cacheDirectory ?? this.#temporaryDirectory(),
      recorder: this.recorder,
      sourceHashes: this.#hashes,
      worker: this.#worker,
      storeOptions: store.kind === 'none' ? undefined : store.options,
      realise: request.realise,
      allowedPaths: settings.restrictEval || settings.pureEval ? [] : undefined,
    })
    this.memory?.open(this.io)
  }

  close(): void {
    this.memory?.close()
    try {
      this.io.finish()
    } finally {
      this.parsed?.flush()
      this.#hashes?.flush()
      this.#worker.close()
      this.store?.close()
      if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true })
    }
  }

  /** For what is fetched when nothing is to be kept. */
  #temporaryDirectory(): string {
    this.#temporary ??= mkdtempSync(join(tmpdir(), 'baryon-'))
    return this.#temporary
  }
}

/** A store that is only read need not exist. */
function openFor(store: EvaluationRequest['store']): Store | undefined {
  switch (store.kind) {
    case 'none':
      return undefined
    case 'write':
      return openStore(store.options)
    case 'read':
      try {
        return openStore({ ...store.options, readOnly: true })
      } catch (error) {
        if (error instanceof UserError) return undefined
        throw error
      }
  }
}
