import type { Derivation } from '@baryon/format'
import { matchInputs, nameOf } from './match-inputs.ts'
import { type TextChange, textChanges } from './text-changes.ts'

/** A part of a derivation. */
export interface DerivationAttribute {
  readonly kind: 'system' | 'builder' | 'argument' | 'output' | 'variable' | 'source' | 'input'
  /** Of a variable (`a.b` inside structured attributes), an output, a source or an input; of an argument its number. */
  readonly name: string
}

export interface OwnDifference {
  readonly attribute: DerivationAttribute
  /** Undefined where that side does not have it. Bytes. */
  readonly before: string | undefined
  readonly after: string | undefined
  readonly changes: readonly TextChange[]
  /** Both have the same words in another order, as where something is sorted by store paths. */
  readonly reordered: boolean
  /** For sources and inputs: variables that mention them. */
  readonly mentioned: readonly string[]
}

export interface OwnDifferences {
  readonly differences: readonly OwnDifference[]
  /** Inputs that stand for each other and are not the same. */
  readonly inputs: readonly (readonly [first: string, second: string])[]
}

/** In what two derivations differ by themselves: not where they only mention inputs that differ. */
export function ownDifferences(
  first: Derivation,
  second: Derivation,
  read: (path: string) => Derivation,
): OwnDifferences {
  const [left, right] = [new Side(first, read), new Side(second, read)]
  const place = { first: left.placeOf, second: right.placeOf }
  const inputs = matchInputs([...first.inputDerivations.keys()], [...second.inputDerivations.keys()], place)
  const sources = matchInputs(first.inputSources, second.inputSources, place)
  for (const [i, [a, b]] of inputs.pairs.entries()) {
    left.nameInput(a, `input-${i}`)
    right.nameInput(b, `input-${i}`)
  }
  for (const [i, [a, b]] of sources.pairs.entries()) {
    left.nameSource(a, `source-${i}`)
    right.nameSource(b, `source-${i}`)
  }
  const differences: OwnDifference[] = []
  const note = (attribute: DerivationAttribute, before: string | undefined, after: string | undefined): void => {
    const [x, y] = [before, after].map((text, i) => text && [left, right][i]!.normalise(text))
    if (x === y && (before === undefined) === (after === undefined)) return
    const normalise = (text: string): string => left.normalise(right.normalise(text))
    differences.push({
      attribute,
      before,
      after,
      changes: textChanges(before ?? '', after ?? '', normalise),
      reordered: x !== undefined && y !== undefined && sortedWords(x) === sortedWords(y),
      mentioned: [],
    })
  }
  note({ kind: 'system', name: 'system' }, first.system, second.system)
  note({ kind: 'builder', name: 'builder' }, first.builder, second.builder)
  for (let i = 0; i < Math.max(first.args.length, second.args.length); i++) {
    note({ kind: 'argument', name: String(i + 1) }, first.args[i], second.args[i])
  }
  for (const name of union(first.outputs.keys(), second.outputs.keys())) {
    note({ kind: 'output', name }, outputKind(first, name), outputKind(second, name))
  }
  const [ofFirst, ofSecond] = [variablesOf(first), variablesOf(second)]
  for (const name of union(ofFirst.keys(), ofSecond.keys())) {
    if (first.outputs.has(name) || second.outputs.has(name)) continue
    if (isAttributeAgain(first, name) && isAttributeAgain(second, name)) continue
    note({ kind: 'variable', name }, ofFirst.get(name), ofSecond.get(name))
  }
  const told = differences.flatMap(({ changes }) => changes.flatMap(({ removed, added }) => [...removed, ...added]))
  const notePath = (kind: 'source' | 'input', before: string | undefined, after: string | undefined): void => {
    // What comes or goes with a word of a variable was told with that.
    const shown = [...left.shownPaths(before), ...right.shownPaths(after)]
    if (
      (before === undefined || after === undefined) &&
      shown.some((path) => told.some((text) => text.includes(path)))
    ) {
      return
    }
    const mentioned = new Set([...left.mentionedBy(before), ...right.mentionedBy(after)])
    const name = nameOf((after ?? before)!).replace(/\.drv$/, '')
    differences.push({
      attribute: { kind, name },
      before,
      after,
      changes: [],
      reordered: false,
      mentioned: [...mentioned].sort(),
    })
  }
  for (const [a, b] of sources.pairs) if (a !== b) notePath('source', a, b)
  for (const path of sources.removed) notePath('source', path, undefined)
  for (const path of sources.added) notePath('source', undefined, path)
  for (const path of inputs.removed) notePath('input', path, undefined)
  for (const path of inputs.added) notePath('input', undefined, path)
  for (const [a, b] of inputs.pairs) {
    const name = `outputs of ${nameOf(b).replace(/\.drv$/, '')}`
    note({ kind: 'input', name }, wantedOutputs(first, a), wantedOutputs(second, b))
  }
  return { differences, inputs: inputs.pairs.filter(([a, b]) => a !== b) }
}

/** The environment repeats what derivations have by themselves. */
function isAttributeAgain({ env, builder, system }: Derivation, name: string): boolean {
  return (name === 'builder' && env.get(name) === builder) || (name === 'system' && env.get(name) === system)
}

function sortedWords(text: string): string {
  return text
    .split(/[\s,[\]]+/)
    .sort()
    .join(' ')
}

/** A store path's digest, and what may belong to its name. */
const BASE_NAME = /([0-9a-df-np-sv-z]{32})-([0-9A-Za-z+\-._?=]+)/g

/** One of the derivations, and what its store paths stand for. */
class Side {
  readonly #derivation: Derivation
  readonly #read: (path: string) => Derivation
  readonly #texts: string
  /** By digest: the name that follows it, and what is put in the place of both. */
  readonly #meanings = new Map<string, { readonly name: string; readonly meaning: string }>()

  constructor(derivation: Derivation, read: (path: string) => Derivation) {
    this.#derivation = derivation
    this.#read = read
    this.#texts = [derivation.builder, ...derivation.args, ...derivation.env.values()].join('\n')
    for (const [name, output] of derivation.outputs) this.#mean(output.path, `self-${name}`)
  }

  /** Where a path, or an output of a derivation, is first mentioned. */
  readonly placeOf = (path: string): number => {
    const places = this.shownPaths(path).map((shown) => this.#texts.indexOf(shown))
    const found = places.filter((place) => place >= 0)
    return found.length === 0 ? Number.MAX_SAFE_INTEGER : Math.min(...found)
  }

  nameInput(path: string, meaning: string): void {
    this.#mean(path, meaning)
    for (const [name, output] of this.#read(path).outputs) this.#mean(output.path, `${meaning}-${name}`)
  }

  nameSource(path: string, meaning: string): void {
    this.#mean(path, meaning)
  }

  normalise(text: string): string {
    return text.replace(BASE_NAME, (whole, digest: string, name: string) => {
      const known = this.#meanings.get(digest)
      return known === undefined || !name.startsWith(known.name) ? whole : known.meaning + name.slice(known.name.length)
    })
  }

  mentionedBy(path: string | undefined): string[] {
    const shown = this.shownPaths(path)
    return [...variablesOf(this.#derivation)]
      .filter(([, text]) => shown.some((one) => text.includes(one)))
      .map(([name]) => name)
  }

  /** What a path is mentioned by: itself, or those outputs of a derivation that are used. */
  shownPaths(path: string | undefined): string[] {
    if (path === undefined) return []
    const wanted = this.#derivation.inputDerivations.get(path)
    if (wanted === undefined) return [path]
    const { outputs } = this.#read(path)
    return [path, ...wanted.map((name) => outputs.get(name)?.path ?? '').filter((output) => output !== '')]
  }

  #mean(path: string, meaning: string): void {
    if (path === '') return
    const start = path.lastIndexOf('/') + 1
    this.#meanings.set(path.slice(start, start + 32), { name: nameOf(path), meaning: `«${meaning}»` })
  }
}

/** The variables, with those inside structured attributes by their paths. */
function variablesOf({ env }: Derivation): ReadonlyMap<string, string> {
  const structured = env.get('__json')
  if (structured === undefined) return env
  const variables = new Map(env)
  variables.delete('__json')
  const enter = (name: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, item] of Object.entries(value)) enter(name === '' ? key : `${name}.${key}`, item)
    } else variables.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  enter('', JSON.parse(structured))
  return variables
}

function outputKind({ outputs }: Derivation, name: string): string | undefined {
  const output = outputs.get(name)
  if (output === undefined) return undefined
  return output.hashAlgo === '' ? 'by its inputs' : `${output.hashAlgo} ${output.hash}`.trimEnd()
}

function wantedOutputs({ inputDerivations }: Derivation, path: string): string {
  return [...(inputDerivations.get(path) ?? [])].sort().join(' ')
}

function union(first: Iterable<string>, second: Iterable<string>): string[] {
  return [...new Set([...first, ...second])].sort()
}
