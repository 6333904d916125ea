import { forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'

/** What the evaluator itself and the machine are. */
export const systemBuiltins: readonly Builtin[] = [
  { name: '__langVersion', arity: 0, code: () => 6 },
  { name: '__nixVersion', arity: 0, code: (evaluator) => evaluator.settings.nixVersion },
  { name: '__storeDir', arity: 0, code: (evaluator) => evaluator.io.storeDirectory },
  { name: '__currentSystem', arity: 0, code: (evaluator) => evaluator.settings.currentSystem },
  { name: '__currentTime', arity: 0, code: (evaluator) => evaluator.io.currentTime() },
  {
    name: '__getEnv',
    arity: 1,
    code: (evaluator, slot) => {
      const name = forceStringNoContext(slot)
      const { pureEval, restrictEval } = evaluator.settings
      return pureEval || restrictEval ? '' : evaluator.io.getEnvironment(name)
    },
  },
]
