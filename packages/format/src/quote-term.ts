/** A byte string in double quotes with ATerm's escapes: those of `"`, `\`, newline, carriage return and tab, and no others. */
export function quoteTerm(text: string): string {
  return `"${escapeTerm(text)}"`
}

/** The same without the quotes: the text itself when nothing in it needs an escape. */
export function escapeTerm(text: string): string {
  // Most strings need no escape, and a search costs less than a replacement that finds nothing.
  if (!NEEDS_ESCAPE.test(text)) return text
  // JSON escapes the same characters in the same way, in a third of the time; but others as well.
  return ESCAPED_BY_JSON.test(text) ? text.replace(ESCAPED, escapeTermChar) : JSON.stringify(text).slice(1, -1)
}

/** The escape of one of the five characters that have one, in ATerm and in the Nix language. */
export function escapeTermChar(char: string): string {
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

const NEEDS_ESCAPE = /["\\\n\r\t]/
const ESCAPED = /["\\\n\r\t]/g
/** And single surrogates, of which byte strings have none. */
const ESCAPED_BY_JSON = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]/
