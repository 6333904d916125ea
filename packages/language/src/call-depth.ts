import { CallDepthError } from './errors.ts'
import type { EvalSettings } from './evaluator.ts'

/**
 * Counts how deep calls are nested, as Nix's `max-call-depth` does: one for each function of the language and each
 * builtin that is running. Counting costs every call something, so that code is only compiled with it when there is a
 * limit.
 */
export class CallDepth {
  readonly #limit: number
  readonly #message: string
  #current = 0

  constructor(limit: number, settings: Pick<EvalSettings, 'newerFeatures'>) {
    this.#limit = limit
    this.#message = callDepthMessage(settings)
  }

  /** Throws a `CallDepthError` at the limit; else `leave` must follow. */
  enter(): void {
    if (this.#current >= this.#limit) throw new CallDepthError(this.#message)
    this.#current++
  }

  leave(): void {
    this.#current--
  }
}

/** 2.8 knows no limit, only a stack that is used up. */
export function callDepthMessage(settings: Pick<EvalSettings, 'newerFeatures'>): string {
  return settings.newerFeatures
    ? 'stack overflow; max-call-depth exceeded'
    : 'stack overflow (possible infinite recursion)'
}
