/**
 * The syntax tree of one Nix expression, as the parser makes it: plain data, byte offsets for positions, paths as they
 * were written. `flatten.ts` resolves its variables and turns it into the flat form that is compiled and stored.
 */
export type Expr =
  | IntExpr
  | FloatExpr
  | StringExpr
  | PathExpr
  | VariableExpr
  | SelectExpr
  | HasAttrExpr
  | AttrsExpr
  | ListExpr
  | LambdaExpr
  | CallExpr
  | LetExpr
  | WithExpr
  | IfExpr
  | AssertExpr
  | NotExpr
  | BinaryExpr
  | ConcatExpr
  | CurrentPositionExpr

export interface IntExpr {
  readonly kind: 'int'
  readonly value: number | bigint
}

export interface FloatExpr {
  readonly kind: 'float'
  readonly value: number
}

export interface StringExpr {
  readonly kind: 'string'
  readonly text: string
}

/** A path literal as written: absolute, relative to the file, or `~/…`. */
export interface PathExpr {
  readonly kind: 'path'
  readonly text: string
}

export interface VariableExpr {
  readonly kind: 'variable'
  readonly name: string
  readonly at: number
}

/** A name in an attribute path: static, or an expression that gives a string. */
export type AttrName = string | Expr

export interface SelectExpr {
  readonly kind: 'select'
  readonly subject: Expr
  readonly path: readonly AttrName[]
  readonly fallback: Expr | undefined
  readonly at: number
}

export interface HasAttrExpr {
  readonly kind: 'hasAttr'
  readonly subject: Expr
  readonly path: readonly AttrName[]
  readonly at: number
}

/** `inherit x` (looked up outside of a `rec`), or `name = value` (also for `inherit (set) name`). */
export interface Binding {
  readonly value: Expr
  readonly inherited: boolean
  /** Written as `inherit (set) name`: the value is a select. */
  readonly inheritedFrom?: boolean
  readonly at: number
}

export interface DynamicBinding {
  readonly name: Expr
  readonly value: Expr
  readonly at: number
}

export interface AttrsExpr {
  readonly kind: 'attrs'
  readonly recursive: boolean
  readonly bindings: Map<string, Binding>
  readonly dynamic: DynamicBinding[]
  readonly at: number
}

export interface ListExpr {
  readonly kind: 'list'
  readonly items: readonly Expr[]
  readonly at: number
}

export interface Formal {
  readonly name: string
  readonly fallback: Expr | undefined
  readonly at: number
}

export interface LambdaExpr {
  readonly kind: 'lambda'
  /** The plain or `@` argument; empty when there is none. */
  readonly argument: string
  readonly formals: { readonly list: readonly Formal[]; readonly open: boolean } | undefined
  readonly body: Expr
  readonly at: number
  /** What it is bound to: for messages. */
  name: string
}

export interface CallExpr {
  readonly kind: 'call'
  readonly fn: Expr
  readonly args: readonly Expr[]
  readonly at: number
}

export interface LetExpr {
  readonly kind: 'let'
  readonly bindings: AttrsExpr
  readonly body: Expr
  readonly at: number
}

export interface WithExpr {
  readonly kind: 'with'
  readonly scope: Expr
  readonly body: Expr
  readonly at: number
}

export interface IfExpr {
  readonly kind: 'if'
  readonly condition: Expr
  readonly consequent: Expr
  readonly alternative: Expr
  readonly at: number
}

export interface AssertExpr {
  readonly kind: 'assert'
  readonly condition: Expr
  readonly body: Expr
  readonly at: number
}

export interface NotExpr {
  readonly kind: 'not'
  readonly operand: Expr
  readonly at: number
}

export type BinaryOperator = '==' | '!=' | '&&' | '||' | '->' | '//' | '++'

export interface BinaryExpr {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Expr
  readonly right: Expr
  readonly at: number
}

/** Interpolated strings and paths, and `a + b`. */
export interface ConcatExpr {
  readonly kind: 'concat'
  /** True in a string: the result is a string whatever the first part is. */
  readonly interpolated: boolean
  readonly parts: readonly { readonly expr: Expr; readonly at: number }[]
  readonly at: number
}

export interface CurrentPositionExpr {
  readonly kind: 'position'
  readonly at: number
}
