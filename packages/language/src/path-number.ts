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

/** A fourth of the chars: there are enough of the digest among them. */
function pathHash(path: string): number {
  let hash = 0
  for (let i = 0; i < path.length; i += 4) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193) ^ (hash >>> 15)
  return hash
}

const paths = new TextTable(pathHash)
let last: string | undefined
let lastNumber = -1
