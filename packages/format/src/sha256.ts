/**
 * SHA-256 by the OpenSSL that is in Node, called where it is. Node:crypto is forty modules, which take 13 ms to load under
 * the flags of an evaluation, a tenth of one that makes a single derivation; this takes 2, and a call no longer. Where the
 * functions cannot be had (another build of Node, no node:ffi), node:crypto does it.
 *
 * All that is hashed goes through one piece of memory, whose address alone is given away.
 */
import { createHash } from 'node:crypto'
import type { RawBuffer } from './raw-buffer.ts'
import { THREAD_FLAGS } from './thread-flags.ts'

const BLOCK = 64

/** Bytes that have place in the input. */
export const SHA256_INPUT = 1024 * BLOCK
/** Bytes that have place before what stays in the memory of several texts. */
export const SHA256_HEAD = 128 * BLOCK
/** What is hashed is made whole blocks behind its last byte: a one, zeros, and its length in bits. */
const PADDING = 2 * BLOCK
const TAIL = SHA256_INPUT + PADDING + SHA256_HEAD
const DIGEST = TAIL + SHA256_INPUT + PADDING
const CONTEXT = DIGEST + BLOCK
const PROBE = CONTEXT + 256

const memory = Buffer.alloc(PROBE + BLOCK) as RawBuffer
/** What is to be hashed is put here from the start. */
export const sha256Input = memory.subarray(0, SHA256_INPUT) as RawBuffer

/** The last hash: 32 bytes. */
export const sha256Digest = memory.subarray(DIGEST, DIGEST + 32) as RawBuffer

/** Hashes what lies there in the input. */
export function computeSha256OfInput(start: number, end: number): void {
  sha256 ??= choose()
  sha256.begin()
  sha256.end(start, end - start)
}

/** Hashes any number of bytes. */
export function computeSha256OfParts(parts: readonly Uint8Array[]): void {
  sha256 ??= choose()
  feedSha256(sha256, parts)
}

/** Gives it the parts as bytes and asks for the hash. */
export function feedSha256(sha256: Sha256, parts: readonly Uint8Array[]): void {
  sha256.begin()
  let end = 0
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const piece = part.subarray(at, at + SHA256_INPUT - end)
      sha256Input.set(piece, end)
      at += piece.length
      end += piece.length
      if (end === SHA256_INPUT) {
        sha256.add(0, end)
        end = 0
      }
    }
  }
  sha256.end(0, end)
}

/** Puts a byte string into the tail, which other hashes leave as it is; gives where it ends. */
export function putTail(text: string, at: number): number {
  return putInput(text, TAIL + at) - TAIL
}

/** Puts the byte strings of two lists, one behind the other, before the tail, and hashes them with so many bytes of it. */
export function computeSha256WithTail(
  first: readonly string[],
  second: readonly string[],
  headLength: number,
  tailLength: number,
): void {
  const start = TAIL - headLength
  let at = start
  for (let i = 0; i < first.length; i++) at = putInput(first[i]!, at)
  for (let i = 0; i < second.length; i++) at = putInput(second[i]!, at)
  sha256 ??= choose()
  sha256.begin()
  sha256.end(start, headLength + tailLength)
}

/** Puts a byte string into the input; gives where it ends. */
export function putInput(text: string, at: number): number {
  const { length } = text
  // A call out of JavaScript takes as long as some twenty chars; but to look at those of a longer one V8 may have to join it.
  if (length > 12) return at + memory.latin1Write(text, at, length)
  for (let i = 0; i < length; i++) memory[at + i] = text.charCodeAt(i)
  return at + length
}

interface Sha256 {
  begin(): void
  /** Adds bytes of the memory, in whole blocks. */
  add(start: number, length: number): void
  /** Adds the last ones, and makes the digest; what lies behind them in the memory may be lost. */
  end(start: number, length: number): void
}

let sha256: Sha256 | undefined

function choose(): Sha256 {
  // Of an experimental module Node warns, once in each thread; our programs tell it not to.
  const isQuiet = process.execArgv.includes(THREAD_FLAGS[0]!)
  return (isQuiet ? openSha256() : undefined) ?? createSha256()
}

/** Undefined unless it gives the right hash of something. */
export function openSha256(): Sha256 | undefined {
  try {
    const { dlopen, getRawPointer } = process.getBuiltinModule('node:ffi')
    const { lib, functions } = dlopen(null, {
      // A size is as wide as a pointer, which node:ffi passes in half the time.
      SHA256_Update: { return: 'i32', arguments: ['pointer', 'pointer', 'pointer'] },
    })
    const { SHA256_Update: update } = functions
    const start = getRawPointer(memory)
    const context = start + BigInt(CONTEXT)
    const direct = new Blocks(lib, (at, size) => update(context, at, size), start)
    // Not in the input, where something waits to be hashed.
    memory.write(PROBE_TEXT, PROBE)
    direct.begin()
    direct.end(PROBE, PROBE_TEXT.length)
    return sha256Digest.toString('hex') === PROBE_HASH ? direct : undefined
  } catch {
    return undefined
  }
}

/**
 * One call for a hash: what the other two would do takes less here. `SHA256_CTX` begins with the eight words of the state
 * (openssl/sha.h), and whole blocks leave nothing else in it that matters to those behind them.
 */
class Blocks implements Sha256 {
  /** Held, so that nothing closes it. */
  readonly lib: unknown
  readonly #update: (start: bigint, length: bigint) => unknown
  readonly #memory: bigint
  readonly #state = new Int32Array(memory.buffer, memory.byteOffset + CONTEXT, 8)
  /** Numbers as node:ffi takes them, by what they are: each that is made takes a tenth of a call. */
  readonly #starts = new Map<number, bigint>()
  readonly #sizes: bigint[] = []
  #added = 0

  constructor(lib: unknown, update: (start: bigint, length: bigint) => unknown, start: bigint) {
    this.lib = lib
    this.#update = update
    this.#memory = start
  }

  begin(): void {
    // `set` is a call out of compiled code.
    for (let i = 0; i < 8; i++) this.#state[i] = INITIAL[i]!
    this.#added = 0
  }

  add(start: number, length: number): void {
    this.#hash(start, length)
    this.#added += length
  }

  end(start: number, length: number): void {
    const padding = PADDINGS[length % BLOCK]!
    memory.set(padding, start + length)
    const end = start + length + padding.length
    const bytes = this.#added + length
    memory[end - 1] = bytes << 3
    memory[end - 2] = bytes >>> 5
    memory[end - 3] = bytes >>> 13
    if (bytes >= 1 << 21) {
      for (let i = 4, rest = bytes / (1 << 21); i <= 8; i++, rest /= 256) memory[end - i] = rest
    }
    this.#hash(start, end - start)
    for (let i = 0, at = 0; i < 8; i++) {
      const word = this.#state[i]!
      sha256Digest[at++] = word >>> 24
      sha256Digest[at++] = word >>> 16
      sha256Digest[at++] = word >>> 8
      sha256Digest[at++] = word
    }
  }

  #hash(start: number, length: number): void {
    let address = this.#starts.get(start)
    if (address === undefined) {
      address = this.#memory + BigInt(start)
      this.#starts.set(start, address)
    }
    this.#update(address, (this.#sizes[length / BLOCK] ??= BigInt(length)))
  }
}

/** What the state is at the beginning (FIPS 180-4, 5.3.3). */
const INITIAL = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
)

/** By the bytes in the last block: a one and zeros, with place for the number of bits. */
const PADDINGS = Array.from({ length: BLOCK }, (_, used) => {
  const padding = new Uint8Array((used < BLOCK - 8 ? BLOCK : 2 * BLOCK) - used)
  padding[0] = 0x80
  return padding
})

// FIPS 180-4.
const PROBE_TEXT = 'abc'
const PROBE_HASH = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

export function createSha256(): Sha256 {
  let hash = createHash('sha256')
  return {
    begin: () => {
      hash = createHash('sha256')
    },
    add: (start, length) => {
      hash.update(memory.subarray(start, start + length))
    },
    end: (start, length) => {
      sha256Digest.set(hash.update(memory.subarray(start, start + length)).digest())
    },
  }
}
