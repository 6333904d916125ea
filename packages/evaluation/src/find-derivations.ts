import {
  Attrs,
  ContextCollector,
  EvaluationError,
  type Evaluator,
  findAttribute,
  force,
  forceBool,
  forceStringNoContext,
  getAttribute,
  intern,
  isDerivation,
  jsonText,
  nameOrder,
  type Slot,
  symbolText,
  type Value,
} from '@baryon/language'
import { autoCall } from './auto-call.ts'
import { drvPathOf, nameOf, outputsOf, systemOf } from './derivation-attributes.ts'
import type { FoundDerivation } from './request.ts'

/**
 * The derivations in a value, as `nix-instantiate` finds them: the value itself, the attributes of a set (further down
 * only with `recurseForDerivations`), the items of a list. Functions are called with `args` first.
 */
export function findDerivations(evaluator: Evaluator, value: Slot, args: Attrs, withMeta: boolean): FoundDerivation[] {
  const search = new Search(evaluator, args, withMeta)
  search.enter(value, '')
  return search.found
}

const COMBINE_CHANNELS = intern('_combineChannels')
const RECURSE = intern('recurseForDerivations')
const OUTPUT_NAME = intern('outputName')
const META = intern('meta')
const SEARCHED_NAME = /^[A-Za-z_][A-Za-z0-9\-_+]*$/

class Search {
  readonly found: FoundDerivation[] = []
  readonly #evaluator: Evaluator
  readonly #args: Attrs
  readonly #withMeta: boolean
  /** The same set under several names counts once. */
  readonly #done = new Set<Value>()

  constructor(evaluator: Evaluator, args: Attrs, withMeta: boolean) {
    this.#evaluator = evaluator
    this.#args = args
    this.#withMeta = withMeta
  }

  enter(slot: Slot, path: string): void {
    const value = autoCall(slot, this.#args)
    if (!this.#take(value, path)) return
    if (value instanceof Attrs) this.#enterSet(value, path)
    else if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) {
        const inner = joined(path, String(i))
        if (this.#take(force(item), inner)) this.enter(item, inner)
      }
    } else {
      throw new EvaluationError('EVAL_TYPE', 'expression does not evaluate to a derivation (or a set or list of those)')
    }
  }

  #enterSet(attrs: Attrs, path: string): void {
    const combine = findAttribute(attrs, COMBINE_CHANNELS) >= 0
    for (const i of nameOrder(attrs)) {
      const name = symbolText(attrs.keys[i]!)
      if (!SEARCHED_NAME.test(name)) continue
      const inner = joined(path, name)
      const slot = attrs.slots[i]!
      if (combine) {
        this.enter(slot, inner)
        continue
      }
      const value = force(slot)
      if (!this.#take(value, inner) || !(value instanceof Attrs)) continue
      const recurse = getAttribute(value, RECURSE)
      if (recurse !== undefined && forceBool(recurse)) this.enter(slot, inner)
    }
  }

  /** False when the value is a derivation, which is then added: nothing is to be looked for inside. */
  #take(value: Value, path: string): boolean {
    if (!(value instanceof Attrs) || !isDerivation(value)) return true
    if (this.#done.has(value)) return false
    this.#done.add(value)
    this.found.push(this.#describe(value, path))
    return false
  }

  #describe(attrs: Attrs, path: string): FoundDerivation {
    const name = nameOf(attrs)
    const drvPath = drvPathOf(this.#evaluator, attrs)
    const outputNameSlot = getAttribute(attrs, OUTPUT_NAME)
    const outputName = outputNameSlot === undefined ? '' : forceStringNoContext(outputNameSlot)
    if (outputName === '') {
      throw new EvaluationError('EVAL_TYPE', `derivation '${drvPath}' lacks an 'outputName' attribute`)
    }
    const found: FoundDerivation = {
      attributePath: path,
      name,
      system: systemOf(attrs),
      drvPath,
      outputName,
      outputs: this.#outputs(attrs, outputName),
    }
    return this.#withMeta ? { ...found, meta: this.#meta(attrs) } : found
  }

  /** Those whose paths are known. */
  #outputs(attrs: Attrs, outputName: string): Record<string, string> {
    const paths: Record<string, string> = {}
    for (const [name, path] of outputsOf(this.#evaluator, attrs, outputName)) if (path !== null) paths[name] = path
    return paths
  }

  /** What of `meta` can be told as JSON; a broken entry is left out. */
  #meta(attrs: Attrs): unknown {
    const result: Record<string, unknown> = {}
    const slot = getAttribute(attrs, META)
    if (slot === undefined) return result
    try {
      const meta = force(slot)
      if (!(meta instanceof Attrs)) return result
      for (const i of nameOrder(meta)) {
        try {
          const json = jsonText(this.#evaluator, meta.slots[i]!, new ContextCollector())
          result[symbolText(meta.keys[i]!)] = JSON.parse(Buffer.from(json, 'latin1').toString('utf8'))
        } catch (error) {
          if (!(error instanceof EvaluationError)) throw error
        }
      }
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
    }
    return result
  }
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
