/**
 * What every thunk depends on, and a name for every thunk that is the same in the next run: with both, what a former
 * run computed can be taken over where nothing behind it has changed.
 *
 * Each evaluation of a thunk is a frame. A frame depends on what it asks of the world and on what the thunks depend on
 * that it looks at; forcing is the one way to another's result, also the second time. A thunk starts with what its maker
 * knew when it made it: that decided its code and its environment.
 *
 * The name of a thunk is a hash of its maker's name and of how many thunks that had made before. The maker's code is
 * deterministic, so as long as nothing that it had learned by then has changed, the next run makes the same thunk under
 * the same name. For that no order of making may depend on numbers of symbols, or on what was evaluated before.
 */
import type { DependencySets } from './dependency-sets.ts'
import type { TrackedThunk } from './thunk.ts'
import { Attrs, type Value } from './value.ts'

/** What former runs computed. */
export interface Memory {
  /** The value of a thunk that is about to be evaluated, with what it depends on. */
  recall(thunk: TrackedThunk): { readonly value: Value; readonly dependencies: number } | undefined
}

export interface Evaluated {
  readonly thunk: TrackedThunk
  readonly attrs: Attrs
  /** Those from here on, up to this one, were evaluated inside of it. */
  readonly start: number
}

export class Tracker {
  readonly sets: DependencySets
  /** The frame that runs: its name, how many thunks it has made, the set of what it depends on. */
  name1 = 0x5bd1e995 | 0
  name2 = 0x2545f491 | 0
  made = 0
  dependencies = 0
  /** What all depends on: that was asked before anything was evaluated. */
  common = 0
  memory: Memory | undefined
  /** Evaluated thunks whose value may be worth keeping. */
  readonly evaluated: Evaluated[] = []
  /** Something happened that makes names or dependencies incomplete: nothing may be kept. */
  isIncomplete = false
  readonly #isWanted: (keys: readonly number[]) => boolean
  #lastKeys: readonly number[] | undefined
  #lastWanted = false

  /** Remembers the thunks whose value is a set with such keys. */
  constructor(sets: DependencySets, isWanted: (keys: readonly number[]) => boolean) {
    this.sets = sets
    this.#isWanted = isWanted
  }

  /** The frame that runs asked the world for the item. */
  note(item: number): void {
    this.dependencies = this.sets.with(this.dependencies, item)
  }

  /** The frame that runs looked at a result with these dependencies. */
  look(dependencies: number): void {
    if (dependencies !== this.dependencies) this.dependencies = this.sets.union(this.dependencies, dependencies)
  }

  /** `start` is how many were evaluated before this one began. */
  evaluatedTo(thunk: TrackedThunk, value: Value, start: number): void {
    if (!(value instanceof Attrs)) return
    if (value.keys !== this.#lastKeys) {
      this.#lastKeys = value.keys
      this.#lastWanted = this.#isWanted(value.keys)
    }
    if (this.#lastWanted) this.evaluated.push({ thunk, attrs: value, start })
  }
}

/** One half of a child's name. */
export function childName(parent: number, number: number): number {
  let h = (parent + Math.imul(number, 0x9e3779b1)) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** The other half. */
export function childName2(parent: number, number: number): number {
  let h = (parent ^ Math.imul(number, 0x27d4eb2f)) | 0
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return h ^ (h >>> 15)
}
