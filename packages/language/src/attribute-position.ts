import { findKey } from './attrs.ts'
import type { Position } from './position.ts'
import type { Attrs } from './value.ts'

/** Where an attribute of a set was written, if that is known. */
export function attributePosition(attrs: Attrs, symbol: number): Position | undefined {
  let positions = attrs.positions
  while (positions !== undefined) {
    if (positions.kind === 'literal') {
      const index = findKey(positions.keys, symbol)
      const offset = index < 0 ? -1 : positions.offsets[index]!
      return offset < 0 ? undefined : { file: positions.file, offset }
    }
    positions = findKey(positions.rightKeys, symbol) >= 0 ? positions.right : positions.left
  }
  return undefined
}
