/** Order of Debian versions, `[EPOCH:]UPSTREAM[-REVISION]`: deb-version(7). */

/** Below zero when `a` is the older one. */
export function compareDebianVersions(a: string, b: string): number {
  const [first, second] = [split(a), split(b)]
  return (
    Number(first.epoch) - Number(second.epoch) ||
    compareParts(first.upstream, second.upstream) ||
    compareParts(first.revision, second.revision)
  )
}

function split(version: string): { epoch: string; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version)!
  const dash = rest.lastIndexOf('-')
  return dash < 0
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) }
}

/** What is no number and what is one take turns, whichever the text begins with. */
function compareParts(a: string, b: string): number {
  let [left, right] = [a, b]
  while (left !== '' || right !== '') {
    const [text, otherText] = [/^\D*/.exec(left)![0], /^\D*/.exec(right)![0]]
    const order = compareTexts(text, otherText)
    if (order !== 0) return order
    left = left.slice(text.length)
    right = right.slice(otherText.length)
    const [digits, otherDigits] = [/^\d*/.exec(left)![0], /^\d*/.exec(right)![0]]
    const difference = BigInt(digits || 0) - BigInt(otherDigits || 0)
    if (difference !== 0n) return difference < 0n ? -1 : 1
    left = left.slice(digits.length)
    right = right.slice(otherDigits.length)
  }
  return 0
}

/** A tilde is before the end, the end before letters, and letters before all else. */
function compareTexts(a: string, b: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const order = rank(a[index]) - rank(b[index])
    if (order !== 0) return order
  }
  return 0
}

function rank(letter: string | undefined): number {
  if (letter === '~') return -1
  if (letter === undefined) return 0
  return /[A-Za-z]/.test(letter) ? letter.charCodeAt(0) : letter.charCodeAt(0) + 256
}
