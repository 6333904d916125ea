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

const paths = new TextTable(hash)

/** Of a sixth of the chars, with five or six of the digest among them; times 31 by a shift, because `Math.imul` is a call. */
function hash(path: string): number {
  let h = path.length
  for (let i = 0; i < path.length; i += 6) h = ((h << 5) - h + path.charCodeAt(i)) | 0
  return h
}

let last: string | undefined
let lastNumber = -1
