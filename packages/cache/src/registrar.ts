import { type Narinfo, storePathBaseName } from '@baryon/format'
import { removeTree, type Store } from '@baryon/store'
import type { FoundPath } from './find-closure.ts'
import { asPathInfo } from './receive-path.ts'

/** Registers paths that come in any order: each when all that it refers to is registered, or is so together with it. */
export interface Registrar {
  /** Somebody else has registered it. */
  isThere(base: string): void
  isUnpacked(narinfo: Narinfo, location: string): void
  /** All have come. What is left waits for each other. */
  finish(): void
  /** Removes what could not be registered. */
  discard(): void
}

export function createRegistrar(store: Store, found: ReadonlyMap<string, FoundPath>): Registrar {
  /** Not registered yet. */
  const open = new Set(found.keys())
  const unpacked = new Map<string, { readonly narinfo: Narinfo; readonly location: string }>()
  /** Of unpacked ones: how many they wait for. */
  const waits = new Map<string, number>()
  const referrers = new Map<string, string[]>()

  /** Those that have waited for nothing else. */
  const release = (base: string): string[] => {
    open.delete(base)
    const free: string[] = []
    for (const referrer of referrers.get(base) ?? []) {
      const left = waits.get(referrer)! - 1
      waits.set(referrer, left)
      if (left === 0) free.push(referrer)
    }
    referrers.delete(base)
    return free
  }
  const register = (ready: string[]): void => {
    // Grows while it is walked: what is registered with it sets others free.
    for (const base of ready) ready.push(...release(base))
    if (ready.length === 0) return
    const items = ready.map((base) => unpacked.get(base)!)
    store.placeReceived(items.map(({ narinfo, location }) => ({ info: asPathInfo(narinfo), location })))
    for (const base of ready) unpacked.delete(base)
  }
  return {
    isThere: (base) => register(release(base)),
    isUnpacked(narinfo, location) {
      const base = storePathBaseName(narinfo.path)
      unpacked.set(base, { narinfo, location })
      const needed = new Set(narinfo.references.map(storePathBaseName).filter((one) => one !== base && open.has(one)))
      waits.set(base, needed.size)
      for (const one of needed) {
        const others = referrers.get(one)
        if (others === undefined) referrers.set(one, [base])
        else others.push(base)
      }
      if (needed.size === 0) register([base])
    },
    finish() {
      if (unpacked.size === 0) return
      store.placeReceived(
        [...unpacked.values()].map(({ narinfo, location }) => ({ info: asPathInfo(narinfo), location })),
      )
      unpacked.clear()
    },
    discard() {
      for (const { location } of unpacked.values()) removeTree(location)
    },
  }
}
