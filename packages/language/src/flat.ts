/**
 * The flat form of one parsed file: what is compiled lazily and what the parse cache stores.
 *
 * `nodes` holds all expressions one after the other, children before parents. A node starts with its kind; texts are
 * indices into `strings`, children are indices into `nodes`, positions are byte offsets. Layouts (after the kind):
 *
 *     INT value                                  BIGINT text      FLOAT text      STRING text      PATH text
 *     LOCAL at depth slot                        GLOBAL at name   WITH_VARIABLE at name count depth…
 *     SELECT at subject fallback|-1 count part…  HAS_ATTR at subject count part…      (part: name, or ~node)
 *     ATTRS/REC at count dynamic (name at value)… (nameNode at value)…
 *     LIST at count item…                        LET at body count (name at value)…
 *     LAMBDA at name body arity (argument at)…   CALL at fn count argument…
 *     FORMALS at name body argument|-1 open count (name at default|-1)…
 *     WITH at scope body                         IF at condition then else
 *     ASSERT at condition body text              NOT at operand
 *     EQUAL…CONCAT_LISTS at left right           CONCAT at interpolated count (at node)…
 *     POSITION at
 *
 * A variable is (depth, slot): how many environments up, and where in it. `let`, `rec`, lambdas and `with` make one.
 */
export const INT: number = 1
export const BIGINT: number = 2
export const FLOAT: number = 3
export const STRING: number = 4
export const PATH: number = 5
export const LOCAL: number = 6
export const GLOBAL: number = 7
export const WITH_VARIABLE: number = 8
export const SELECT: number = 9
export const HAS_ATTR: number = 10
export const ATTRS: number = 11
export const REC: number = 12
export const LIST: number = 13
export const LET: number = 14
export const LAMBDA: number = 15
export const FORMALS: number = 16
export const CALL: number = 17
export const WITH: number = 18
export const IF: number = 19
export const ASSERT: number = 20
export const NOT: number = 21
export const EQUAL: number = 22
export const NOT_EQUAL: number = 23
export const AND: number = 24
export const OR: number = 25
export const IMPLIES: number = 26
export const UPDATE: number = 27
export const CONCAT_LISTS: number = 28
export const CONCAT: number = 29
export const POSITION: number = 30

export interface FlatFile {
  readonly nodes: Int32Array
  readonly root: number
  /** How many texts there are. */
  readonly stringCount: number
  /** A name or literal (bytes) by its index. */
  string(index: number): string
}

/** A lambda of more arguments is split: `function.ts` calls up to this many directly. */
export const MAX_ARITY = 4
