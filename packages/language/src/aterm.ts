import { quoteTerm } from '@baryon/format'

/** A list of quoted strings as it stands in a derivation's ATerm. */
export function listTerm(items: readonly string[]): string {
  // What most lists of outputs are.
  if (items.length === 1 && items[0] === 'out') return '["out"]'
  let text = '['
  for (let i = 0; i < items.length; i++) text += (i === 0 ? '' : ',') + quoteTerm(items[i]!)
  return `${text}]`
}
