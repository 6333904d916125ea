import { mkdirSync } from 'node:fs'
import type { StorePath } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import { type Place, type Scenario, STORE_DIRECTORY } from '../scenario.ts'

export const collect: Scenario = { name: 'collect', run: collectGarbage }

function collectGarbage(store: Store, place: Place, seed: number): StorePath[] {
  const kept = store.addText(`kept-${seed}`, 'kept')
  mkdirSync(`${place.aside}/roots`, { recursive: true })
  store.addPermanentRoot(`${place.aside}/roots/${seed}`, kept)
  // Of another process, whose temporary roots have gone with it.
  const other = openStore({ storeDirectory: STORE_DIRECTORY, root: place.root })
  const garbage = other.addText(`garbage-${seed}`, 'garbage')
  other.addText(`user-${seed}`, other.format(garbage), [garbage])
  other.close()
  store.collectGarbage()
  return [kept]
}
