/**
 * Values of the Nix language at run time.
 *
 * Strings are bytes: a JavaScript string with one char (0..255) per byte. Integers are numbers where they are exact
 * (±2^53) and bigints outside; floats are boxed because integers are far more common. Lists are plain arrays.
 * Attribute sets are two parallel arrays, symbol ids in ascending order and their slots; the key array is shared
 * between sets of the same shape (so its identity is the inline cache of a select) and must never be written to.
 */
import type { Lambda, PartialApp, PrimOp } from './function.ts'
import type { Thunk } from './thunk.ts'

export type { Lambda, PartialApp, PrimOp } from './function.ts'
export type { Thunk } from './thunk.ts'

export type Value =
  | number
  | bigint
  | boolean
  | null
  | string
  | Float
  | NixString
  | Path
  | readonly Slot[]
  | Attrs
  | Lambda
  | PrimOp
  | PartialApp

/** What an environment, list or attribute set holds: a value, or one that is still to be computed. */
export type Slot = Value | Thunk

/** Compiled code: takes an environment, gives a value in weak head normal form. */
export type Code = (env: Env) => Value

/** `[up, v1, v2, …]`: the enclosing environment (or null), then the slots of this scope. */
export type Env = [Env | null, ...(Slot | undefined)[]]

export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A string with a non-empty context; a string without context is a plain JavaScript string. */
export class NixString {
  readonly text: string
  readonly context: Context
  constructor(text: string, context: Context) {
    this.text = text
    this.context = context
  }
}

/** A path value: absolute, canonical, bytes. */
export class Path {
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
}

export class Attrs {
  /** Symbol ids, ascending, shared; never written to after construction. */
  readonly keys: readonly number[]
  readonly slots: readonly Slot[]
  /** Where each key was written (beside the shared keys of a literal); undefined when unknown. */
  readonly positions: AttrPositions | undefined
  constructor(keys: readonly number[], slots: readonly Slot[], positions?: AttrPositions) {
    this.keys = keys
    this.slots = slots
    this.positions = positions
  }
}

/** Where the attributes of a set were written; asked for by `attributePosition`. */
export type AttrPositions = LiteralPositions | UpdatedPositions | ListedPositions | DeferredPositions

/** Byte offsets in one file, parallel to the keys of the literal (-1: unknown). */
export interface LiteralPositions {
  readonly kind: 'literal'
  readonly file: SourceFile
  readonly keys: readonly number[]
  readonly offsets: readonly number[]
}

/** The positions of `left // right`. */
export interface UpdatedPositions {
  readonly kind: 'updated'
  readonly rightKeys: readonly number[]
  readonly right: AttrPositions | undefined
  readonly left: AttrPositions | undefined
  readonly depth: number
}

/** The positions of a set that was made from a list of sets: where `symbol` was written in the one that gave each key. */
export interface ListedPositions {
  readonly kind: 'listed'
  readonly keys: readonly number[]
  readonly symbol: number
  /** Parallel to `keys`. */
  readonly elements: readonly (AttrPositions | undefined)[]
}

/** The positions of a set that has to be evaluated first. */
export interface DeferredPositions {
  readonly kind: 'deferred'
  readonly positions: () => AttrPositions | undefined
}

/** What is needed to print a position; line and column are computed only when asked for. */
export interface SourceFile {
  /** Absolute path, or `«string»`, `«stdin»`. */
  readonly name: string
  /** The source text (bytes), read again when needed. */
  readonly source: () => string
}

/** A string's context: its only element, as most have, or all, without duplicates; never none inside a `NixString`. */
export type Context = ContextElement | readonly ContextElement[]

/** One element of a context; equal elements are the same object (see `context.ts`). */
export class ContextElement {
  /** `path`: a store path as it is; `output`: one output of a derivation; `deep`: a derivation and all its outputs. */
  readonly kind: 'path' | 'output' | 'deep'
  /** Full text of the store path (of the derivation for `output` and `deep`). */
  readonly path: string
  /** Name of the output; empty unless `kind` is `output`. */
  readonly output: string
  /** Another element of the same path. */
  readonly next: ContextElement | undefined
  /** Number of the last union that saw the element: membership without hashing. */
  mark = 0
  constructor(kind: ContextElement['kind'], path: string, output: string, next: ContextElement | undefined) {
    this.kind = kind
    this.path = path
    this.output = output
    this.next = next
  }
}
