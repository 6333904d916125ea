import { resolvePath } from './path.ts'
import type { AttrName, AttrsExpr, CallExpr, Expr, LambdaExpr } from './syntax.ts'

export interface PrintOptions {
  /** What a path literal depends on: the directory of the file, absolute, and `~`. Without: paths as they were written. */
  readonly base?: { readonly directory: string; readonly home: () => string }
  /**
   * Names of builtins. Nix 2.8 prints `let` and formals in the order in which it first saw the names, and it saw those
   * of builtins before any file.
   */
  readonly builtinNames?: ReadonlySet<string>
  /** As today: names in byte order, what is inherited first. */
  readonly newer?: boolean
}

/** The expression as `nix-instantiate --parse` prints it. */
export function printSyntax(expr: Expr, options: PrintOptions = {}): string {
  const print = (e: Expr): string => printSyntax(e, options)
  switch (expr.kind) {
    case 'int':
      return String(expr.value)
    case 'float':
      return formatFloat(expr.value)
    case 'string':
      return quoteString(expr.text)
    case 'path':
      return options.base === undefined ? expr.text : resolvePath(expr.text, options.base)
    case 'variable':
      return formatName(expr.name)
    case 'select': {
      const fallback = expr.fallback === undefined ? '' : ` or (${print(expr.fallback)})`
      return `(${print(expr.subject)}).${printAttrPath(expr.path, options)}${fallback}`
    }
    case 'hasAttr':
      return `((${print(expr.subject)}) ? ${printAttrPath(expr.path, options)})`
    case 'attrs':
      return `${expr.recursive ? 'rec ' : ''}{ ${printBindings(expr, print, [...expr.bindings.keys()].sort(compareBytes), options)}}`
    case 'list':
      return `[ ${expr.items.map((item) => `(${print(item)}) `).join('')}]`
    case 'lambda':
      return `(${printArgument(expr, print, options)}: ${print(expr.body)})`
    case 'call':
      return `(${(options.newer ? flatCall(expr) : [expr.fn, ...expr.args]).map(print).join(' ')})`
    case 'let': {
      const names = printedNames([...expr.bindings.bindings.keys()], options)
      return `(let ${printBindings(expr.bindings, print, names, options)}in ${print(expr.body)})`
    }
    case 'with':
      return `(with ${print(expr.scope)}; ${print(expr.body)})`
    case 'if':
      return `(if ${print(expr.condition)} then ${print(expr.consequent)} else ${print(expr.alternative)})`
    case 'assert':
      return `assert ${print(expr.condition)}; ${print(expr.body)}`
    case 'not':
      return `(! ${print(expr.operand)})`
    case 'binary':
      return `(${print(expr.left)} ${expr.operator} ${print(expr.right)})`
    case 'concat':
      return `(${expr.parts.map((part) => print(part.expr)).join(' + ')})`
    case 'position':
      return '__curPos'
  }
}

/** `a."b c"."${expr}"`. */
export function printAttrPath(path: readonly AttrName[], options?: PrintOptions): string {
  return path
    .map((name) => (typeof name === 'string' ? formatName(name) : `"\${${printSyntax(name, options)}}"`))
    .join('.')
}

/** A name as it is, or quoted when it is no identifier. */
export function formatName(name: string): string {
  return name === '' || RESERVED.has(name) || !/^[a-zA-Z_][a-zA-Z0-9_'-]*$/.test(name) ? quoteString(name) : name
}

/** A string literal with the escapes that Nix prints in syntax (not in values): every `$` has one. */
export function quoteString(text: string): string {
  const escaped = text.replace(/["\\\n\r\t$]/g, (c) => ESCAPES[c] ?? `\\${c}`)
  return `"${escaped}"`
}

/** `%g` of C with six digits. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const scientific = value.toExponential(5)
  const exponent = Number(scientific.slice(scientific.indexOf('e') + 1))
  if (exponent < -4 || exponent >= 6) {
    const mantissa = scientific.slice(0, scientific.indexOf('e')).replace(/\.?0+$/, '')
    const digits = String(Math.abs(exponent)).padStart(2, '0')
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`
  }
  const fixed = value.toFixed(Math.max(0, 5 - exponent))
  return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed
}

const RESERVED = new Set(['if', 'then', 'else', 'assert', 'with', 'let', 'in', 'rec', 'inherit'])

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A call of a call is one with more arguments. */
function flatCall(expr: CallExpr): Expr[] {
  return expr.fn.kind === 'call' ? [...flatCall(expr.fn), ...expr.args] : [expr.fn, ...expr.args]
}

function printBindings(
  attrs: AttrsExpr,
  print: (e: Expr) => string,
  names: readonly string[],
  options: PrintOptions,
): string {
  let text = options.newer ? printInherited(attrs, print, names) : ''
  for (const name of names) {
    const binding = attrs.bindings.get(name)!
    if (options.newer && (binding.inherited || binding.inheritedFrom)) continue
    text += binding.inherited ? `inherit ${formatName(name)} ; ` : `${formatName(name)} = ${print(binding.value)}; `
  }
  for (const { name, value } of attrs.dynamic) text += `"\${${print(name)}}" = ${print(value)}; `
  return text
}

/** `inherit a b; inherit (set) c d; `. */
function printInherited(attrs: AttrsExpr, print: (e: Expr) => string, names: readonly string[]): string {
  const plain: string[] = []
  const from = new Map<Expr, string[]>()
  // In the order in which the sets were written.
  for (const { value, inheritedFrom } of attrs.bindings.values()) {
    if (inheritedFrom && value.kind === 'select') from.set(value.subject, [])
  }
  for (const name of names) {
    const { value, inherited, inheritedFrom } = attrs.bindings.get(name)!
    if (inherited) plain.push(formatName(name))
    else if (inheritedFrom && value.kind === 'select') from.get(value.subject)!.push(formatName(name))
  }
  let text = plain.length === 0 ? '' : `inherit ${plain.join(' ')}; `
  for (const [set, inherited] of from) text += `inherit (${print(set)}) ${inherited.join(' ')}; `
  return text
}

function printArgument(lambda: LambdaExpr, print: (e: Expr) => string, options: PrintOptions): string {
  if (lambda.formals === undefined) return lambda.argument
  const formals = new Map(lambda.formals.list.map((formal) => [formal.name, formal]))
  const sorted = printedNames([...formals.keys()], options).map((name) => formals.get(name)!)
  const parts = sorted.map(
    (formal) => formal.name + (formal.fallback === undefined ? '' : ` ? ${print(formal.fallback)}`),
  )
  if (lambda.formals.open) parts.push('...')
  return `{ ${parts.join(', ')} }${lambda.argument === '' ? '' : ` @ ${lambda.argument}`}`
}

function printedNames(names: readonly string[], options: PrintOptions): string[] {
  if (options.newer) return names.toSorted(compareBytes)
  const known = options.builtinNames
  if (known === undefined) return names.slice()
  return [...names.filter((name) => known.has(name)).sort(compareBytes), ...names.filter((name) => !known.has(name))]
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
