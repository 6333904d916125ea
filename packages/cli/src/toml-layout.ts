/**
 * Where things lie in a TOML document: what a parser of values forgets, and what naming the place of a mistake and editing by
 * hand-like changes need.
 *
 *     packages = ["zlib"]     key `packages` at 0, value at 11; element `packages.0` at 12
 *     [tasks.fit]             table `tasks.fit`
 *     command = "root"        key `tasks.fit.command`
 *
 * The document must be one that a parser accepted: nothing is checked here.
 */
export interface TomlLayout {
  /** Keys with their values, and elements of lists with their index as key, in the order of the text. */
  readonly entries: readonly TomlEntry[]
  /** `[header]` and `[[header]]`, in the order of the text. */
  readonly headers: readonly TomlHeader[]
}

export interface TomlEntry {
  readonly path: readonly string[]
  /** Offset of the key; of an element that of its value. */
  readonly start: number
  readonly value: Span
}

export interface TomlHeader {
  readonly path: readonly string[]
  readonly start: number
}

/** Offsets into the text; the end is behind it. */
export interface Span {
  readonly start: number
  readonly end: number
}

export function layOutToml(text: string): TomlLayout {
  const entries: TomlEntry[] = []
  const headers: TomlHeader[] = []
  const tableCounts = new Map<string, number>()
  let table: readonly string[] = []
  let at = 0
  for (skipSpace(); at < text.length; skipSpace()) {
    if (text[at] === '[') header()
    else entry(table)
  }
  return { entries, headers }

  function header(): void {
    const start = at
    const isList = text[at + 1] === '['
    at += isList ? 2 : 1
    const path = key()
    if (isList) {
      const name = JSON.stringify(path)
      const count = tableCounts.get(name) ?? 0
      tableCounts.set(name, count + 1)
      path.push(String(count))
    }
    headers.push({ path, start })
    table = path
    at = lineEnd(text, at)
  }

  function entry(above: readonly string[]): void {
    const start = at
    const path = [...above, ...key()]
    at++ // The equals sign.
    skipSpace()
    value(path, start)
  }

  function value(path: readonly string[], keyStart?: number): void {
    const start = at
    // The place is taken before what is inside, so that the order is that of the text.
    const index = entries.push({ path, start: keyStart ?? start, value: { start, end: start } }) - 1
    if (text[at] === '[') list(path)
    else if (text[at] === '{') inlineTable(path)
    else if (text[at] === '"' || text[at] === "'") skipString()
    else while (at < text.length && !/[,\]}#\r\n]/.test(text[at]!)) at++
    const end = start + text.slice(start, at).trimEnd().length
    entries[index] = { path, start: keyStart ?? start, value: { start, end } }
  }

  function list(path: readonly string[]): void {
    at++
    for (let index = 0; ; ) {
      skipSpace()
      if (text[at] === ']' || at >= text.length) break
      if (text[at] === ',') at++
      else value([...path, String(index++)])
    }
    at++
  }

  function inlineTable(path: readonly string[]): void {
    at++
    for (;;) {
      skipSpace()
      if (text[at] === '}' || at >= text.length) break
      if (text[at] === ',') at++
      else entry(path)
    }
    at++
  }

  /** `a.b."c d"`, and the blanks around it. */
  function key(): string[] {
    const parts: string[] = []
    for (;;) {
      skipBlanks()
      const start = at
      if (text[at] === '"' || text[at] === "'") {
        skipString()
        parts.push(unquote(text.slice(start, at)))
      } else {
        while (/[A-Za-z0-9_-]/.test(text[at] ?? '')) at++
        parts.push(text.slice(start, at))
        // Nothing that a parser accepts: go on all the same.
        if (at === start) at++
      }
      skipBlanks()
      if (text[at] !== '.') return parts
      at++
    }
  }

  function skipString(): void {
    const quote = text[at]!
    const isLong = text.startsWith(quote.repeat(3), at)
    const end = isLong ? quote.repeat(3) : quote
    at += end.length
    while (at < text.length && !text.startsWith(end, at)) at += quote === '"' && text[at] === '\\' ? 2 : 1
    at += end.length
    // A long string may end in up to two quotes of its own.
    if (isLong) while (text[at] === quote) at++
  }

  function skipBlanks(): void {
    while (text[at] === ' ' || text[at] === '\t') at++
  }

  /** Blanks, line ends and comments. */
  function skipSpace(): void {
    at = afterSpace(text, at)
  }
}

/** The offset behind blanks, line ends and comments. */
export function afterSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    while (/[ \t\r\n\ufeff]/.test(text[at] ?? '')) at++
    if (text[at] !== '#') return at
    at = lineEnd(text, at)
  }
}

/** The offset of the line's `\n`, or of the end of the text. */
export function lineEnd(text: string, from: number): number {
  const found = text.indexOf('\n', from)
  return found < 0 ? text.length : found
}

/** Line and column (in characters, both from 1) of the key that the path names, or of the nearest that is above it. */
export function placeOfKey(text: string, path: readonly string[]): { readonly line: number; readonly column: number } {
  const { entries, headers } = layOutToml(text)
  const starts = new Map([...headers, ...entries].reverse().map((one) => [JSON.stringify(one.path), one.start]))
  for (let length = path.length; length > 0; length--) {
    const start = starts.get(JSON.stringify(path.slice(0, length)))
    if (start !== undefined) return placeOfOffset(text, start)
  }
  return { line: 1, column: 1 }
}

export function placeOfOffset(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: [...before.at(-1)!].length + 1 }
}

/** What a string of the document means; any other value is left as it is. */
export function unquote(text: string): string {
  const length = /^(?:"""|''')/.test(text) ? 3 : /^["']/.test(text) ? 1 : 0
  const inside = text.slice(length, text.length - length)
  if (length === 0 || text.startsWith("'")) return inside
  return inside.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))/gs, (_, ...found) => {
    const [four, eight, two, letter] = found as (string | undefined)[]
    const code = four ?? eight ?? two
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
    return { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\x1b' }[letter!] ?? letter!
  })
}
