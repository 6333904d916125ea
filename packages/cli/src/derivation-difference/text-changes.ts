/** A stretch in which two texts differ: what stands there in each, as lines of long texts, else as words. */
export interface TextChange {
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/** The stretches in which two texts differ when both are looked at through `normalise`; what comes back is as it was. */
export function textChanges(before: string, after: string, normalise: (text: string) => string): TextChange[] {
  const separator = before.includes('\n') || after.includes('\n') ? '\n' : /[ \t]+/
  const [a, b] = [before, after].map((text) => (text === '' ? [] : text.split(separator))) as [string[], string[]]
  const [x, y] = [a.map(normalise), b.map(normalise)]
  let start = 0
  while (start < x.length && start < y.length && x[start] === y[start]) start++
  let end = 0
  while (end < x.length - start && end < y.length - start && x[x.length - 1 - end] === y[y.length - 1 - end]) end++
  const changes: { removed: string[]; added: string[] }[] = []
  let open = false
  const change = () => {
    if (!open) changes.push({ removed: [], added: [] })
    open = true
    return changes[changes.length - 1]!
  }
  for (const [i, j] of alignment(x.slice(start, x.length - end), y.slice(start, y.length - end))) {
    if (i !== undefined && j !== undefined) open = false
    else if (i !== undefined) change().removed.push(a[start + i]!)
    else if (j !== undefined) change().added.push(b[start + j]!)
  }
  // Only the space between words differs.
  return changes.length === 0 && normalise(before) !== normalise(after)
    ? [{ removed: [before], added: [after] }]
    : changes
}

/** Longer ones are taken as wholly different: the table has a cell for each pair. */
const TABLE_LIMIT = 1_000_000

type Step = readonly [first: number | undefined, second: number | undefined]

/** Pairs of equal items (a longest common subsequence), and between them those of one side alone. */
function alignment(a: readonly string[], b: readonly string[]): Step[] {
  if (a.length * b.length > TABLE_LIMIT) {
    return [...a.map((_, i): Step => [i, undefined]), ...b.map((_, j): Step => [undefined, j])]
  }
  const width = b.length + 1
  const length = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] =
        a[i] === b[j]
          ? length[(i + 1) * width + j + 1]! + 1
          : Math.max(length[(i + 1) * width + j]!, length[i * width + j + 1]!)
    }
  }
  const steps: Step[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) steps.push([i++, j++])
    else if (j >= b.length || (i < a.length && length[(i + 1) * width + j]! >= length[i * width + j + 1]!)) {
      steps.push([i++, undefined])
    } else steps.push([undefined, j++])
  }
  return steps
}
