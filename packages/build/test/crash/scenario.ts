import { mkdirSync } from 'node:fs'
import type { StorePath } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'

/**
 * Work on a store that may be killed at any point. An operation depends on the place and its seed only, and doing it again,
 * by whomever, is always right.
 */
export interface Scenario {
  readonly name: string
  /** Makes what the operations read. Once for each place, undisturbed. */
  prepare?(place: Place): Promise<void> | void
  /** One operation. Gives the paths that nothing may take away any more. */
  run(store: Store, place: Place, seed: number): Promise<readonly StorePath[]> | readonly StorePath[]
  /** What is wrong beside the store; throws. Called when the store has been verified. */
  check?(place: Place): void
}

export interface Place {
  /** Root of the store that is disturbed. */
  readonly root: string
  /** For sources and other stores. */
  readonly aside: string
}

export const STORE_DIRECTORY = '/nix/store'

export function placeIn(directory: string): Place {
  return { root: `${directory}/root`, aside: `${directory}/aside` }
}

export async function preparePlace(scenario: Scenario, directory: string): Promise<Place> {
  const place = placeIn(directory)
  mkdirSync(place.aside, { recursive: true })
  await scenario.prepare?.(place)
  return place
}

/** Opens the store of the place, as every operation does: opening can be killed as well. */
export async function withStore<T>(place: Place, work: (store: Store) => Promise<T> | T): Promise<T> {
  const store = openStore({ storeDirectory: STORE_DIRECTORY, root: place.root })
  try {
    return await work(store)
  } finally {
    store.close()
  }
}
