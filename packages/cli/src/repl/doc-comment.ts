/** Documentation comments of the language: block comments that begin with two stars, before an attribute or a function. */

/**
 * The text of the comment that belongs to the attribute written at `line` and `column` (both from 1, columns in bytes):
 * directly before it, or before the function that is its value. Without the frame and the indentation.
 */
export function docCommentAt(source: string, line: number, column: number): string | undefined {
  const offset = offsetOf(source, line, column)
  if (offset === undefined) return undefined
  const before = COMMENT_AT_END.exec(source.slice(0, offset))
  const within = before === null ? COMMENT_OF_VALUE.exec(source.slice(offset)) : null
  const text = before?.[1] ?? within?.[1]
  return text === undefined ? undefined : plain(text)
}

/** `[^*]|\*(?!/)` ends at the first end of a comment, so that nothing before it is taken. */
const COMMENT_AT_END = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*$/
/** A name or a string, the equals sign, and then at once. */
const COMMENT_OF_VALUE = /^(?:[A-Za-z_][\w'-]*|"[^"]*")\s*=\s*\/\*\*((?:[^*]|\*(?!\/))*)\*\//

function offsetOf(source: string, line: number, column: number): number | undefined {
  let start = 0
  for (let current = 1; current < line; current++) {
    const end = source.indexOf('\n', start)
    if (end < 0) return undefined
    start = end + 1
  }
  return start + column - 1
}

function plain(text: string): string {
  const lines = text.split('\n')
  const rest = lines.slice(1)
  const isFramed = rest.every((line) => /^\s*(?:\*|$)/.test(line))
  const bare = isFramed ? rest.map((line) => line.replace(/^\s*\* ?/, '')) : rest
  const indents = bare.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)![0].length)
  const indent = Math.min(...indents, Number.MAX_SAFE_INTEGER)
  return [lines[0]!.trim(), ...bare.map((line) => line.slice(Math.min(indent, line.length)).trimEnd())]
    .join('\n')
    .trim()
}
