import { attrsFromEntries, nameOrder } from '../attrs.ts'
import { EvaluationError, ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { flakeReferenceText, parseFlakeReference, type ReferenceAttributes } from '../flake-reference.ts'
import { forceAttrs, forceString, forceStringNoContext, typeName } from '../force.ts'
import { type Builtin, callFunctionMany } from '../function.ts'
import { intern, symbolText } from '../symbols.ts'
import { force } from '../thunk.ts'
import { type Attrs, NixString, Path, type Slot, type Value } from '../value.ts'
import { fetchTreeAttributes } from './fetchers.ts'
import { FLAKE_EXPRESSION } from './flake-expression.ts'

/** Flakes: references to them, and evaluating one. */
export const newerFlakeBuiltins: readonly Builtin[] = [
  { name: '__getFlake', arity: 1, code: getFlake },
  {
    name: '__parseFlakeRef',
    arity: 1,
    code: (_, slot) => attributesValue(parseFlakeReference(forceStringNoContext(slot))),
  },
  { name: '__flakeRefToString', arity: 1, code: (_, slot) => flakeReferenceText(referenceOf(forceAttrs(slot))) },
]

/**
 * The outputs of a flake. A path is evaluated where it is; what a reference names is fetched into the store first. Inputs
 * come from its `flake.lock`; without one they are fetched as they are written.
 */
function getFlake(evaluator: Evaluator, slot: Slot): Value {
  const argument = force(slot)
  let sourceInfo: Slot
  let directory = ''
  if (argument instanceof Path) sourceInfo = attrsFromEntries([OUT_PATH], [argument])
  else {
    const text = forceStringNoContext(argument)
    const { dir, ...reference } = parseFlakeReference(text)
    if (evaluator.settings.pureEval && reference.rev === undefined && reference.narHash === undefined) {
      throw new ValueError(`cannot call 'getFlake' on unlocked flake reference '${text}' (use --impure to override)`)
    }
    sourceInfo = fetchTreeAttributes(evaluator, reference)
    directory = typeof dir === 'string' ? dir : ''
  }
  const callFlake = evaluator.evaluateText(FLAKE_EXPRESSION, '/', '«flake»')
  return callFunctionMany(callFlake, [sourceInfo, directory])
}

const OUT_PATH = intern('outPath')

function attributesValue(attributes: ReferenceAttributes): Attrs {
  const entries = Object.entries(attributes)
  return attrsFromEntries(
    entries.map(([name]) => intern(name)),
    entries.map(([, value]) => value),
  )
}

function referenceOf(attrs: Attrs): ReferenceAttributes {
  const result: Record<string, string | number | boolean> = {}
  for (const i of nameOrder(attrs)) {
    const name = symbolText(attrs.keys[i]!)
    const value = force(attrs.slots[i]!)
    if (typeof value === 'number' || typeof value === 'bigint') {
      if (value < 0) throw new ValueError(`negative value given for flake ref attr ${name}: ${value}`)
      result[name] = Number(value)
    } else if (typeof value === 'string' || value instanceof NixString) {
      const text = forceString(value)
      result[name] = text instanceof NixString ? text.text : text
    } else if (typeof value === 'boolean') result[name] = value
    else {
      throw new EvaluationError(
        'EVAL_TYPE',
        `flake reference attribute sets may only contain integers, Booleans, and strings, but attribute '${name}' is ${typeName(value)}`,
      )
    }
  }
  return result
}
