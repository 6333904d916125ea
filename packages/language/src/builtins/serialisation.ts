import { ContextCollector, makeString } from '../context.ts'
import { EvaluationError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { jsonText } from '../json.ts'
import { parseJson } from '../json-text.ts'
import { parseToml } from '../toml.ts'
import type { Slot, Value } from '../value.ts'
import { xmlText } from '../xml.ts'

/** Values as text in other languages, and back. */
export const serialisationBuiltins: readonly Builtin[] = [
  {
    name: '__toJSON',
    arity: 1,
    code: (evaluator, slot) => {
      const context = new ContextCollector()
      return makeString(
        jsonText(evaluator, slot, context, { newer: evaluator.settings.newerFeatures }),
        context.context,
      )
    },
  },
  { name: '__fromJSON', arity: 1, code: fromJson },
  {
    name: '__toXML',
    arity: 1,
    code: (_, slot) => {
      const context = new ContextCollector()
      return makeString(xmlText(slot, { strict: true, locations: false }, context), context.context)
    },
  },
  { name: 'fromTOML', arity: 1, code: fromToml },
]

function fromToml(evaluator: Evaluator, slot: Slot): Value {
  const { newerFeatures, experimentalFeatures } = evaluator.settings
  const timestamps = newerFeatures && experimentalFeatures.includes('parse-toml-timestamps')
  return parseToml(forceStringNoContext(slot), { newer: newerFeatures, timestamps })
}

function fromJson(evaluator: Evaluator, slot: Slot): Value {
  const text = forceStringNoContext(slot)
  try {
    return parseJson(text, evaluator.settings.newerFeatures)
  } catch (error) {
    if (evaluator.settings.showTrace && error instanceof EvaluationError) {
      error.addFrame('while decoding a JSON string', undefined)
    }
    throw error
  }
}
