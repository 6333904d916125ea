/**
 * Huffman codes as zlib makes them (`trees.c`): which of the equally good codes comes out depends on the heap and its order of equal
 * counts, so that both are those of zlib, with nodes from 1 on.
 */

/** The length of the code for each symbol, 0 for those that do not occur; two symbols have one in any case. */
export function codeLengths(counts: Uint32Array, longest: number): Uint8Array {
  const { parents, order } = buildTree(counts)
  const lengths = new Uint8Array(parents.length)
  /** Leaves by their depth. */
  const leaves = new Uint16Array(longest + 1)
  let tooDeep = 0
  for (const node of order.slice(1)) {
    let depth = lengths[parents[node]!]! + 1
    if (depth > longest) {
      depth = longest
      tooDeep++
    }
    lengths[node] = depth
    if (node < counts.length) leaves[depth]!++
  }
  if (tooDeep > 0) {
    moveUp(leaves, longest, tooDeep)
    // The rarest get the longest codes.
    const rarest = order.filter((node) => node < counts.length).reverse()
    for (let length = longest, next = 0; length > 0; length--) {
      for (let left = leaves[length]!; left > 0; left--) lengths[rarest[next++]!] = length
    }
  }
  return lengths.subarray(0, counts.length)
}

/** The canonical codes of these lengths, with their first bit lowest, as they are written. */
export function codes(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(lengths.length)
  let code = 0
  for (let length = 1; length <= 15; length++, code <<= 1) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === length) codes[symbol] = reversed(code++, length)
    }
  }
  return codes
}

/** The parent of each node, symbols first, and all nodes from the root down. */
function buildTree(counts: Uint32Array): { readonly parents: Uint16Array; readonly order: readonly number[] } {
  const size = counts.length * 2 + 1
  const weights = new Uint32Array(size)
  const depths = new Uint8Array(size)
  const parents = new Uint16Array(size)
  weights.set(counts)
  const heap = [0]
  for (let symbol = 0; symbol < counts.length; symbol++) if (counts[symbol]! > 0) heap.push(symbol)
  for (let last = heap.length > 1 ? heap.at(-1)! : -1; heap.length < 3; ) {
    const forced = last < 2 ? ++last : 0
    heap.push(forced)
    weights[forced] = 1
  }
  const isBefore = (a: number, b: number): boolean =>
    weights[a]! < weights[b]! || (weights[a] === weights[b] && depths[a]! <= depths[b]!)
  const sink = (from: number): void => {
    const node = heap[from]!
    let at = from
    for (let child = at * 2; child < heap.length; child = at * 2) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(node, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = node
  }
  for (let node = (heap.length - 1) >> 1; node >= 1; node--) sink(node)
  const rising: number[] = []
  for (let node = counts.length; heap.length > 2; node++) {
    const first = heap[1]!
    const last = heap.pop()!
    heap[1] = last
    sink(1)
    const second = heap[1]!
    rising.push(first, second)
    weights[node] = weights[first]! + weights[second]!
    depths[node] = Math.max(depths[first]!, depths[second]!) + 1
    parents[first] = node
    parents[second] = node
    heap[1] = node
    sink(1)
  }
  rising.push(heap[1]!)
  return { parents, order: rising.reverse() }
}

/** Makes room for what is too deep: a leaf goes one down and takes one of them as its neighbour. */
function moveUp(leaves: Uint16Array, longest: number, tooDeep: number): void {
  for (let left = tooDeep; left > 0; left -= 2) {
    let depth = longest - 1
    while (leaves[depth] === 0) depth--
    leaves[depth]!--
    leaves[depth + 1]! += 2
    leaves[longest]!--
  }
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let bit = 0; bit < length; bit++) result |= ((code >> bit) & 1) << (length - 1 - bit)
  return result
}
