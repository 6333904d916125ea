import { escapeTerm } from '@baryon/format'

// Few and long pieces: V8 makes an object of each sum of two, and thousands of derivations make many.

/** A list of quoted strings as it stands in a derivation's ATerm. */
export function listTerm(items: readonly string[]): string {
  if (items.length === 0) return '[]'
  // What most lists of outputs are.
  if (items.length === 1 && items[0] === 'out') return '["out"]'
  let text = `["${escapeTerm(items[0]!)}`
  for (let i = 1; i < items.length; i++) text += `","${escapeTerm(items[i]!)}`
  return `${text}"]`
}

/** Those input derivations that came before, and one more; `endInputs` when all are there. */
export function addInput(text: string, name: string, outputs: readonly string[]): string {
  return `${text}${text === '' ? '[("' : ',("'}${escapeTerm(name)}",${listTerm(outputs)})`
}

export function endInputs(text: string): string {
  return text === '' ? '[]' : `${text}]`
}

export interface OutputTerm {
  readonly path: string
  readonly hashAlgo: string
  readonly hash: string
}

/** The outputs of a derivation, of which there is at least one. */
export function outputsTerm(outputs: readonly string[], terms: readonly OutputTerm[]): string {
  let text = ''
  for (let i = 0; i < outputs.length; i++) {
    const { path, hashAlgo, hash } = terms[i]!
    const start = i === 0 ? '[("' : ',("'
    text += `${start}${escapeTerm(outputs[i]!)}","${escapeTerm(path)}","${hashAlgo}","${hash}")`
  }
  return `${text}]`
}
