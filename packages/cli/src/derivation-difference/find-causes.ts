import type { Derivation } from '@baryon/format'
import { nameOf } from './match-inputs.ts'
import { type OwnDifference, ownDifferences } from './own-differences.ts'

/** Where two graphs of derivations begin to differ. */
export interface Cause extends OwnDifference {
  /** Names from the top to the derivation that differs by itself. */
  readonly at: readonly string[]
  /** Its two forms. */
  readonly first: string
  readonly second: string
  /** All its outputs are the same: only derivations differ because of this, and nothing is built again. */
  readonly outputsEqual: boolean
  /** Names of other derivations that have the same difference. */
  readonly also: readonly string[]
}

/**
 * Follows inputs that stand for each other down to the derivations that differ by themselves. What only differs because
 * an input does is not told; a difference that several derivations have in common is told once, with the shortest way to
 * it.
 */
export function findCauses(first: string, second: string, readDerivation: (path: string) => Derivation): Cause[] {
  const known = new Map<string, Derivation>()
  const read = (path: string): Derivation => {
    let derivation = known.get(path)
    if (derivation === undefined) {
      derivation = readDerivation(path)
      known.set(path, derivation)
    }
    return derivation
  }
  const causes = new Map<string, Cause>()
  const seen = new Set<string>()
  const queue: { readonly pair: readonly [string, string]; readonly above: readonly string[] }[] = []
  const enter = (pair: readonly [string, string], above: readonly string[]): void => {
    const key = pair.join(' ')
    if (pair[0] === pair[1] || seen.has(key)) return
    seen.add(key)
    queue.push({ pair, above })
  }
  enter([first, second], [])
  // Breadth first: the first way that is found is a shortest one.
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [a, b] = next.pair
    const at = [...next.above, nameOf(b).replace(/\.drv$/, '')]
    const { differences, inputs } = ownDifferences(read(a), read(b), read)
    const outputsEqual = haveEqualOutputs(read(a), read(b))
    for (const difference of differences) {
      const key = keyOf(difference)
      const same = causes.get(key)
      if (same === undefined) causes.set(key, { at, first: a, second: b, outputsEqual, also: [], ...difference })
      else causes.set(key, { ...same, also: [...same.also, at[at.length - 1]!] })
    }
    for (const pair of inputs) enter(pair, at)
  }
  return [...causes.values()]
}

function keyOf({ attribute, before, after, changes }: OwnDifference): string {
  const what = changes.length === 0 ? [before, after] : changes
  return JSON.stringify([attribute.kind, attribute.name, what])
}

function haveEqualOutputs(first: Derivation, second: Derivation): boolean {
  return (
    first.outputs.size === second.outputs.size &&
    [...first.outputs].every(([name, { path }]) => path !== '' && second.outputs.get(name)?.path === path)
  )
}
