/** Resolves the variables of a syntax tree and writes it in the flat form. */
import { UndefinedVariableError } from './errors.ts'
import * as flat from './flat.ts'
import type { AttrName, AttrsExpr, BinaryOperator, Binding, Expr, LambdaExpr, SelectExpr } from './syntax.ts'
import { printSyntax } from './syntax-printer.ts'
import type { SourceFile } from './value.ts'

/**
 * `globals` are the names outside of all scopes, `scope` further variables in the environment that the code will run
 * in (slots from 1 in this order), if any. Throws `UndefinedVariableError`.
 */
export function flatten(
  file: SourceFile,
  expr: Expr,
  globals: ReadonlySet<string>,
  scope?: readonly string[],
  newer = false,
): flat.FlatFile {
  const flattener = new Flattener(file, globals, newer)
  const outer = scope === undefined ? undefined : new Scope(undefined, slotsOf(scope))
  const root = flattener.emit(expr, outer)
  return flattener.result(root)
}

class Scope {
  readonly parent: Scope | undefined
  /** Undefined: a `with`. */
  readonly names: ReadonlyMap<string, number> | undefined
  constructor(parent: Scope | undefined, names: ReadonlyMap<string, number> | undefined) {
    this.parent = parent
    this.names = names
  }
}

class Flattener {
  readonly #file: SourceFile
  readonly #globals: ReadonlySet<string>
  /** How conditions of `assert` are printed. */
  readonly #newer: boolean
  readonly #nodes: number[] = [0]
  readonly #strings: string[] = []
  readonly #indices = new Map<string, number>()
  /** `inherit (set) a b` shares the expression `set`. */
  readonly #shared = new Map<Expr, number>()

  constructor(file: SourceFile, globals: ReadonlySet<string>, newer: boolean) {
    this.#file = file
    this.#globals = globals
    this.#newer = newer
  }

  result(root: number): flat.FlatFile {
    const strings = this.#strings
    return {
      nodes: Int32Array.from(this.#nodes),
      root,
      stringCount: strings.length,
      string: (index) => strings[index]!,
    }
  }

  emit(expr: Expr, scope: Scope | undefined): number {
    switch (expr.kind) {
      case 'int': {
        const value = expr.value
        if (typeof value === 'number' && value === (value | 0)) return this.#node(flat.INT, value)
        return this.#node(flat.BIGINT, this.#string(String(value)))
      }
      case 'float':
        return this.#node(flat.FLOAT, this.#string(String(expr.value)))
      case 'string':
        return this.#node(flat.STRING, this.#string(expr.text))
      case 'path':
        return this.#node(flat.PATH, this.#string(expr.text))
      case 'variable':
        return this.#variable(expr.name, expr.at, scope, 0)
      case 'select':
        return this.#select(expr, scope)
      case 'hasAttr': {
        const subject = this.emit(expr.subject, scope)
        const parts = this.#path(expr.path, scope)
        return this.#node(flat.HAS_ATTR, expr.at, subject, parts.length, ...parts)
      }
      case 'attrs':
        return this.#attrs(expr, scope)
      case 'list': {
        const items = expr.items.map((item) => this.emit(item, scope))
        return this.#longNode([flat.LIST, expr.at, items.length], items)
      }
      case 'lambda':
        return this.#lambda(expr, scope)
      case 'call': {
        const fn = this.emit(expr.fn, scope)
        const args = expr.args.map((argument) => this.emit(argument, scope))
        return this.#longNode([flat.CALL, expr.at, fn, args.length], args)
      }
      case 'let': {
        const names = slotsOf([...expr.bindings.bindings.keys()])
        const inner = new Scope(scope, names)
        const triples = this.#bindings(expr.bindings, inner, scope)
        const body = this.emit(expr.body, inner)
        return this.#longNode([flat.LET, expr.at, body, names.size], triples)
      }
      case 'with': {
        const attrs = this.emit(expr.scope, scope)
        return this.#node(flat.WITH, expr.at, attrs, this.emit(expr.body, new Scope(scope, undefined)))
      }
      case 'if': {
        const condition = this.emit(expr.condition, scope)
        const consequent = this.emit(expr.consequent, scope)
        return this.#node(flat.IF, expr.at, condition, consequent, this.emit(expr.alternative, scope))
      }
      case 'assert': {
        const condition = this.emit(expr.condition, scope)
        const body = this.emit(expr.body, scope)
        return this.#node(
          flat.ASSERT,
          expr.at,
          condition,
          body,
          this.#string(printSyntax(expr.condition, { newer: this.#newer })),
        )
      }
      case 'not':
        return this.#node(flat.NOT, expr.at, this.emit(expr.operand, scope))
      case 'binary': {
        const left = this.emit(expr.left, scope)
        return this.#node(BINARY_KINDS[expr.operator], expr.at, left, this.emit(expr.right, scope))
      }
      case 'concat': {
        const parts: number[] = []
        for (const part of expr.parts) parts.push(part.at, this.emit(part.expr, scope))
        return this.#longNode([flat.CONCAT, expr.at, expr.interpolated ? 1 : 0, expr.parts.length], parts)
      }
      case 'position':
        return this.#node(flat.POSITION, expr.at)
    }
  }

  #variable(name: string, at: number, from: Scope | undefined, extraDepth: number): number {
    let depth = extraDepth
    let withs: number[] | undefined
    for (let scope = from; scope !== undefined; scope = scope.parent) {
      if (scope.names === undefined) (withs ??= []).push(depth)
      else {
        const slot = scope.names.get(name)
        if (slot !== undefined) return this.#node(flat.LOCAL, at, depth, slot)
      }
      depth++
    }
    if (this.#globals.has(name)) return this.#node(flat.GLOBAL, at, this.#string(name))
    if (withs === undefined)
      throw new UndefinedVariableError(name, { file: this.#file, offset: at }, this.#namesIn(from))
    return this.#node(flat.WITH_VARIABLE, at, this.#string(name), withs.length, ...withs)
  }

  #namesIn(from: Scope | undefined): string[] {
    const names = new Set(this.#globals)
    for (let scope = from; scope !== undefined; scope = scope.parent) {
      for (const name of scope.names?.keys() ?? []) names.add(name)
    }
    return [...names]
  }

  #select(expr: SelectExpr, scope: Scope | undefined): number {
    const subject = this.emit(expr.subject, scope)
    return this.#selectFrom(subject, expr, scope)
  }

  #selectFrom(subject: number, expr: SelectExpr, scope: Scope | undefined): number {
    const fallback = expr.fallback === undefined ? -1 : this.emit(expr.fallback, scope)
    const parts = this.#path(expr.path, scope)
    return this.#node(flat.SELECT, expr.at, subject, fallback, parts.length, ...parts)
  }

  #path(path: readonly AttrName[], scope: Scope | undefined): number[] {
    return path.map((name) => (typeof name === 'string' ? this.#string(name) : ~this.emit(name, scope)))
  }

  #attrs(expr: AttrsExpr, scope: Scope | undefined): number {
    const inner = expr.recursive ? new Scope(scope, slotsOf([...expr.bindings.keys()])) : scope
    const triples = this.#bindings(expr, inner, scope)
    for (const { name, value, at } of expr.dynamic) triples.push(this.emit(name, inner), at, this.emit(value, inner))
    const kind = expr.recursive ? flat.REC : flat.ATTRS
    return this.#longNode([kind, expr.at, expr.bindings.size, expr.dynamic.length], triples)
  }

  #bindings(expr: AttrsExpr, inner: Scope | undefined, outer: Scope | undefined): number[] {
    const triples: number[] = []
    for (const [name, binding] of expr.bindings) {
      triples.push(this.#string(name), binding.at, this.#binding(name, binding, inner, outer))
    }
    return triples
  }

  #binding(name: string, binding: Binding, inner: Scope | undefined, outer: Scope | undefined): number {
    const value = binding.value
    // `inherit x` means the x outside, but its code runs inside.
    if (binding.inherited) {
      return this.#variable(name, value.kind === 'variable' ? value.at : binding.at, outer, inner === outer ? 0 : 1)
    }
    if (value.kind === 'select') {
      let subject = this.#shared.get(value.subject)
      if (subject === undefined) {
        subject = this.emit(value.subject, inner)
        this.#shared.set(value.subject, subject)
      }
      return this.#selectFrom(subject, value, inner)
    }
    return this.emit(value, inner)
  }

  #lambda(expr: LambdaExpr, scope: Scope | undefined): number {
    if (expr.formals !== undefined) return this.#formals(expr, expr.formals, scope)
    const args = [expr.argument]
    const words = [this.#string(expr.argument), expr.at]
    let body = expr.body
    while (body.kind === 'lambda' && body.formals === undefined && args.length < flat.MAX_ARITY) {
      args.push(body.argument)
      words.push(this.#string(body.argument), body.at)
      body = body.body
    }
    const node = this.emit(body, new Scope(scope, slotsOf(args)))
    return this.#node(flat.LAMBDA, expr.at, this.#string(expr.name), node, args.length, ...words)
  }

  #formals(expr: LambdaExpr, formals: NonNullable<LambdaExpr['formals']>, scope: Scope | undefined): number {
    const names = formals.list.map((formal) => formal.name)
    const inner = new Scope(scope, slotsOf(expr.argument === '' ? names : [expr.argument, ...names]))
    const triples: number[] = []
    for (const formal of formals.list) {
      const fallback = formal.fallback === undefined ? -1 : this.emit(formal.fallback, inner)
      triples.push(this.#string(formal.name), formal.at, fallback)
    }
    const body = this.emit(expr.body, inner)
    const argument = expr.argument === '' ? -1 : this.#string(expr.argument)
    const open = formals.open ? 1 : 0
    const head = [flat.FORMALS, expr.at, this.#string(expr.name), body, argument, open, formals.list.length]
    return this.#longNode(head, triples)
  }

  #node(...words: number[]): number {
    const at = this.#nodes.length
    for (let i = 0; i < words.length; i++) this.#nodes.push(words[i]!)
    return at
  }

  #longNode(head: readonly number[], tail: readonly number[]): number {
    const at = this.#nodes.length
    for (let i = 0; i < head.length; i++) this.#nodes.push(head[i]!)
    for (let i = 0; i < tail.length; i++) this.#nodes.push(tail[i]!)
    return at
  }

  #string(text: string): number {
    const known = this.#indices.get(text)
    if (known !== undefined) return known
    const index = this.#strings.length
    this.#strings.push(text)
    this.#indices.set(text, index)
    return index
  }
}

const BINARY_KINDS: Readonly<Record<BinaryOperator, number>> = {
  '==': flat.EQUAL,
  '!=': flat.NOT_EQUAL,
  '&&': flat.AND,
  '||': flat.OR,
  '->': flat.IMPLIES,
  '//': flat.UPDATE,
  '++': flat.CONCAT_LISTS,
}

/** Slots from 1; of equal names the last counts. */
function slotsOf(names: readonly string[]): Map<string, number> {
  const slots = new Map<string, number>()
  for (let i = 0; i < names.length; i++) slots.set(names[i]!, i + 1)
  return slots
}
