import type { SourceFile } from './value.ts'

/** A place in a source text: a byte offset; line and column are computed only when they are shown. */
export interface Position {
  readonly file: SourceFile
  readonly offset: number
}

export interface LineColumn {
  /** From 1. */
  readonly line: number
  /** From 1, in bytes. */
  readonly column: number
}

/** Line and column of a byte offset. `\n`, `\r\n` and a lone `\r` end a line, as in Nix. */
export function lineColumn(source: string, offset: number): LineColumn {
  let line = 1
  let start = 0
  for (let i = 0; i < offset; i++) {
    const c = source.charCodeAt(i)
    if (c === 10) {
      line++
      start = i + 1
    } else if (c === 13) {
      if (source.charCodeAt(i + 1) === 10 && i + 1 < offset) i++
      line++
      start = i + 1
    }
  }
  return { line, column: offset - start + 1 }
}

/** `file:line:column`, with the name in the short form that Nix uses inside messages: `(string):1:2`. */
export function formatPosition(position: Position): string {
  const { line, column } = lineColumn(position.file.source(), position.offset)
  const name = position.file.name
  const short = name === '«string»' || name === '«stdin»' ? '(string)' : name
  return `${short}:${line}:${column}`
}
