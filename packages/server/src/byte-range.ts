/** The `Range` header (RFC 9110) as far as a cache needs it: one range of bytes. */

export interface ByteRange {
  readonly start: number
  /** Behind the last byte. */
  readonly end: number
}

/**
 * The range of a body of `size` bytes that is asked for. Undefined when the whole is to be sent: for several ranges at
 * once, other units and nonsense, all of which a server may ignore. `unsatisfiable` when it lies behind the end.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    if (last === '') return undefined
    const count = Number(last)
    return count === 0 ? 'unsatisfiable' : { start: Math.max(0, size - count), end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(size, Number(last) + 1) }
}

/** The value of `Content-Range`. */
export function formatContentRange(range: ByteRange | undefined, size: number): string {
  return range === undefined ? `bytes */${size}` : `bytes ${range.start}-${range.end - 1}/${size}`
}
