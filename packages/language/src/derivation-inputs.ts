import { quoteTerm } from '@baryon/format'
import { listTerm } from './aterm.ts'
import type { DerivationRegistry } from './derivation-registry.ts'
import type { Context } from './value.ts'

export interface Inputs {
  /** Sorted. */
  readonly sources: readonly string[]
  /** Output names by derivation, sorted by path. */
  readonly derivations: ReadonlyMap<string, readonly string[]>
  /** The input derivations as they are written. */
  readonly text: string
}

/** What the strings of a derivation refer to, as its inputs. */
export function collectInputs(registry: DerivationRegistry, context: Context): Inputs {
  const sources: string[] = []
  const outputsOf = new Map<string, string[]>()
  const addOutput = (derivation: string, output: string): void => {
    const outputs = outputsOf.get(derivation)
    if (outputs === undefined) outputsOf.set(derivation, [output])
    else if (!outputs.includes(output)) outputs.push(output)
  }
  let seen: Set<string> | undefined
  for (const element of context) {
    switch (element.kind) {
      case 'path':
        sources.push(element.path)
        break
      case 'output':
        addOutput(element.path, element.output)
        break
      case 'deep':
        // The builder gets the derivation file itself, thus all it refers to, and may build any of them.
        seen ??= new Set()
        for (const path of registry.closure(element.path)) {
          if (seen.has(path)) continue
          seen.add(path)
          sources.push(path)
          if (path.endsWith('.drv')) for (const output of registry.get(path).outputs) addOutput(path, output)
        }
        break
    }
  }
  const derivations = new Map<string, readonly string[]>()
  let text = '['
  for (const path of [...outputsOf.keys()].sort()) {
    const outputs = outputsOf.get(path)!.sort()
    text += `${derivations.size === 0 ? '' : ','}(${quoteTerm(path)},${listTerm(outputs)})`
    derivations.set(path, outputs)
  }
  return { sources: seen === undefined ? sources.sort() : [...new Set(sources)].sort(), derivations, text: `${text}]` }
}

export interface ModuloInputs {
  readonly text: string
  /** An input's output paths are not known before it is built: neither are ours. */
  readonly deferred: boolean
}

/** Inputs by their hashes; inputs with the same hash become one. */
export function replaceInputs(
  registry: DerivationRegistry,
  derivations: ReadonlyMap<string, readonly string[]>,
): ModuloInputs {
  const byHash = new Map<string, readonly string[]>()
  for (const [path, outputs] of derivations) {
    const hash = registry.get(path).hash()
    if (hash.kind === 'deferred') return { text: '', deferred: true }
    const same = byHash.get(hash.base16)
    byHash.set(hash.base16, same === undefined ? outputs : [...new Set([...same, ...outputs])].sort())
  }
  let text = '['
  let first = true
  for (const hash of [...byHash.keys()].sort()) {
    text += `${first ? '' : ','}("${hash}",${listTerm(byHash.get(hash)!)})`
    first = false
  }
  return { text: `${text}]`, deferred: false }
}
