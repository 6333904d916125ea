import { readFileSync } from 'node:fs'

/** The expressions of a table under `data/expressions`: one a line, indented strings run on; `#` lines are comments. */
export function readExpressions(name: string): string[] {
  const text = readFileSync(new URL(`data/expressions/${name}`, import.meta.url), 'latin1')
  const result: string[] = []
  let open: string[] | undefined
  for (const line of text.split('\n')) {
    if (open !== undefined) {
      open.push(line)
      if (oddQuotes(line)) {
        result.push(open.join('\n'))
        open = undefined
      }
    } else if (line.startsWith('# ') || line === '') continue
    else if (line.startsWith("''") && oddQuotes(line) && line !== "''a") open = [line]
    else result.push(line)
  }
  return result
}

/** An unfinished `''…''`. */
function oddQuotes(line: string): boolean {
  const quotes = line.replace(/'''|''\\.|''\$/g, '').match(/''/g)
  return (quotes?.length ?? 0) % 2 === 1
}
