/**
 * Temporary roots for paths that are being sent, so that no collection takes one away in the middle.
 *
 * A store gives its temporary roots up only all at once, when it is closed, and a server may run for months. So roots
 * are held in generations: a generation takes new roots for a while, and its store is closed when the last of them has
 * been released.
 */
import { parseBaseName } from '@baryon/format'
import { openStore, type Store, type StoreLocation } from '@baryon/store'

export interface RootHolder {
  /** Protects the path with this base name, whether it is valid or not; a number for `release`. */
  hold(baseName: string): number
  release(hold: number): null
}

interface Generation {
  readonly store: Store
  readonly until: number
  holds: number
}

/** The time, and a way to be called when some of it has passed; both in milliseconds. */
export interface Clock {
  now(): number
  after(milliseconds: number, work: () => void): void
}

export function createRootHolder(location: StoreLocation, clock: Clock = SYSTEM_CLOCK): RootHolder {
  let current: Generation | undefined
  let last = 0
  const generations = new Map<number, Generation>()
  const retire = (generation: Generation) => {
    if (generation.holds > 0) return
    generation.store.close()
    if (generation === current) current = undefined
  }
  return {
    hold: (baseName) => {
      const path = parseBaseName(baseName)
      if (current !== undefined && clock.now() >= current.until) {
        const old = current
        current = undefined
        retire(old)
      }
      if (current === undefined) {
        const fresh: Generation = { store: openStore(location), until: clock.now() + LIFETIME, holds: 0 }
        current = fresh
        // Nobody may ask for another path for days.
        clock.after(LIFETIME, () => retire(fresh))
      }
      current.store.addTempRoot(path)
      current.holds++
      generations.set(++last, current)
      return last
    },
    release: (hold) => {
      const generation = generations.get(hold)
      generations.delete(hold)
      if (generation === undefined) return null
      generation.holds--
      if (clock.now() >= generation.until) retire(generation)
      return null
    },
  }
}

/** A few seconds of roots too many harm nobody; a new generation costs 5 ms. */
export const LIFETIME = 10_000

const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  after: (milliseconds, work) => void setTimeout(work, milliseconds).unref(),
}
