/** A byte string as it may stand in a message: quoted, control and non-ASCII bytes escaped, long ones cut. */
export function quoteBytes(text: string): string {
  const cut = text.length > 120 ? `${text.slice(0, 117)}...` : text
  return `'${cut.replace(/[^ -&(-~]/g, (char) => ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`
}

const ESCAPES: Readonly<Record<string, string>> = { "'": "\\'", '\n': '\\n', '\r': '\\r', '\t': '\\t' }
