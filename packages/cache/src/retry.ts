import { setTimeout as sleep } from 'node:timers/promises'
import { TransientError } from './transport.ts'

/** How often, and milliseconds before the second attempt, doubled for each further one. */
export interface RetryPolicy {
  readonly attempts: number
  readonly backoff: number
}

export const defaultRetries: RetryPolicy = { attempts: 5, backoff: 250 }

/** Repeats work that fails with a `TransientError`, and finally throws the error in it. */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      await pauseOrThrow(policy, signal, attempt, error)
    }
  }
}

/** Waits before the next attempt, or throws when there is to be none. */
export async function pauseOrThrow(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: number,
  error: unknown,
): Promise<void> {
  signal?.throwIfAborted()
  if (!(error instanceof TransientError)) throw error
  if (attempt >= policy.attempts) throw error.error
  const delay = Math.min(10_000, policy.backoff * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2)
  await sleep(Math.max(delay, error.delay), undefined, signal === undefined ? {} : { signal })
}
