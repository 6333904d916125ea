import { readFileSync } from 'node:fs'

/**
 * The expressions of a table under `data/expressions`: one a line, or several lines between `<<<` and `>>>`; lines that
 * start with `# ` are comments.
 */
export function readExpressions(name: string): string[] {
  const text = readFileSync(new URL(`data/expressions/${name}`, import.meta.url), 'latin1')
  const result: string[] = []
  let open: string[] | undefined
  for (const line of text.split('\n')) {
    if (line === '<<<') open = []
    else if (line === '>>>') {
      if (open !== undefined) result.push(open.join('\n'))
      open = undefined
    } else if (open !== undefined) open.push(line)
    else if (line !== '' && !line.startsWith('# ')) result.push(line)
  }
  return result
}
