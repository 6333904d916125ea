import { textHash } from '@baryon/format'
import { EvaluationError, InfiniteRecursionError } from './errors.ts'
import { callFunction } from './function.ts'
import type { Position } from './position.ts'
import { childName, childName2, type Tracker } from './tracking.ts'
import type { Slot, Value } from './value.ts'

/**
 * What a thunk runs: gets the two payload fields, gives a value in weak head normal form. The fields' types are known
 * only to whoever made the thunk.
 */
export type ThunkCode = (first: never, second: never) => Value

type AnyThunkCode = (first: unknown, second: unknown) => Value

/**
 * A value still to be computed. One class with three fields for all uses, and no JavaScript closure per thunk: making
 * and forcing one costs 7 ns, with a closure 30 ns (measured).
 */
export class Thunk {
  /** The code to run; null once `second` holds the value. */
  code: ThunkCode | null
  first: unknown
  second: unknown
  constructor(code: ThunkCode | null, first: unknown, second: unknown) {
    this.code = code
    this.first = first
    this.second = second
  }
}

/** With what it depends on and what it is called; see `tracking.ts`. */
export class TrackedThunk extends Thunk {
  readonly name1: number
  readonly name2: number
  /** Of its making; once it is evaluated, of its value. A number of the tracker's sets. */
  dependencies: number
  constructor(
    code: ThunkCode | null,
    first: unknown,
    second: unknown,
    name1: number,
    name2: number,
    dependencies: number,
  ) {
    super(code, first, second)
    this.name1 = name1
    this.name2 = name2
    this.dependencies = dependencies
  }
}

/** Undefined: nothing is tracked. Constant during an evaluation. */
export let tracker: Tracker | undefined

/** Makes all thunks from now on tracked ones, or plain ones. */
export function trackThunks(by: Tracker | undefined): void {
  tracker = by
}

export function makeThunk(code: ThunkCode, first: unknown, second: unknown): Thunk {
  return tracker === undefined ? new Thunk(code, first, second) : makeTracked(tracker, code, first, second)
}

function makeTracked(by: Tracker, code: ThunkCode, first: unknown, second: unknown): TrackedThunk {
  const number = ++by.made
  return new TrackedThunk(
    code,
    first,
    second,
    childName(by.name1, number),
    childName2(by.name2, number),
    by.dependencies,
  )
}

/** A thunk that is called by its own name and not by its maker's: what it computes is the same for all who ask. */
export function namedThunk(name: string, compute: () => Value, dependencies = tracker?.common ?? 0): Thunk {
  if (tracker === undefined) return new Thunk(runLazy, compute, null)
  const [name1, name2] = [textHash(name, 0x811c9dc5), textHash(name, 0x01000193)]
  return new TrackedThunk(runLazy, compute, null, name1, name2, dependencies)
}

/** A payload that knows where its expression stands. */
export interface Located {
  position(): Position | undefined
  /** Where that asks for a value that is being computed, given what else the thunk holds; itself, if nothing nearer is known. */
  askedAt(first: unknown): Position | undefined
}

/** The value of a slot in weak head normal form. */
export function force(slot: Slot): Value {
  return slot instanceof Thunk ? forceThunk(slot) : slot
}

/**
 * The value of an item of a list or of an attribute. It stands there from now on in place of its thunk, which takes as much
 * memory as a short string; a tracked one stays, as it knows what the value depends on.
 */
export function forceAt(slots: readonly Slot[], at: number): Value {
  const slot = slots[at]!
  if (!(slot instanceof Thunk)) return slot
  const value = forceThunk(slot)
  if (tracker === undefined) (slots as Slot[])[at] = value
  return value
}

/** Values in place of those thunks that are evaluated; see `forceAt`. */
export function settle(slots: readonly Slot[]): void {
  if (tracker !== undefined) return
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!
    if (slot instanceof Thunk && slot.code === null) (slots as Slot[])[i] = slot.second as Value
  }
}

export function forceThunk(thunk: Thunk): Value {
  if (tracker !== undefined && thunk instanceof TrackedThunk) return forceTracked(tracker, thunk)
  const code = thunk.code
  if (code === null) return thunk.second as Value
  thunk.code = BLACKHOLE
  try {
    const value = (code as AnyThunkCode)(thunk.first, thunk.second)
    thunk.second = value
    thunk.code = null
    thunk.first = null
    return value
  } catch (error) {
    if (error instanceof InfiniteRecursionError && code !== BLACKHOLE) locateIn(thunk, error)
    // `tryEval` may have caught it, then the next force must fail in the same way. Free in V8 (measured).
    thunk.code = code
    throw error
  }
}

function forceTracked(by: Tracker, thunk: TrackedThunk): Value {
  const code = thunk.code
  if (code === null) {
    by.look(thunk.dependencies)
    return thunk.second as Value
  }
  const known = by.memory?.recall(thunk)
  if (known !== undefined) {
    thunk.second = known.value
    thunk.code = null
    thunk.first = null
    thunk.dependencies = known.dependencies
    by.look(known.dependencies)
    return known.value
  }
  const { name1, name2, made, dependencies } = by
  const start = by.evaluated.length
  by.name1 = thunk.name1
  by.name2 = thunk.name2
  by.made = 0
  by.dependencies = thunk.dependencies
  thunk.code = BLACKHOLE
  try {
    const value = (code as AnyThunkCode)(thunk.first, thunk.second)
    thunk.second = value
    thunk.code = null
    thunk.first = null
    thunk.dependencies = by.dependencies
    by.evaluatedTo(thunk, value, start)
    return value
  } catch (error) {
    if (error instanceof InfiniteRecursionError && code !== BLACKHOLE) locateIn(thunk, error)
    thunk.code = code
    throw error
  } finally {
    // What was learned counts also when it ended with an error: somebody may catch that.
    const own = by.dependencies
    by.name1 = name1
    by.name2 = name2
    by.made = made
    by.dependencies = by.sets.union(dependencies, own)
  }
}

/** A thunk for `fn arg`. */
export function applyThunk(fn: Slot, argument: Slot): Thunk {
  return makeThunk(runApply, fn, argument)
}

/** A thunk that runs a function of TypeScript once. */
export function lazy(compute: () => Value): Thunk {
  return makeThunk(runLazy, compute, null)
}

/** The same for what counts as evaluated in the language: only we know that it is computed when it is asked for. */
export function lateValue(compute: () => Value): Thunk {
  return makeThunk(runLate, compute, null)
}

/** Whether the language shows that the slot has no value yet. */
export function isUnevaluated(slot: Slot): boolean {
  return slot instanceof Thunk && slot.code !== null && slot.code !== runLate
}

/** What a thunk for `fn arg` runs. */
export function runApply(fn: Slot, argument: Slot): Value {
  try {
    return callFunction(fn, argument)
  } catch (error) {
    // Whoever forces this did not write the call.
    if (error instanceof EvaluationError) error.called(undefined)
    throw error
  }
}

function runLazy(compute: () => Value): Value {
  return compute()
}

function runLate(compute: () => Value): Value {
  return compute()
}

/** The code of a thunk that is being forced right now: whoever meets it depends on itself. */
function BLACKHOLE(_first: unknown, second: unknown): Value {
  throw new InfiniteRecursionError(positionOf(second))
}

function positionOf(payload: unknown): Position | undefined {
  return isLocated(payload) ? payload.position() : undefined
}

/** The innermost value that was being computed is the one that asked, if no call in it has said so. */
function locateIn({ first, second }: Thunk, error: InfiniteRecursionError): void {
  if (error.wantsPosition && isLocated(second)) error.locate(second.askedAt(first))
}

/** Whether its value is being computed. */
export function isBeingForced(thunk: Thunk): boolean {
  return thunk.code === BLACKHOLE
}

function isLocated(value: unknown): value is Located {
  return typeof value === 'object' && value !== null && 'position' in value && typeof value.position === 'function'
}
