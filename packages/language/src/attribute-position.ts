import { findKey } from './attrs.ts'
import type { Position } from './position.ts'
import type { Attrs } from './value.ts'

/** Where an attribute of a set was written, if that is known. */
export function attributePosition(attrs: Attrs, symbol: number): Position | undefined {
  let positions = attrs.positions
  let wanted = symbol
  while (positions !== undefined) {
    switch (positions.kind) {
      case 'literal': {
        const index = findKey(positions.keys, wanted)
        const offset = index < 0 ? -1 : positions.offsets[index]!
        return offset < 0 ? undefined : { file: positions.file, offset }
      }
      case 'updated':
        positions = findKey(positions.rightKeys, wanted) >= 0 ? positions.right : positions.left
        break
      case 'deferred':
        positions = positions.positions()
        break
      case 'listed': {
        const index = findKey(positions.keys, wanted)
        wanted = positions.symbol
        positions = index < 0 ? undefined : positions.elements[index]
      }
    }
  }
  return undefined
}
