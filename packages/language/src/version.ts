/** Compares two versions as `nix-env -u` does: -1, 0 or 1. */
export function compareVersions(left: string, right: string): number {
  const a = { text: left, at: 0 }
  const b = { text: right, at: 0 }
  while (a.at < left.length || b.at < right.length) {
    const x = nextComponent(a)
    const y = nextComponent(b)
    if (isOlder(x, y)) return -1
    if (isOlder(y, x)) return 1
  }
  return 0
}

/** The components of a version: runs of digits and runs of anything else, without dots and dashes. */
export function splitVersion(version: string): string[] {
  const cursor = { text: version, at: 0 }
  const parts: string[] = []
  while (cursor.at < version.length) {
    const part = nextComponent(cursor)
    if (part === '') break
    parts.push(part)
  }
  return parts
}

/** Splits `name-1.2` at the first dash that no letter follows. */
export function parseDerivationName(text: string): { name: string; version: string } {
  for (let i = 0; i + 1 < text.length; i++) {
    if (text.charCodeAt(i) === 0x2d && !isLetter(text.charCodeAt(i + 1))) {
      return { name: text.slice(0, i), version: text.slice(i + 1) }
    }
  }
  return { name: text, version: '' }
}

interface Cursor {
  readonly text: string
  at: number
}

function nextComponent(cursor: Cursor): string {
  const { text } = cursor
  let i = cursor.at
  while (i < text.length && isSeparator(text.charCodeAt(i))) i++
  const start = i
  if (i < text.length && isDigit(text.charCodeAt(i))) {
    while (i < text.length && isDigit(text.charCodeAt(i))) i++
  } else {
    while (i < text.length && !isDigit(text.charCodeAt(i)) && !isSeparator(text.charCodeAt(i))) i++
  }
  cursor.at = i
  return text.slice(start, i)
}

function isOlder(a: string, b: string): boolean {
  const m = toInt32(a)
  const n = toInt32(b)
  if (m !== undefined && n !== undefined) return m < n
  if (a === '' && n !== undefined) return true
  if (a === 'pre' && b !== 'pre') return true
  if (b === 'pre') return false
  // `2.3a` is older than `2.3.1`.
  if (n !== undefined) return true
  if (m !== undefined) return false
  return a < b
}

/** Nix reads a component as a C `int`: what does not fit is compared as text. */
function toInt32(text: string): number | undefined {
  if (text === '' || !isDigit(text.charCodeAt(0))) return undefined
  const value = Number(text)
  return value <= 0x7fffffff ? value : undefined
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isSeparator(code: number): boolean {
  return code === 0x2e || code === 0x2d
}

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}
