/** Matches as stock zlib finds them at level 6 (`deflate_slow` and `longest_match` of `deflate.c`), in what fits into its window. */

/** A literal byte (`distance` 0, and the byte as `value`), or what was there `distance` bytes before, `value` bytes long. */
export interface Token {
  readonly distance: number
  readonly value: number
}

export const SHORTEST = 3
export const LONGEST = 258
/** Matches of the shortest length are not worth the distance from here on. */
const TOO_FAR = 4096
/** The configuration of level 6. */
const GOOD_LENGTH = 8
const LAZY_LENGTH = 16
const NICE_LENGTH = 128
const LONGEST_CHAIN = 128
const HASHES = 1 << 15

/** All of at most 16,383 bytes. */
export function findMatches(bytes: Uint8Array): Token[] {
  const end = bytes.length
  const tokens: Token[] = []
  // Position 0 is also the end of a chain: what starts there is never found again.
  const heads = new Uint16Array(HASHES)
  const before = new Uint16Array(end)
  const insert = (at: number): number => {
    const hash = ((bytes[at]! << 10) ^ (bytes[at + 1]! << 5) ^ bytes[at + 2]!) & (HASHES - 1)
    const head = heads[hash]!
    before[at] = head
    heads[hash] = at
    return head
  }
  let [length, start] = [SHORTEST - 1, 0]
  let isPending = false
  for (let at = 0; at < end; ) {
    const head = end - at >= SHORTEST ? insert(at) : 0
    const [formerLength, formerStart] = [length, start]
    length = SHORTEST - 1
    if (head !== 0 && formerLength < LAZY_LENGTH) {
      const match = longestMatch(bytes, before, at, head, formerLength)
      ;({ length } = match)
      if (match.start >= 0) ({ start } = match)
      if (length === SHORTEST && at - start > TOO_FAR) length = SHORTEST - 1
    }
    if (formerLength >= SHORTEST && length <= formerLength) {
      tokens.push({ distance: at - 1 - formerStart, value: formerLength })
      const next = at - 1 + formerLength
      for (at++; at < next; at++) if (at + SHORTEST <= end) insert(at)
      isPending = false
      length = SHORTEST - 1
    } else {
      if (isPending) tokens.push({ distance: 0, value: bytes[at - 1]! })
      isPending = true
      at++
    }
  }
  if (isPending) tokens.push({ distance: 0, value: bytes[end - 1]! })
  return tokens
}

/** The first of the longest ones that are longer than `length`; `start` is -1 where there is none. */
function longestMatch(
  bytes: Uint8Array,
  before: Uint16Array,
  at: number,
  head: number,
  length: number,
): { readonly length: number; readonly start: number } {
  const most = Math.min(LONGEST, bytes.length - at)
  const nice = Math.min(NICE_LENGTH, bytes.length - at)
  let best = length
  let start = -1
  let candidate = head
  for (let left = length >= GOOD_LENGTH ? LONGEST_CHAIN >> 2 : LONGEST_CHAIN; left > 0 && candidate !== 0; left--) {
    let same = 0
    while (same < most && bytes[candidate + same] === bytes[at + same]) same++
    if (same > best) {
      best = same
      start = candidate
      if (same >= nice) break
    }
    candidate = before[candidate]!
  }
  return { length: Math.min(best, bytes.length - at), start }
}
