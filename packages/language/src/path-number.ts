import { textHash } from '@baryon/format'
import { TextTable } from './text-table.ts'

/** The number of a store path, for tables of what is known of paths. */
export function pathNumber(path: string): number {
  // A new derivation is looked up some times in a row.
  if (path !== last) {
    last = path
    lastNumber = paths.numberOf(path)
  }
  return lastNumber
}

// A fourth of the chars: there are enough of the digest among them.
const paths = new TextTable((path) => textHash(path, 0, 4))
let last: string | undefined
let lastNumber = -1
