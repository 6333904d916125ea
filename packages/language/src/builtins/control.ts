import { attrsFromEntries } from '../attrs.ts'
import { coerceToString } from '../coerce.ts'
import { ContextCollector } from '../context.ts'
import { forceDeep } from '../deep-force.ts'
import { AbortError, CatchableError, EvaluationError, ThrownError, ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceString } from '../force.ts'
import type { Builtin } from '../function.ts'
import { printValue } from '../print-value.ts'
import { intern } from '../symbols.ts'
import { force } from '../thunk.ts'
import { NixString, type Slot, type Value } from '../value.ts'

/** Errors, order of evaluation, traces. */
export const controlBuiltins: readonly Builtin[] = [
  {
    name: 'abort',
    arity: 1,
    code: (evaluator, message) => {
      throw new AbortError(messageText(evaluator, message))
    },
  },
  {
    name: 'throw',
    arity: 1,
    code: (evaluator, message) => {
      throw new ThrownError(messageText(evaluator, message))
    },
  },
  { name: '__tryEval', arity: 1, code: (_, slot) => tryEval(slot) },
  {
    name: '__addErrorContext',
    arity: 2,
    code: (evaluator, message, slot) => {
      try {
        return force(slot)
      } catch (error) {
        if (evaluator.settings.showTrace && error instanceof EvaluationError) {
          error.addFrame(messageText(evaluator, message), undefined)
        }
        throw error
      }
    },
  },
  {
    name: '__seq',
    arity: 2,
    code: (_, first, second) => {
      force(first)
      return force(second)
    },
  },
  {
    name: '__deepSeq',
    arity: 2,
    code: (evaluator, first, second) => {
      forceDeep(first, evaluator.settings)
      return force(second)
    },
  },
  { name: '__trace', arity: 2, code: trace },
]

export const newerControlBuiltins: readonly Builtin[] = [
  {
    name: '__traceVerbose',
    arity: 2,
    code: (evaluator, message, slot) =>
      evaluator.settings.traceVerbose ? trace(evaluator, message, slot) : force(slot),
  },
  {
    name: '__warn',
    arity: 2,
    code: (evaluator, message, slot) => {
      const value = forceString(message)
      evaluator.io.log(warningText(value instanceof NixString ? value.text : value))
      if (evaluator.settings.abortOnWarn) throw new ValueError(ABORTED_ON_WARN)
      return force(slot)
    },
  },
  { name: 'break', arity: 1, code: (_, slot) => force(slot) },
]

const ABORTED_ON_WARN = 'aborting to reveal stack trace of warning, as abort-on-warn is set'

/** Further lines stand below the first, unless the text starts with a line break. */
function warningText(text: string): string {
  const prefix = 'evaluation warning: '
  if (text.startsWith('\n')) return prefix.trimEnd() + text
  return prefix + text.replaceAll('\n', `\n${' '.repeat(prefix.length)}`)
}

const SUCCESS_AND_VALUE = [intern('success'), intern('value')]

function tryEval(slot: Slot): Value {
  try {
    return attrsFromEntries(SUCCESS_AND_VALUE, [true, force(slot)])
  } catch (error) {
    if (error instanceof CatchableError) return attrsFromEntries(SUCCESS_AND_VALUE, [false, false])
    throw error
  }
}

function trace(evaluator: Evaluator, message: Slot, slot: Slot): Value {
  const value = force(message)
  const text = typeof value === 'string' ? value : value instanceof NixString ? value.text : printValue(value)
  evaluator.io.log(`trace: ${text}`)
  return force(slot)
}

function messageText(evaluator: Evaluator, message: Slot): string {
  return coerceToString(evaluator, message, new ContextCollector(), false, true)
}
