/**
 * Where large files are cut into chunks: a shift register over the last 32 bytes decides, so that an insertion changes only the
 * chunks around it. The same cuts as those of the real tool (its `chunk_detector.cc`).
 */
export interface ChunkSizes {
  readonly least: number
  readonly average: number
  readonly most: number
}

export const CHUNK_SIZES: ChunkSizes = { least: 4 << 20, average: 8 << 20, most: 16 << 20 }

/**
 * Length of the first chunk of `bytes`, which begins where the last one ended; undefined when more bytes are needed to tell.
 * To be called with at least `sizes.most` bytes, or with all that are left (`isEnd`).
 */
export function firstChunk(bytes: Uint8Array, isEnd: boolean, sizes: ChunkSizes = CHUNK_SIZES): number | undefined {
  const { least, average, most } = sizes
  const threshold = Math.floor(0xffffffff / average)
  const end = Math.min(bytes.length, most)
  let register = 0
  for (let index = least - WINDOW; index < Math.min(least, end); index++) register = (register << 1) ^ bytes[index]!
  for (let index = least; index < end; index++) {
    register = (register << 1) ^ bytes[index]!
    // The difference wraps around in 32 bits there.
    if (Math.abs((register - 0x7fffffff) | 0) < threshold) return index
  }
  if (bytes.length >= most) return most
  return isEnd ? bytes.length : undefined
}

const WINDOW = 32
