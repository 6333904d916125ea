/**
 * libdeflate by way of `node:ffi`, where both are there: Node from 26 on has the one, most distributions of Linux the other
 * (Debian: `libdeflate0`). Nothing has to be installed for us, and nothing is lost without it but time.
 */
import type { Deflate } from './deflate.ts'
import { freeMemory } from './free-memory.ts'

/** Undefined when there is no such library, or no way to call it. */
export function openLibdeflate(level: number): Deflate | undefined {
  // Where a program links against it by this name, its interface is the one that is called here.
  const ffi = process.getBuiltinModule('node:ffi') as typeof import('node:ffi') | undefined
  if (ffi === undefined || process.platform !== 'linux') return undefined
  const library = open(ffi)
  if (library === undefined) return undefined
  const { libdeflate_alloc_compressor, libdeflate_zlib_compress_bound, libdeflate_zlib_compress } = library
  // Lives as long as the thread.
  const compressor = libdeflate_alloc_compressor(level)
  if (compressor === 0n) return undefined
  let room = new Uint8Array(0)
  return (bytes) => {
    const size = BigInt(bytes.length)
    const bound = Number(libdeflate_zlib_compress_bound(compressor, size))
    if (bound > room.length) room = new Uint8Array(bound)
    // The address of no bytes may be none, which the library does not mind.
    const from = bytes.length === 0 ? 0n : ffi.getRawPointer(bytes)
    const count = libdeflate_zlib_compress(compressor, from, size, ffi.getRawPointer(room), BigInt(room.length))
    if (count === 0n) throw new Error(`libdeflate cannot compress ${bytes.length} bytes into ${room.length}`)
    const result = room.slice(0, Number(count))
    if (room.length > LARGEST_KEPT) {
      freeMemory(room)
      room = new Uint8Array(0)
    }
    return result
  }
}

/** By each thread. Making more anew costs little beside compressing so much. */
const LARGEST_KEPT = 1024 * 1024

function open(ffi: typeof import('node:ffi')) {
  try {
    return ffi.dlopen('libdeflate.so.0', {
      libdeflate_alloc_compressor: { arguments: ['i32'], return: 'u64' },
      libdeflate_zlib_compress_bound: { arguments: ['u64', 'u64'], return: 'u64' },
      libdeflate_zlib_compress: { arguments: ['u64', 'u64', 'u64', 'u64', 'u64'], return: 'u64' },
    }).functions
  } catch {
    return undefined
  }
}
