/**
 * How V8 runs evaluations. Set when one begins and taken back when it ends: code in Node's cache belongs to the flags under
 * which it was loaded.
 */
import { setFlagsFromString } from 'node:v8'

/** In a heap that is made for it, an evaluation is `large`. Packed fronts are started with all flags of what is not. */
export function tuneForEvaluation(on: boolean, large: boolean): void {
  if (process.execArgv.includes(EVALUATION_FLAGS[0]!)) {
    if (large) set(BRIEF, !on)
    return
  }
  set(EVALUATING, on)
  if (!large) set(BRIEF, on)
}

function set(flags: typeof EVALUATING, on: boolean): void {
  for (const [flag, before] of flags) setFlagsFromString(on ? flag : before)
}

const EVALUATING: readonly (readonly [flag: string, before: string])[] = [
  // V8 waits until a function has run some times before it notes what comes by, and so before it compiles anything: for an
  // evaluation that is over in half a second that costs a fifteenth.
  ['--no-lazy-feedback-allocation', '--lazy-feedback-allocation'],
  // What survives one scavenge is mostly a value that stays, and goes to the old generation at once: copied a second time
  // before, as V8 does it, a list of a million items takes a fifth longer, a whole package set a twentieth. The flag is
  // named for its use in V8's tests, where of 50 in a hundred chance decides.
  ['--scavenger-chaos-mode', '--no-scavenger-chaos-mode'],
  ['--scavenger-chaos-mode-threshold=100', '--scavenger-chaos-mode-threshold=50'],
]

const BRIEF: typeof EVALUATING = [
  // Marking in small steps begins at 30 MB, and most evaluations are over before it would have freed anything.
  ['--no-incremental-marking', '--incremental-marking'],
  // Most are also over before compilers that optimise have paid, which compile beside them but end in the way: later than
  // V8 would ask them, a package of nixpkgs takes a tenth less wall and a fifth less processor time, 5,000 derivations
  // as much, and a loop of a million rounds a thirtieth more.
  ['--invocation-count-for-turbofan=100000', '--invocation-count-for-turbofan=3000'],
  ['--invocation-count-for-maglev=1000', '--invocation-count-for-maglev=400'],
]

/** For a process that only evaluates, and mostly little. */
export const EVALUATION_FLAGS: readonly string[] = [...EVALUATING, ...BRIEF].map(([flag]) => flag)
