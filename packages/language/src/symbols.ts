/**
 * The process-wide symbol table: each distinct attribute or variable name has one small integer. Attribute sets keep
 * their keys sorted by this number, so ids never change while the process lives.
 */
import { textHash } from '@baryon/format'
import { TextTable } from './text-table.ts'

// Of all characters: names may be long texts that differ in one place.
const names = new TextTable((text) => textHash(text, 0))

/** The id of a name (bytes); the same text always gives the same id. */
export function intern(text: string): number {
  return names.numberOf(text)
}

/** The id of a name if it was ever interned: an unknown name cannot be a key of any set. */
export function findSymbol(text: string): number | undefined {
  return names.find(text)
}

/** The name behind an id. */
export function symbolText(id: number): string {
  return names.textOf(id)
}
