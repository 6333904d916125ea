import { attrsFromEntries, getAttribute } from '../attrs.ts'
import { derivationStrict } from '../derivation.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceAttrs, forceList, forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { outputPlaceholder } from '../placeholder.ts'
import { intern, symbolText } from '../symbols.ts'
import { force, lazy } from '../thunk.ts'
import type { Attrs, Slot, Value } from '../value.ts'

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
  const strict = lazy(() => derivationStrict(evaluator, drvAttrs))
  const outputsSlot = getAttribute(drvAttrs, OUTPUTS)
  const outputs =
    outputsSlot === undefined ? [OUT] : forceList(outputsSlot).map((name) => intern(forceStringNoContext(name)))
  if (outputs.length === 0) throw new ValueError('list index 0 is out of bounds')

  const values: Slot[] = outputs.map((output) => lazy(() => outputValue(output)))
  const all: Slot[] = values.slice()
  // Later entries win: an output's attribute hides the attribute of the same name, and of equal outputs the first stays.
  const commonSymbols = drvAttrs.keys.concat([...outputs].reverse(), [ALL, DRV_ATTRS])
  const commonSlots = drvAttrs.slots.concat([...values].reverse(), [all, drvAttrs])
  const drvPath = lazy(() => force(getAttribute(forceAttrs(strict), DRV_PATH)!))

  function outputValue(output: number): Value {
    const outPath = lazy(() => {
      const path = getAttribute(forceAttrs(strict), output)
      if (path === undefined) throw new ValueError(`attribute '${symbolText(output)}' missing for call to 'getAttr'`)
      return force(path)
    })
    return attrsFromEntries(
      commonSymbols.concat([OUT_PATH, DRV_PATH, TYPE, OUTPUT_NAME]),
      commonSlots.concat([outPath, drvPath, 'derivation', symbolText(output)]),
      true,
    )
  }
  return force(values[0]!)
}
