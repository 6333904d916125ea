import { positionInError } from './error-value.ts'
import { ParseError } from './errors.ts'
import { formatPosition } from './position.ts'
import type { AttrName, AttrsExpr, Expr } from './syntax.ts'
import type { SyntaxFeatures } from './syntax-features.ts'
import { printAttrPath } from './syntax-printer.ts'
import type { SourceFile } from './value.ts'

export function newAttrs(recursive: boolean, at: number): AttrsExpr {
  return { kind: 'attrs', recursive, bindings: new Map(), dynamic: [], at }
}

/**
 * Adds `a.b.c = value` to a set. Paths with a common beginning merge, and so do two literal sets under one name, as
 * long as no attribute is defined twice.
 */
export function addBinding(
  { file, features }: { readonly file: SourceFile; readonly features: SyntaxFeatures },
  attrs: AttrsExpr,
  path: readonly AttrName[],
  value: Expr,
  at: number,
): void {
  let target = attrs
  const last = path.length - 1
  for (let i = 0; i < last; i++) {
    const name = path[i]!
    const nested = newAttrs(false, at)
    if (typeof name !== 'string') {
      target.dynamic.push({ name, value: nested, at })
      target = nested
      continue
    }
    const present = target.bindings.get(name)
    if (present === undefined) {
      target.bindings.set(name, { value: nested, inherited: false, at })
      target = nested
    } else if (!present.inherited && present.value.kind === 'attrs') target = present.value
    else duplicate(file, path, at, present.at)
  }
  const name = path[last]!
  if (typeof name !== 'string') {
    target.dynamic.push({ name, value, at })
    return
  }
  const present = target.bindings.get(name)
  if (present === undefined) {
    target.bindings.set(name, { value, inherited: false, at })
    setLambdaName(value, name)
  } else if (present.value.kind === 'attrs' && value.kind === 'attrs') {
    if (features.newer) mergeDeeply(file, path, present.value, value)
    else merge(file, present.value, value)
  } else duplicate(file, path, at, present.at)
}

/** Adds one name of `inherit …` or `inherit (from) …`. */
export function addInherited(
  file: SourceFile,
  attrs: AttrsExpr,
  name: string,
  from: Expr | undefined,
  valueAt: number,
  at: number,
): void {
  const present = attrs.bindings.get(name)
  if (present !== undefined) duplicate(file, [name], at, present.at)
  const value: Expr =
    from === undefined
      ? { kind: 'variable', name, at: valueAt }
      : { kind: 'select', subject: from, path: [name], fallback: undefined, at: valueAt }
  attrs.bindings.set(name, { value, inherited: from === undefined, inheritedFrom: from !== undefined, at })
}

function merge(file: SourceFile, into: AttrsExpr, from: AttrsExpr): void {
  for (const [key, binding] of from.bindings) {
    const other = into.bindings.get(key)
    if (other !== undefined) duplicate(file, [key], other.at, binding.at)
    into.bindings.set(key, binding)
  }
  into.dynamic.push(...from.dynamic)
}

/** In today's Nix sets inside of merged sets merge as well. */
function mergeDeeply(file: SourceFile, path: readonly AttrName[], into: AttrsExpr, from: AttrsExpr): void {
  for (const [key, binding] of from.bindings) {
    const other = into.bindings.get(key)
    if (other === undefined) into.bindings.set(key, binding)
    else if (other.value.kind === 'attrs' && binding.value.kind === 'attrs') {
      mergeDeeply(file, [...path, key], other.value, binding.value)
    } else duplicate(file, [...path, key], binding.at, other.at)
  }
  into.dynamic.push(...from.dynamic)
}

/** Functions carry the name that they are bound to. */
function setLambdaName(expr: Expr, name: string): void {
  for (let e = expr; e.kind === 'lambda'; e = e.body) e.name = name
}

function duplicate(file: SourceFile, path: readonly AttrName[], at: number, earlier: number): never {
  const text = printAttrPath(path)
  const position = { file, offset: earlier }
  throw new ParseError(`attribute '${text}' already defined at ${formatPosition(position)}`, {
    file,
    offset: at,
  }).inToday(() => `attribute '${text}' already defined at ${positionInError(position)}`)
}
