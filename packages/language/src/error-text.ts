/** Evaluation errors as Nix 2.8 prints them. */
import { EvaluationError } from './errors.ts'
import { lineColumn, type Position } from './position.ts'

/**
 * `error: …` in the words of 2.8 or (`newer`) today, the place with an excerpt of the source, suggestions, and with `showTrace` the frames; bytes, without a
 * final line break.
 */
export function formatError(error: Error, options: { readonly showTrace: boolean; readonly newer?: boolean }): string {
  if (!(error instanceof EvaluationError)) return indented(`error: ${error.message}`)
  let text = `error: ${error.messageIn(options.newer ?? false)}\n`
  if (error.position !== undefined) text += place(error.position)
  if (error.suggestions.length > 0) text += `Did you mean ${choice(error.suggestions)}?\n`
  if (options.showTrace) {
    for (const frame of error.frames) {
      text += `\n… ${frame.message}\n`.replace('…', ELLIPSIS)
      if (frame.position !== undefined) text += place(frame.position)
    }
  }
  const result = indented(text)
  return !options.showTrace && error.frames.length > 0
    ? `${result}\n(use '--show-trace' to show detailed location information)`
    : result
}

/** `…` in UTF-8, as bytes. */
const ELLIPSIS = Buffer.from('…').toString('latin1')
const QUOTE_NAMES: Readonly<Record<string, string>> = {
  '«string»': Buffer.from('«string»').toString('latin1'),
  '«stdin»': Buffer.from('«stdin»').toString('latin1'),
}

function place(position: Position): string {
  const name = QUOTE_NAMES[position.file.name] ?? position.file.name
  let source: string
  try {
    source = position.file.source()
  } catch {
    return `\nat ${name}\n`
  }
  const { line, column } = lineColumn(source, position.offset)
  const lines = source.split(/\r\n|\n|\r/)
  let text = `\nat ${name}:${line}:${column}:\n\n`
  for (let n = Math.max(1, line - 1); n <= Math.min(lines.length, line + 1); n++) {
    // Behind the last line break there is no further line.
    if (n > line && n === lines.length && lines[n - 1] === '') break
    text += `${String(n).padStart(6)}| ${lines[n - 1]}\n`
    if (n === line) text += `      | ${' '.repeat(column - 1)}^\n`
  }
  return text
}

function choice(names: readonly string[]): string {
  if (names.length === 1) return names[0]!
  return `one of ${names.slice(0, -1).join(', ')} or ${names[names.length - 1]}`
}

/** Everything below the first line is indented by the width of `error: `. */
function indented(text: string): string {
  return text
    .replace(/\n+$/, '')
    .split('\n')
    .map((line, i) => (i === 0 || line.trim() === '' ? line : `       ${line}`).trimEnd())
    .join('\n')
}
