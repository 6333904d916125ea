/** What works on paths that are there: links between equal files, and copies in a binary cache. */
import { existsSync } from 'node:fs'
import { openCache, pushPaths } from '@baryon/cache'
import type { StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Place, Scenario } from '../scenario.ts'
import { withScratch, writeTreeOf } from './scratch.ts'

export const optimise: Scenario = { name: 'optimise', run: linkEqualFiles }
export const push: Scenario = { name: 'push', run: pushToCache }

function linkEqualFiles(store: Store, place: Place, seed: number): StorePath[] {
  const paths = addTwice(store, place, seed)
  store.optimise()
  return paths
}

async function pushToCache(store: Store, place: Place, seed: number): Promise<StorePath[]> {
  const paths = addTwice(store, place, seed)
  const options = { storeDirectory: store.storeDirectory }
  const url = `file://${place.aside}/cache`
  await pushPaths(store, { url, options }, paths, { compression: 'none' })
  // Whatever the cache says to have must be there, and be what it says.
  const cache = openCache(url, options)
  for (const path of paths) {
    const info = await cache.narinfo(path)
    if (info === undefined || !existsSync(`${place.aside}/cache/${info.url}`))
      throw new Error(`${path.name} is not in the cache`)
    let size = 0
    for await (const chunk of cache.nar(info)) size += chunk.length
    if (size !== info.narSize) throw new Error(`${path.name} is a part only`)
  }
  return paths
}

function addTwice(store: Store, place: Place, seed: number): StorePath[] {
  return withScratch(place, (scratch) => {
    writeTreeOf(seed, `${scratch}/tree`)
    return ['one', 'other'].map((name) => store.addPath(`${name}-${seed}`, `${scratch}/tree`))
  })
}
