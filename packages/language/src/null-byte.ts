import { ValueError } from './errors.ts'
import type { Position } from './position.ts'

/** Strings of today's language hold no NUL; in 2.8 most of them end at the first one. */
export function refuseNullByte(text: string, position?: Position): void {
  if (text.includes('\0')) throw new ValueError(nullByteMessage(text), position)
}

export function nullByteMessage(text: string): string {
  return `input string '${text.replaceAll('\0', SYMBOL_FOR_NULL)}' cannot be represented as Nix string because it contains null bytes`
}

/** `␀` in UTF-8, as bytes. */
const SYMBOL_FOR_NULL = '\xe2\x90\x80'
