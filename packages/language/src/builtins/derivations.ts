import { createKeyOrdering, getAttribute, type KeyOrder, positionDepth, selectSlots } from '../attrs.ts'
import { derivationStrict } from '../derivation.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceAttrs, forceList, forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { outputPlaceholder } from '../placeholder.ts'
import { printName } from '../print-value.ts'
import { intern, symbolText } from '../symbols.ts'
import { force, forceAt, makeThunk, settle, type Thunk } from '../thunk.ts'
import { type AttrPositions, Attrs, type Slot, type Value } from '../value.ts'

export const derivationBuiltins: readonly Builtin[] = [
  { name: 'derivationStrict', arity: 1, code: (evaluator, slot) => derivationStrict(evaluator, forceAttrs(slot)) },
  { name: 'derivation', arity: 1, code: (evaluator, slot) => derivation(evaluator, forceAttrs(slot)) },
  { name: 'placeholder', arity: 1, code: (_, slot) => outputPlaceholder(forceStringNoContext(slot)) },
]

const OUTPUTS = intern('outputs')
const OUT = intern('out')
const ALL = intern('all')
const DRV_ATTRS = intern('drvAttrs')
const OUT_PATH = intern('outPath')
const DRV_PATH = intern('drvPath')
const TYPE = intern('type')
const OUTPUT_NAME = intern('outputName')

/**
 * The attributes themselves, one attribute per output, `all`, `drvAttrs`; each output is the same set with its own
 * `outPath` and `outputName`. The result is the first output. Nothing is made before `drvPath` or `outPath` is asked for.
 */
function derivation(evaluator: Evaluator, drvAttrs: Attrs): Value {
  const outputsSlot = getAttribute(drvAttrs, OUTPUTS)
  const outputs =
    outputsSlot === undefined ? ONLY_OUT : forceList(outputsSlot).map((name) => intern(forceStringNoContext(name)))
  if (outputs.length === 0) throw new ValueError('list index 0 is out of bounds')

  const count = outputs.length
  const all: Slot[] = new Array(count)
  const { order, positions } = shapeOf(drvAttrs, outputs)
  const strict = makeThunk(runStrict, evaluator, null)
  const drvPath = makeThunk(runDrvPath, strict, null)
  const list = makeThunk(runAll, count === 1 ? null : all, null)
  const family: Family = { drvAttrs, strict, order, all, list, drvPath, positions }
  strict.second = family
  for (let i = 0; i < count; i++) all[i] = makeThunk(runOutput, family, outputs[i]!)
  return forceAt(all, 0)
}

/** What the outputs of one derivation have in common. */
interface Family {
  readonly drvAttrs: Attrs
  /** What `derivationStrict` gives. */
  readonly strict: Thunk
  /** Later entries win: an output's attribute hides the attribute of the same name, and of equal outputs the first stays. */
  readonly order: KeyOrder
  /** A slot for each output. */
  readonly all: readonly Slot[]
  /** The list of them; of only one it holds that alone. */
  readonly list: Thunk
  readonly drvPath: Thunk
  readonly positions: AttrPositions | undefined
}

/** In the order in which `runOutput` gives their values. */
const OWN_NAMES = [ALL, DRV_ATTRS, OUT_PATH, DRV_PATH, TYPE, OUTPUT_NAME]
const ONLY_OUT: readonly number[] = [OUT]
const orderOutput = createKeyOrdering(true)
const orderOwn = createKeyOrdering(true)

/**
 * The attributes that enter a derivation are evaluated with it, and stand in the sets of its outputs as well: each value in
 * place of its thunk is an object in ten less that every collection finds alive.
 */
function runStrict(evaluator: Evaluator, { drvAttrs, all }: Family): Value {
  const value = derivationStrict(evaluator, drvAttrs)
  settle(drvAttrs.slots)
  settle(all)
  for (let i = 0; i < all.length; i++) {
    const output = all[i]
    if (output instanceof Attrs) settle(output.slots)
  }
  return value
}

function runDrvPath(strict: Thunk): Value {
  return force(getAttribute(forceAttrs(strict), DRV_PATH)!)
}

function runOutput(family: Family, output: number): Value {
  const { drvAttrs, strict, order, all, list, drvPath, positions } = family
  const outPath = makeThunk(runOutPath, strict, output)
  const given = drvAttrs.slots
  const slots: Slot[] = new Array(given.length + all.length + OWN_NAMES.length)
  // `concat` is a call out of compiled code, which takes longer than the copying.
  let end = 0
  for (let i = 0; i < given.length; i++) slots[end++] = given[i]!
  for (let i = all.length - 1; i >= 0; i--) slots[end++] = all[i]!
  slots[end++] = list
  slots[end++] = drvAttrs
  slots[end++] = outPath
  slots[end++] = drvPath
  slots[end++] = 'derivation'
  slots[end] = symbolText(output)
  const attrs = new Attrs(order.keys, selectSlots(order, slots), positions)
  if (all.length === 1) list.first = attrs
  return attrs
}

function runAll(all: Attrs | readonly Slot[]): Value {
  return all instanceof Attrs ? [all] : all
}

/** What derivations have in common that one literal makes, with the same outputs. */
interface Shape {
  readonly keys: readonly number[]
  readonly given: AttrPositions | undefined
  readonly outputs: readonly number[]
  /** Of the attributes given, those of the outputs, the last first, and Nix's own. */
  readonly order: KeyOrder
  /** What the author wrote was written where it was; where Nix's own names stand in its source is nobody's concern. */
  readonly positions: AttrPositions | undefined
}

function shapeOf({ keys, positions: given }: Attrs, outputs: readonly number[]): Shape {
  if (keys !== lastShape.keys || given !== lastShape.given || outputs !== lastShape.outputs) {
    const order = orderOutput(keys.concat(outputs.toReversed(), OWN_NAMES))
    lastShape = { keys, given, outputs, order, positions: given && positionsBehind(given, outputs) }
  }
  return lastShape
}

let lastShape: Shape = {
  keys: [],
  given: undefined,
  outputs: [],
  order: { keys: [], sources: undefined },
  positions: undefined,
}

function positionsBehind(left: AttrPositions, outputs: readonly number[]): AttrPositions {
  const rightKeys = orderOwn(outputs.concat(OWN_NAMES)).keys
  return { kind: 'updated', rightKeys, right: undefined, left, depth: positionDepth(left) + 1 }
}

function runOutPath(strict: Thunk, output: number): Value {
  const path = getAttribute(forceAttrs(strict), output)
  if (path === undefined)
    throw new ValueError(`attribute '${printName(symbolText(output))}' missing for call to 'getAttr'`)
  return force(path)
}
