/**
 * Errors of evaluation. What `tryEval` catches (`throw`, a failed `assert`, a failed `<…>`) is a kind of its own;
 * everything else passes through it. Message texts are those of Nix 2.8, in bytes.
 */
import { UserError } from '../../format/src/user-error.ts'
import type { Position } from './position.ts'
import { suggest } from './suggestion.ts'

/** One line of the trace: what was being evaluated, and where. */
export interface TraceFrame {
  readonly message: string
  readonly position: Position | undefined
}

export class EvaluationError extends UserError {
  /** Where it happened; filled in by the nearest call when `wantsPosition`. */
  position: Position | undefined
  /** True while the position is still to be filled in by whoever called the builtin that threw. */
  wantsPosition: boolean
  /** Innermost first. Only collected when traces are asked for (`--show-trace`). */
  readonly frames: TraceFrame[]
  /** Names that the user may have meant. */
  readonly suggestions: readonly string[]
  #wantsCallSite = false
  #today: (() => string) | undefined

  constructor(
    code: string,
    message: string,
    position?: Position,
    suggestions: readonly string[] = [],
    options: { readonly hint?: string } = {},
  ) {
    // Capturing a JavaScript stack costs more than all the rest of a caught `throw`, the deeper the dearer.
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(code, message, options)
    Error.stackTraceLimit = limit
    this.name = 'EvaluationError'
    this.position = position
    this.wantsPosition = false
    this.frames = []
    this.suggestions = suggestions
  }

  /** Says what the message is in the language of today. It is made when it is shown. */
  inToday(message: () => string): this {
    this.#today = message
    return this
  }

  /** The message in the language of today, or else of 2.8. */
  messageIn(newer: boolean): string {
    return newer && this.#today !== undefined ? this.#today() : this.message
  }

  /** Where it happened, unless that is known, or not known here either. */
  locate(position: Position | undefined): void {
    if (!this.wantsPosition || position === undefined) return
    this.position = position
    this.wantsPosition = false
  }

  /** Adds what was being evaluated while the error passed by. */
  addFrame(message: string, position: Position | undefined): void {
    this.#wantsCallSite = false
    this.frames.push({ message, position })
  }

  /** Adds the function that was being called; who called it is told by the nearest `called`. */
  addCall(message: string, position: Position): void {
    this.frames.push({ message, position }, { message: 'from call site', position: undefined })
    this.#wantsCallSite = true
  }

  /** The call that the error just came out of. */
  called(position: Position | undefined): void {
    if (!this.#wantsCallSite) return
    this.#wantsCallSite = false
    this.frames[this.frames.length - 1] = { message: 'from call site', position }
  }
}

/** The error that passes, with that position if it wants one. */
export function locatedAt(error: unknown, position: Position | undefined): unknown {
  if (error instanceof EvaluationError) error.locate(position)
  return error
}

/** What `tryEval` catches. */
export class CatchableError extends EvaluationError {}

/** `throw "…"`. */
export class ThrownError extends CatchableError {
  constructor(message: string) {
    super('EVAL_THROW', message)
  }
}

/** `assert` whose condition is false. */
export class AssertionError extends CatchableError {
  constructor(message: string, position: Position | undefined, hint?: string) {
    super('EVAL_ASSERT', message, position, [], hint === undefined ? {} : { hint })
  }
}

/** `<name>` that no entry of the search path has. */
export class SearchPathError extends CatchableError {
  constructor(name: string, message?: string) {
    super(
      'EVAL_SEARCH_PATH',
      message ?? `file '${name}' was not found in the Nix search path (add it using $NIX_PATH or -I)`,
    )
    this.wantsPosition = true
  }
}

/** `abort "…"`: not caught by `tryEval`. */
export class AbortError extends EvaluationError {
  constructor(message: string) {
    super('EVAL_ABORT', `evaluation aborted with the following error message: '${message}'`)
  }
}

/** A value of the wrong type, a missing attribute, a bad argument… The nearest caller adds its position. */
export class ValueError extends EvaluationError {
  constructor(message: string, position?: Position, suggestions: readonly string[] = []) {
    super('EVAL_TYPE', message, position, suggestions)
    this.wantsPosition = position === undefined
  }
}

export class UndefinedVariableError extends EvaluationError {
  /** `names` are those in scope. Nix suggests none, so that what is near is a hint. */
  constructor(name: string, position: Position | undefined, names: readonly string[] = []) {
    // One letter is near every other.
    const near = suggest(name, names).filter((one) => one.length + name.length > 4)
    const options = near.length === 0 ? {} : { hint: `did you mean ${near.join(' or ')}?` }
    super('EVAL_UNDEFINED_VARIABLE', `undefined variable '${name}'`, position, [], options)
  }
}

/** A value was asked for while it was being computed; the position is where it was asked for. */
export class InfiniteRecursionError extends EvaluationError {
  /** The expression of the value. */
  readonly valueAt: Position | undefined

  constructor(valueAt?: Position) {
    super('EVAL_INFINITE_RECURSION', 'infinite recursion encountered', valueAt)
    this.valueAt = valueAt
    this.wantsPosition = true
  }
}

/** Calls or data are nested deeper than the settings allow. */
export class CallDepthError extends EvaluationError {
  constructor(message: string) {
    super('EVAL_CALL_DEPTH', message)
    this.wantsPosition = true
  }
}

/** The JavaScript stack is too small: whoever runs the evaluator starts again with a larger one. */
export class StackOverflowError extends EvaluationError {
  constructor() {
    super('EVAL_STACK_OVERFLOW', 'stack overflow (possible infinite recursion)')
  }
}

export class ParseError extends EvaluationError {
  constructor(message: string, position: Position | undefined) {
    super('PARSE', message, position)
  }
}

/** More than V8's longest string has. */
export class StringTooLongError extends EvaluationError {
  constructor() {
    super('EVAL_STRING_TOO_LONG', 'a string would be longer than 512 MiB, the most that there can be')
  }
}

/** The typed error for what V8 throws when the stack is used up or a string too long; anything else comes back as it is. */
export function typedError(error: unknown): unknown {
  if (!(error instanceof RangeError)) return error
  if (error.message.includes('call stack')) return new StackOverflowError()
  return error.message === 'Invalid string length' ? new StringTooLongError() : error
}
