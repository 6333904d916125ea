/**
 * The process-wide symbol table: each distinct attribute or variable name has one small integer. Attribute sets keep
 * their keys sorted by this number, so ids never change while the process lives.
 */
const ids = new Map<string, number>()
const texts: string[] = []

/** The id of a name (bytes); the same text always gives the same id. */
export function intern(text: string): number {
  const known = ids.get(text)
  if (known !== undefined) return known
  const id = texts.length
  texts.push(text)
  ids.set(text, id)
  return id
}

/** The id of a name if it was ever interned: an unknown name cannot be a key of any set. */
export function findSymbol(text: string): number | undefined {
  return ids.get(text)
}

/** The name behind an id. */
export function symbolText(id: number): string {
  return texts[id]!
}
