/** What a derivation says of itself in its attributes, for those who list derivations. Throws `EvaluationError`s. */
import {
  Attrs,
  ContextCollector,
  coerceToString,
  EvaluationError,
  type Evaluator,
  force,
  forceList,
  forceStringNoContext,
  getAttribute,
  intern,
  type Slot,
} from '@baryon/language'

const NAME = intern('name')
const SYSTEM = intern('system')
const DRV_PATH = intern('drvPath')
const OUT_PATH = intern('outPath')
const OUTPUTS = intern('outputs')

export function nameOf(attrs: Attrs): string {
  return forceStringNoContext(required(attrs, NAME, 'derivation name missing'))
}

/** Full text. */
export function drvPathOf(evaluator: Evaluator, attrs: Attrs): string {
  return textOf(evaluator, required(attrs, DRV_PATH, "derivation does not contain a 'drvPath' attribute"))
}

export function systemOf(attrs: Attrs): string {
  const slot = getAttribute(attrs, SYSTEM)
  return slot === undefined ? 'unknown' : forceStringNoContext(slot)
}

/**
 * Paths by name, in the order of the list of outputs; null where only the build will tell. A derivation without such a
 * list has one output, `only`.
 */
export function outputsOf(evaluator: Evaluator, attrs: Attrs, only: string): Map<string, string | null> {
  const paths = new Map<string, string | null>()
  const take = (name: string, slot: Slot | undefined): void => {
    if (slot === undefined) return
    const path = textOf(evaluator, slot)
    // Else it is a placeholder.
    paths.set(name, path.startsWith(`${evaluator.io.storeDirectory}/`) ? path : null)
  }
  const names = getAttribute(attrs, OUTPUTS)
  if (names === undefined) {
    take(only, getAttribute(attrs, OUT_PATH))
    return paths
  }
  for (const item of forceList(names)) {
    const name = forceStringNoContext(item)
    const output = getAttribute(attrs, intern(name))
    const value = output === undefined ? undefined : force(output)
    if (value instanceof Attrs) take(name, getAttribute(value, OUT_PATH))
  }
  return paths
}

function required(attrs: Attrs, symbol: number, message: string): Slot {
  const slot = getAttribute(attrs, symbol)
  if (slot === undefined) throw new EvaluationError('EVAL_TYPE', message)
  return slot
}

function textOf(evaluator: Evaluator, slot: Slot): string {
  return coerceToString(evaluator, slot, new ContextCollector(), false, false)
}
