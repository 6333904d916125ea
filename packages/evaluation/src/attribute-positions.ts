import { type Aterm, type Attrs, attributePosition, formatPosition, intern } from '@baryon/language'
import type { DerivationAttributeName } from './request.ts'

/** Finds out where attributes of derivations were written, while these are made. */
export class AttributePositions {
  readonly found: (string | undefined)[]
  readonly #wanted = new Map<string, { readonly attribute: string; readonly index: number }[]>()

  constructor(names: readonly DerivationAttributeName[]) {
    this.found = names.map(() => undefined)
    for (const [index, { derivation, attribute }] of names.entries()) {
      const list = this.#wanted.get(derivation) ?? []
      list.push({ attribute, index })
      this.#wanted.set(derivation, list)
    }
  }

  readonly note = (path: string, _aterm: Aterm, attrs: Attrs): void => {
    for (const { attribute, index } of this.#wanted.get(path) ?? []) {
      const position = attributePosition(attrs, intern(attribute))
      if (position !== undefined) this.found[index] = formatPosition(position)
    }
  }
}
