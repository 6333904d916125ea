import { EMPTY_ATTRS } from '../attrs.ts'
import { ValueError } from '../errors.ts'
import { type Builtin, Lambda, PartialApp, PrimOp } from '../function.ts'
import { force } from '../thunk.ts'
import { Attrs, Float, NixString, Path, type Value } from '../value.ts'

/** What kind of value something is. */
export const typeBuiltins: readonly Builtin[] = [
  { name: '__typeOf', arity: 1, code: (_, slot) => typeOf(force(slot)) },
  predicate('isNull', (value) => value === null),
  predicate('__isFunction', isFunctionValue),
  predicate('__isInt', (value) => typeof value === 'number' || typeof value === 'bigint'),
  predicate('__isFloat', (value) => value instanceof Float),
  predicate('__isString', (value) => typeof value === 'string' || value instanceof NixString),
  predicate('__isBool', (value) => typeof value === 'boolean'),
  predicate('__isPath', (value) => value instanceof Path),
  predicate('__isList', (value) => Array.isArray(value)),
  predicate('__isAttrs', (value) => value instanceof Attrs),
  {
    name: '__functionArgs',
    arity: 1,
    code: (_, slot) => {
      const fn = force(slot)
      if (fn instanceof Lambda) return formalsOf(fn)
      if (isFunctionValue(fn)) return EMPTY_ATTRS
      throw new ValueError("'functionArgs' requires a function")
    },
  },
]

function predicate(name: string, test: (value: Value) => boolean): Builtin {
  return { name, arity: 1, code: (_, slot) => test(force(slot)) }
}

function typeOf(value: Value): string {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return 'int'
    case 'boolean':
      return 'bool'
    case 'string':
      return 'string'
  }
  if (value === null) return 'null'
  if (value instanceof NixString) return 'string'
  if (value instanceof Attrs) return 'set'
  if (value instanceof Float) return 'float'
  if (value instanceof Path) return 'path'
  return Array.isArray(value) ? 'list' : 'lambda'
}

/** A set with `__functor` can be called, but is no function here. */
function isFunctionValue(value: Value): boolean {
  return value instanceof Lambda || value instanceof PrimOp || value instanceof PartialApp
}

function formalsOf(fn: Lambda): Attrs {
  const { formals, position } = fn.site
  if (formals === undefined) return EMPTY_ATTRS
  const { keys, offsets } = formals
  return new Attrs(keys, formals.optional, { kind: 'literal', file: position.file, keys, offsets })
}
