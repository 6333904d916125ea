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

/** Bytes of a text that is hashed at once. */
export const SHA256_INPUT = 65536
const DIGEST = SHA256_INPUT
const CONTEXT = DIGEST + 64

const memory = Buffer.alloc(CONTEXT + 256)
/** What is to be hashed is put here from the start. */
const input = memory.subarray(0, SHA256_INPUT) as RawBuffer

/** The last hash: 32 bytes. */
export const sha256Digest = memory.subarray(DIGEST, DIGEST + 32) as RawBuffer

/** Hashes a byte string that has place in the input. */
export function computeSha256(text: string): void {
  sha256 ??= choose()
  sha256.begin()
  sha256.add(input.latin1Write(text, 0, text.length))
  sha256.end()
}

/** Hashes byte strings one behind the other, which together have place in the input. */
export function computeSha256OfTexts(texts: readonly string[]): void {
  sha256 ??= choose()
  sha256.begin()
  let end = 0
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i]!
    end += input.latin1Write(text, end, text.length)
  }
  sha256.add(end)
  sha256.end()
}

/** Hashes any number of bytes. */
export function computeSha256OfParts(parts: readonly Uint8Array[]): void {
  sha256 ??= choose()
  feedSha256(sha256, parts)
}

/** Gives it the parts as bytes and asks for the hash. */
export function feedSha256(sha256: Sha256, parts: readonly Uint8Array[]): void {
  sha256.begin()
  for (const part of parts) {
    for (let at = 0; at < part.length; at += SHA256_INPUT) {
      const piece = part.subarray(at, at + SHA256_INPUT)
      input.set(piece)
      sha256.add(piece.length)
    }
  }
  sha256.end()
}

interface Sha256 {
  begin(): void
  /** Of so many bytes from the start of the input. */
  add(length: number): void
  end(): void
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
      SHA256_Init: { return: 'i32', arguments: ['pointer'] },
      // A size is as wide as a pointer, which node:ffi passes in half the time.
      SHA256_Update: { return: 'i32', arguments: ['pointer', 'pointer', 'pointer'] },
      SHA256_Final: { return: 'i32', arguments: ['pointer', 'pointer'] },
    })
    const { SHA256_Init: init, SHA256_Update: update, SHA256_Final: final } = functions
    const start = getRawPointer(memory)
    const digest = start + BigInt(DIGEST)
    const context = start + BigInt(CONTEXT)
    // All begin alike, and copying that takes less than a call.
    init(context)
    const fresh = new Uint8Array(memory.subarray(CONTEXT))
    // Most are short, and each that is made takes a tenth of a call.
    const sizes: bigint[] = new Array(4096)
    const direct = {
      // Held, so that nothing closes it.
      lib,
      begin: () => memory.set(fresh, CONTEXT),
      add: (length: number) =>
        update(context, start, length < sizes.length ? (sizes[length] ??= BigInt(length)) : BigInt(length)),
      end: () => final(digest, context),
    }
    feedSha256(direct, [PROBE])
    return sha256Digest.toString('hex') === PROBE_HASH ? direct : undefined
  } catch {
    return undefined
  }
}

// FIPS 180-4.
const PROBE = Buffer.from('abc')
const PROBE_HASH = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

export function createSha256(): Sha256 {
  let hash = createHash('sha256')
  return {
    begin: () => {
      hash = createHash('sha256')
    },
    add: (length) => {
      hash.update(input.subarray(0, length))
    },
    end: () => {
      sha256Digest.set(hash.digest())
    },
  }
}
