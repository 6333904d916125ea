import { UserError } from '@baryon/format'
import {
  Attrs,
  callFunction,
  EvaluationError,
  type Evaluator,
  findAttribute,
  force,
  forceBool,
  getAttribute,
  intern,
  isDerivation,
  nameOrder,
  StackOverflowError,
  symbolText,
  typedError,
  typeName,
  type Value,
} from '@baryon/language'
import { selectAttribute } from '../attribute-path.ts'
import { argumentSet, autoCall } from '../auto-call.ts'
import { bytesOf } from '../dependencies.ts'
import { type EvaluationJob, evaluatorFor, failureOf, Resources } from '../run-evaluation.ts'
import { evaluateSource } from '../source.ts'
import { FactKeeper } from './derivation-facts.ts'
import { type DescribeOptions, describeJob } from './describe-job.ts'
import type { JobPath, JobsRequest } from './job-request.ts'
import { failureRecord, type JobReply } from './protocol.ts'

/** Evaluates the jobs of one set; what they share is evaluated once. */
export class JobEvaluator {
  readonly resources: Resources
  readonly #job: EvaluationJob
  readonly #forceRecurse: boolean
  readonly #evaluator: Evaluator
  readonly #args: Attrs
  readonly #root: Value
  readonly #describe: DescribeOptions
  /** Sets on the way to jobs, called if they are functions: a call for each job would evaluate all of it again. */
  readonly #sets = new Map<string, Value>()

  /** Evaluates the root. Throws `UserError`s. */
  constructor(job: EvaluationJob, request: JobsRequest, onLog: (message: string) => void) {
    const facts = new FactKeeper(request.inputDerivations)
    this.#job = job
    this.#forceRecurse = request.forceRecurse
    this.resources = new Resources(job, {
      onLog,
      onBuildEvent: () => {},
      onDerivation: (path, aterm) => facts.note(path, aterm.toString()),
    })
    this.#evaluator = evaluatorFor(job, this.resources)
    const base = bytesOf(job.request.workingDirectory)
    const evaluateFunction = (text: string): Value => this.#evaluator.evaluateText(bytesOf(text), base, '«string»')
    this.#args = argumentSet(this.#evaluator, job.request.arguments ?? {}, base)
    const [path = ''] = job.request.attributePaths ?? []
    const value = autoCall(
      selectAttribute(evaluateSource(this.#evaluator, job.request), bytesOf(path), this.#args),
      this.#args,
    )
    this.#root = request.select === undefined ? value : force(callFunction(evaluateFunction(request.select), value))
    if (request.select !== undefined && !(this.#root instanceof Attrs)) {
      throw new EvaluationError('EVAL_TYPE', "'--select' must evaluate to an attrset (the traversal root)")
    }
    const apply = request.apply === undefined ? undefined : evaluateFunction(request.apply)
    this.#describe = {
      facts,
      instantiates: job.request.store.kind === 'write',
      meta: request.meta,
      inputDerivations: request.inputDerivations,
      apply: apply === undefined ? undefined : (attrs) => force(callFunction(apply, attrs)),
    }
  }

  /** Never throws what an expression can cause. */
  evaluate(path: JobPath): JobReply {
    try {
      const value = this.#valueAt(path)
      if (!(value instanceof Attrs)) return { kind: 'nothing' }
      if (isDerivation(value)) return describeJob(this.#evaluator, value, path, this.#describe)
      return this.#listSet(value, path)
    } catch (thrown) {
      const error = typedError(thrown)
      if (error instanceof StackOverflowError) return { kind: 'overflow' }
      return { kind: 'failed', record: failureRecord(path, this.#errorText(error), false) }
    }
  }

  #errorText(error: unknown): string {
    if (error instanceof UserError) {
      const { report, message } = failureOf(error, this.#job)
      return report ?? `error: ${message}`
    }
    // Such as a text that is longer than V8 can make it: the other jobs go on.
    return `error: ${error instanceof Error ? error.message : String(error)}`
  }

  #valueAt(path: JobPath): Value {
    if (path.length === 0) return this.#root
    const above = path.slice(0, -1)
    const key = JSON.stringify(above)
    let set = this.#sets.get(key)
    if (set === undefined) {
      set = this.#valueAt(above)
      this.#sets.set(key, set)
    }
    const name = path[path.length - 1]!
    if (!(set instanceof Attrs)) {
      throw new EvaluationError('EVAL_TYPE', `'${above.join('.')}' should be a set but is ${typeName(set)}`)
    }
    const at = findAttribute(set, intern(name))
    if (at < 0) throw new EvaluationError('ATTRIBUTE_MISSING', `attribute '${path.join('.')}' not found`)
    return autoCall(set.slots[at]!, this.#args)
  }

  #listSet(set: Attrs, path: JobPath): JobReply {
    const recurse = getAttribute(set, RECURSE)
    const enters = this.#forceRecurse || (recurse === undefined ? path.length === 0 : forceBool(recurse))
    if (!enters || this.#isInside(set, path)) return { kind: 'nothing' }
    this.#sets.set(JSON.stringify(path), set)
    return { kind: 'set', names: nameOrder(set).map((i) => symbolText(set.keys[i]!)) }
  }

  /** `pkgs.pkgs`: a set that is one of those around it has no end. */
  #isInside(set: Attrs, path: JobPath): boolean {
    return path.some((_, depth) => this.#valueAt(path.slice(0, depth)) === set)
  }
}

const RECURSE = intern('recurseForDerivations')
