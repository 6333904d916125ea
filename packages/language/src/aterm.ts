/** Pieces of a derivation's ATerm, put together by `derivation.ts` in three variants that share most of their text. */
import { hash } from 'node:crypto'

/** A string in double quotes with ATerm's escapes. */
export function quoteTerm(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `"${text.replace(ESCAPED, escapeChar)}"` : `"${text}"`
}

/** A list of quoted strings. */
export function listTerm(items: readonly string[]): string {
  let text = '['
  for (let i = 0; i < items.length; i++) text += (i === 0 ? '' : ',') + quoteTerm(items[i]!)
  return `${text}]`
}

/** SHA-256 of a byte string in base 16. */
export function sha256Hex(text: string): string {
  // A string is hashed as UTF-8: only for ASCII is that the same as its bytes, and then twice as fast as a Buffer.
  return hash('sha256', NOT_ASCII.test(text) ? Buffer.from(text, 'latin1') : text, 'hex')
}

const NEEDS_ESCAPE = /["\\\n\r\t]/
const ESCAPED = /["\\\n\r\t]/g
const NOT_ASCII = /[\x80-\xff]/

function escapeChar(char: string): string {
  switch (char) {
    case '\n':
      return '\\n'
    case '\r':
      return '\\r'
    case '\t':
      return '\\t'
    default:
      return `\\${char}`
  }
}
