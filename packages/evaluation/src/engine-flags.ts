/**
 * How V8 runs evaluations. Set when one begins and taken back when it ends: code in Node's cache belongs to the flags under
 * which it was loaded.
 */
import { setFlagsFromString } from 'node:v8'

/** In a heap that is made for it, an evaluation is `large`. Packed fronts are started with all of these flags. */
export function tuneForEvaluation(on: boolean, large: boolean): void {
  if (process.execArgv.includes(EVALUATION_FLAGS[0]!)) return
  const flags = large ? EVALUATING : [...EVALUATING, AT_ONCE]
  for (const [flag, before] of flags) setFlagsFromString(on ? flag : before)
}

/**
 * What reads many files runs little of it often, and is over before the compiler that optimises best has paid: without it
 * a package of nixpkgs takes a sixth less wall and a fifth less processor time. What is large enough to be worth it
 * starts over in another thread, without this.
 */
export function optimiseLittle(on: boolean): void {
  if (on === optimisesLittle) return
  optimisesLittle = on
  setFlagsFromString(`--invocation-count-for-turbofan=${on ? 1_000_000 : 3000}`)
}

let optimisesLittle = false

const EVALUATING = [
  // V8 waits until a function has run some times before it notes what comes by, and so before it compiles anything: for an
  // evaluation that is over in half a second that costs a fifteenth.
  ['--no-lazy-feedback-allocation', '--lazy-feedback-allocation'],
  // What survives one scavenge is mostly a value that stays, and goes to the old generation at once: copied a second time
  // before, as V8 does it, a list of a million items takes a fifth longer, a whole package set a twentieth. The flag is
  // named for its use in V8's tests, where of 50 in a hundred chance decides.
  ['--scavenger-chaos-mode', '--no-scavenger-chaos-mode'],
  ['--scavenger-chaos-mode-threshold=100', '--scavenger-chaos-mode-threshold=50'],
] as const

/** Marking in small steps begins at 30 MB, and most evaluations are over before it would have freed anything. */
const AT_ONCE = ['--no-incremental-marking', '--incremental-marking'] as const

/** For a process that only evaluates, and mostly little. */
export const EVALUATION_FLAGS: readonly string[] = [...EVALUATING, AT_ONCE].map(([flag]) => flag)
