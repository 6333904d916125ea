/**
 * Results that are kept for all who ask for the same again. Whoever takes one over depends on what it was made of, as if
 * it had been made for him alone: no other cache may stand between thunks and the world.
 */
import { tracker } from './thunk.ts'

export interface Shared<T> {
  readonly result: T
  readonly dependencies: number
}

/** `text` says what it is, in words that no other result has. */
export function shared<T>(text: string, run: () => T): Shared<T> {
  return tracker === undefined ? { result: run(), dependencies: 0 } : tracker.frame(text, run)
}

/** The result, for somebody who did not make it. */
export function used<T>({ result, dependencies }: Shared<T>): T {
  tracker?.look(dependencies)
  return result
}
