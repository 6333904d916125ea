/** Names close to a misspelt one, best first: at most five, at an edit distance of at most two. */
export function suggest(name: string, candidates: readonly string[]): string[] {
  const close: { text: string; distance: number }[] = []
  for (const text of candidates) {
    if (Math.abs(text.length - name.length) > LIMIT) continue
    const distance = editDistance(name, text)
    if (distance <= LIMIT) close.push({ text, distance })
  }
  close.sort((a, b) => a.distance - b.distance || (a.text < b.text ? -1 : 1))
  return close.slice(0, 5).map((one) => one.text)
}

const LIMIT = 2

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
