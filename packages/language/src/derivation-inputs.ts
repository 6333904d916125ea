import { addInput, endInputs } from './aterm.ts'
import type { DerivationRegistry } from './derivation-registry.ts'
import type { Context } from './value.ts'

export interface Inputs {
  /** Sorted. */
  readonly sources: readonly string[]
  /** Sorted by path. */
  readonly derivations: readonly InputDerivation[]
  /** The input derivations as they are written. */
  readonly text: string
}

export interface InputDerivation {
  readonly path: string
  /** Names, sorted. */
  readonly outputs: readonly string[]
}

/** What the strings of a derivation refer to, as its inputs. */
export function collectInputs(registry: DerivationRegistry, context: Context): Inputs {
  const sources: string[] = []
  let inputs: Input[] = []
  let seen: Set<string> | undefined
  for (let i = 0; i < context.length; i++) {
    const element = context[i]!
    switch (element.kind) {
      case 'path':
        sources.push(element.path)
        break
      case 'output':
        // An array that grows takes sixteen places at once, and one input is what most have.
        if (inputs.length === 0) inputs = [element]
        else inputs.push(element)
        break
      case 'deep':
        // The builder gets the derivation file itself, thus all it refers to, and may build any of them.
        seen ??= new Set()
        for (const path of registry.closure(element.path)) {
          if (seen.has(path)) continue
          seen.add(path)
          sources.push(path)
          if (path.endsWith('.drv')) for (const output of registry.get(path).outputs) inputs.push({ path, output })
        }
        break
    }
  }
  if (inputs.length > 1) inputs.sort(compareInputs)
  let derivations: InputDerivation[] = []
  let text = ''
  for (let i = 0; i < inputs.length; ) {
    const { path } = inputs[i]!
    const outputs = [inputs[i]!.output]
    for (i++; i < inputs.length && inputs[i]!.path === path; i++) {
      const { output } = inputs[i]!
      if (outputs.at(-1) !== output) outputs.push(output)
    }
    text = addInput(text, path, outputs)
    if (derivations.length === 0) derivations = [{ path, outputs }]
    else derivations.push({ path, outputs })
  }
  return {
    sources: seen === undefined ? sources.sort() : [...new Set(sources)].sort(),
    derivations,
    text: endInputs(text),
  }
}

interface Input {
  readonly path: string
  readonly output: string
}

function compareInputs(a: Input, b: Input): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1
  return a.output === b.output ? 0 : a.output < b.output ? -1 : 1
}

export interface ModuloInputs {
  readonly text: string
  /** An input's output paths are not known before it is built: neither are ours. */
  readonly deferred: boolean
}

/** Inputs by their hashes; inputs with the same hash become one. */
export function replaceInputs(registry: DerivationRegistry, derivations: readonly InputDerivation[]): ModuloInputs {
  const inputs: HashedInput[] = new Array(derivations.length)
  for (let i = 0; i < derivations.length; i++) {
    const { path, outputs } = derivations[i]!
    const hash = registry.hash(path)
    if (hash.kind === 'deferred') return { text: '', deferred: true }
    inputs[i] = { base16: hash.base16, outputs }
  }
  if (inputs.length > 1) inputs.sort((a, b) => (a.base16 === b.base16 ? 0 : a.base16 < b.base16 ? -1 : 1))
  let text = ''
  for (let i = 0; i < inputs.length; ) {
    const first = inputs[i]!
    const { base16 } = first
    let { outputs } = first
    for (i++; i < inputs.length && inputs[i]!.base16 === base16; i++) {
      outputs = [...new Set([...outputs, ...inputs[i]!.outputs])].sort()
    }
    text = addInput(text, base16, outputs)
  }
  return { text: endInputs(text), deferred: false }
}

interface HashedInput {
  readonly base16: string
  readonly outputs: readonly string[]
}
