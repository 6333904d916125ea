import { forceThunk, namedThunk, type Thunk } from './thunk.ts'
import type { Value } from './value.ts'

/**
 * Results that are kept for all who ask for the same again, each a thunk, so that whoever takes one over depends on what it
 * was made of as if it had been made for him alone. No other cache may stand between thunks and the world.
 */
export class SharedResults<T extends Value> {
  readonly #kind: string
  readonly #thunks = new Map<string, Thunk>()

  /** `kind` and key together say what a result is: no other may have the same words. */
  constructor(kind: string) {
    this.#kind = kind
  }

  get size(): number {
    return this.#thunks.size
  }

  get(key: string, make: () => T): T {
    const known = this.#thunks.get(key)
    if (known !== undefined) return forceThunk(known) as T
    const thunk = namedThunk(`${this.#kind} ${key}`, make)
    const result = forceThunk(thunk) as T
    // Only now: what fails is made again, also for those who ask while it is made.
    this.#thunks.set(key, thunk)
    return result
  }
}
