import { type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { RealiseTarget } from './plan.ts'

/**
 * The outputs that are wanted of each target, as the store's database knows them: fifty times faster for many than reading
 * their files. Undefined where it does not know all: a path, or a derivation that is not valid, has no such output, or is
 * content-addressed.
 */
export function knownOutputs(
  store: Store,
  targets: readonly RealiseTarget[],
): readonly (ReadonlyMap<string, StorePath> | undefined)[] {
  const known = store.queryOutputsOf(targets.flatMap((target) => ('path' in target ? [] : [target.derivation])))
  return targets.map((target) => {
    if ('path' in target) return undefined
    const outputs = known.get(storePathBaseName(target.derivation))
    if (outputs === undefined || target.outputs === 'all') return outputs
    const wanted = new Map<string, StorePath>()
    for (const name of target.outputs) {
      const path = outputs.get(name)
      if (path === undefined) return undefined
      wanted.set(name, path)
    }
    return wanted
  })
}
