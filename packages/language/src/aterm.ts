/**
 * What differs between the variants of a derivation's ATerm comes in pieces, that are hashed one behind the other: V8 makes
 * an object of each sum of two, and joins them again.
 */
export type Term = readonly string[]

/** A list of strings as it stands in a derivation's ATerm: paths and names of outputs as they are, whatever is in them. */
export function listTerm(items: readonly string[]): string {
  if (items.length === 0) return '[]'
  let text = `["${items[0]}`
  for (let i = 1; i < items.length; i++) text += `","${items[i]}`
  return `${text}"]`
}

export interface InputTerm {
  /** The path, or the hash that stands for it. */
  readonly name: string
  /** Names, sorted. */
  readonly outputs: readonly string[]
}

/** The input derivations of a derivation, with the comma before them. */
export function inputsTerm(inputs: readonly InputTerm[]): Term {
  const { length } = inputs
  if (length === 0) return NO_INPUTS
  // An array that grows takes sixteen places at once.
  const term: string[] = new Array(3 * length + 1)
  let end = 0
  for (let i = 0; i < length; i++) {
    const { name, outputs } = inputs[i]!
    term[end++] = i === 0 ? ',[("' : ',("'
    term[end++] = name
    term[end++] = outputs.length === 1 && outputs[0] === 'out' ? '",["out"])' : `",${listTerm(outputs)})`
  }
  term[end] = ']'
  return term
}

const NO_INPUTS: Term = [',[]']

export interface OutputTerm {
  readonly path: string
  readonly hashAlgo: string
  readonly hash: string
}

/** The beginning of a derivation, with its outputs, of which there is at least one. */
export function outputsTerm(outputs: readonly string[], terms: readonly OutputTerm[]): Term {
  const { length } = outputs
  const term: string[] = new Array(5 * length + 1)
  let end = 0
  for (let i = 0; i < length; i++) {
    const { path, hashAlgo, hash } = terms[i]!
    term[end++] = i === 0 ? 'Derive([("' : ',("'
    term[end++] = outputs[i]!
    term[end++] = '","'
    term[end++] = path
    term[end++] = hashAlgo === '' && hash === '' ? '","","")' : `","${hashAlgo}","${hash}")`
  }
  term[end] = ']'
  return term
}
