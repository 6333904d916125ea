import {
  Attrs,
  ContextCollector,
  coerceToString,
  EvaluationError,
  type Evaluator,
  findAttribute,
  force,
  forceBool,
  forceList,
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
const NAME = intern('name')
const SYSTEM = intern('system')
const DRV_PATH = intern('drvPath')
const OUT_PATH = intern('outPath')
const OUTPUT_NAME = intern('outputName')
const OUTPUTS = intern('outputs')
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
    const nameSlot = getAttribute(attrs, NAME)
    if (nameSlot === undefined) throw new EvaluationError('EVAL_TYPE', 'derivation name missing')
    const name = forceStringNoContext(nameSlot)
    const drvPathSlot = getAttribute(attrs, DRV_PATH)
    if (drvPathSlot === undefined) {
      throw new EvaluationError('EVAL_TYPE', "derivation does not contain a 'drvPath' attribute")
    }
    const drvPath = this.#text(drvPathSlot)
    const outputNameSlot = getAttribute(attrs, OUTPUT_NAME)
    const outputName = outputNameSlot === undefined ? '' : forceStringNoContext(outputNameSlot)
    if (outputName === '') {
      throw new EvaluationError('EVAL_TYPE', `derivation '${drvPath}' lacks an 'outputName' attribute`)
    }
    const systemSlot = getAttribute(attrs, SYSTEM)
    const found: FoundDerivation = {
      attributePath: path,
      name,
      system: systemSlot === undefined ? 'unknown' : forceStringNoContext(systemSlot),
      drvPath,
      outputName,
      outputs: this.#outputs(attrs, outputName),
    }
    return this.#withMeta ? { ...found, meta: this.#meta(attrs) } : found
  }

  #outputs(attrs: Attrs, outputName: string): Record<string, string> {
    const paths: Record<string, string> = {}
    const take = (name: string, slot: Slot | undefined): void => {
      if (slot === undefined) return
      const path = this.#text(slot)
      // A placeholder stands for a path that only the build will tell.
      if (path.startsWith(`${this.#evaluator.io.storeDirectory}/`)) paths[name] = path
    }
    const outputsSlot = getAttribute(attrs, OUTPUTS)
    if (outputsSlot === undefined) {
      take(outputName, getAttribute(attrs, OUT_PATH))
      return paths
    }
    for (const item of forceList(outputsSlot)) {
      const name = forceStringNoContext(item)
      const output = getAttribute(attrs, intern(name))
      const value = output === undefined ? undefined : force(output)
      if (value instanceof Attrs) take(name, getAttribute(value, OUT_PATH))
    }
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

  #text(slot: Slot): string {
    return coerceToString(this.#evaluator, slot, new ContextCollector(), false, false)
  }
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
