/**
 * Text that others wrote, such as the message of a recipe or the log of a builder, without what would do something to a
 * terminal. Sequences that set colours may stay.
 */
export function withoutEscapes(text: string, keepColours: boolean): string {
  if (!SUSPICIOUS.test(text)) return text
  return text.replace(SEQUENCE, (sequence) => (keepColours && COLOUR.test(sequence) ? sequence : ''))
}

const SUSPICIOUS = /[\x07\x0d\x1b]/
/** ECMA-48: control sequences; strings as for links, up to their terminator; other escapes of two characters; BEL and CR. */
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\?)?|[@-_]?)|[\x07\x0d]/g
const COLOUR = /^\x1b\[[0-?]*m$/
