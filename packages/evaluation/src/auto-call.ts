import {
  Attrs,
  attrsFromEntries,
  callFunction,
  EMPTY_ATTRS,
  type Evaluator,
  findAttribute,
  force,
  intern,
  Lambda,
  lazy,
  type Slot,
  symbolText,
  type Value,
  ValueError,
} from '@baryon/language'
import { bytesOf } from './dependencies.ts'
import type { EvaluationArgument } from './request.ts'

/** The arguments of the command line as a set; expressions are evaluated when they are used. */
export function argumentSet(
  evaluator: Evaluator,
  args: Readonly<Record<string, EvaluationArgument>>,
  basePath: string,
): Attrs {
  const symbols: number[] = []
  const slots: Slot[] = []
  for (const [name, argument] of Object.entries(args)) {
    const text = bytesOf(argument.text)
    symbols.push(intern(bytesOf(name)))
    slots.push(argument.kind === 'string' ? text : lazy(() => evaluator.evaluateText(text, basePath, '«string»')))
  }
  return attrsFromEntries(symbols, slots)
}

/**
 * Calls a function with formals with those of the arguments that it takes (all of them when it has `...`); sets with
 * `__functor` are called first. Every other value comes back as it is.
 */
export function autoCall(slot: Slot, args: Attrs): Value {
  const value = force(slot)
  if (value instanceof Attrs) {
    const functor = findAttribute(value, FUNCTOR)
    if (functor >= 0) return autoCall(callFunction(value.slots[functor]!, value), args)
  }
  if (!(value instanceof Lambda) || value.site.formals === undefined) return value
  const { formals } = value.site
  if (formals.open) return callFunction(value, args.keys.length === 0 ? EMPTY_ATTRS : args)
  const keys: number[] = []
  const slots: Slot[] = []
  for (const [i, key] of formals.keys.entries()) {
    const at = findAttribute(args, key)
    if (at >= 0) {
      keys.push(key)
      slots.push(args.slots[at]!)
    } else if (formals.optional[i] !== true) {
      throw new ValueError(missingArgument(symbolText(key)), {
        file: value.site.position.file,
        offset: formals.offsets[i]!,
      })
    }
  }
  return callFunction(value, new Attrs(keys, slots))
}

const FUNCTOR = intern('__functor')

function missingArgument(name: string): string {
  return `cannot evaluate a function that has an argument without a value ('${name}')
Nix attempted to evaluate a function as a top level expression; in
this case it must have its arguments supplied either by default
values, or passed explicitly with '--arg' or '--argstr'. See
https://nixos.org/manual/nix/stable/expressions/language-constructs.html#functions.`
}
