import { type InputTerm, inputsTerm, type Term } from './aterm.ts'
import { contextElements } from './context.ts'
import type { DerivationRegistry } from './derivation-registry.ts'
import type { Context } from './value.ts'

export interface Inputs {
  /** Sorted. */
  readonly sources: readonly string[]
  /** By path, sorted. */
  readonly derivations: readonly InputTerm[]
  /** The input derivations as they are written. */
  readonly term: Term
}

/** What the strings of a derivation refer to, as its inputs. */
export function collectInputs(registry: DerivationRegistry, context: Context): Inputs {
  const sources: string[] = []
  let inputs: Input[] = []
  let seen: Set<string> | undefined
  const elements = contextElements(context)
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]!
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
  let derivations: InputTerm[] = []
  for (let i = 0; i < inputs.length; ) {
    const { path } = inputs[i]!
    const outputs = [inputs[i]!.output]
    for (i++; i < inputs.length && inputs[i]!.path === path; i++) {
      const { output } = inputs[i]!
      if (outputs.at(-1) !== output) outputs.push(output)
    }
    if (derivations.length === 0) derivations = [{ name: path, outputs }]
    else derivations.push({ name: path, outputs })
  }
  return {
    sources: seen === undefined ? sources.sort() : [...new Set(sources)].sort(),
    derivations,
    term: inputsTerm(derivations),
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
  readonly term: Term
  /** An input's output paths are not known before it is built: neither are ours. */
  readonly deferred: boolean
}

/** Inputs by their hashes; inputs with the same hash become one. */
export function replaceInputs(registry: DerivationRegistry, derivations: readonly InputTerm[]): ModuloInputs {
  const inputs: InputTerm[] = new Array(derivations.length)
  for (let i = 0; i < derivations.length; i++) {
    const { name, outputs } = derivations[i]!
    const hash = registry.hash(name)
    if (hash.kind === 'deferred') return { term: [], deferred: true }
    inputs[i] = { name: hash.base16, outputs }
  }
  if (inputs.length > 1) inputs.sort((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1))
  let end = 0
  for (let i = 0; i < inputs.length; ) {
    let input = inputs[i]!
    for (i++; i < inputs.length && inputs[i]!.name === input.name; i++) {
      input = { name: input.name, outputs: [...new Set([...input.outputs, ...inputs[i]!.outputs])].sort() }
    }
    inputs[end++] = input
  }
  // A call out of compiled code.
  if (end < inputs.length) inputs.length = end
  return { term: inputsTerm(inputs), deferred: false }
}
