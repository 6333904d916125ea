/**
 * Nix32, the base-32 text form of hashes: `1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s`.
 *
 * Digits are `0-9a-z` without `e o u t`. The bytes are read as one little-endian number whose most significant
 * digit is written first, so the text of n bytes has ⌈8n/5⌉ digits and its first digits come from the last bytes.
 */
import { quoteBytes } from './quote-bytes.ts'
import type { RawBuffer } from './raw-buffer.ts'
import { UserError } from './user-error.ts'

/** Nix32 text of bytes. */
export function encodeNix32(bytes: Uint8Array): string {
  const count = nix32Length(bytes.length)
  // A string that grows by characters costs twice as much, and is a rope in the end.
  const text = count <= shared.length ? shared : (Buffer.allocUnsafe(count) as RawBuffer)
  return text.latin1Slice(0, putNix32(bytes, text, 0))
}

/** Puts the text there as bytes; gives where it ends. */
export function putNix32(bytes: Uint8Array, target: Uint8Array, start: number): number {
  const { length } = bytes
  const end = start + nix32Length(length)
  let at = end
  let index = 0
  // Eight digits are five bytes.
  for (; index + 5 <= length; index += 5) {
    const low = bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16)
    const high = bytes[index + 3]! | (bytes[index + 4]! << 8)
    at -= 8
    target[at + 7] = ALPHABET_CODES[low & 31]!
    target[at + 6] = ALPHABET_CODES[(low >> 5) & 31]!
    target[at + 5] = ALPHABET_CODES[(low >> 10) & 31]!
    target[at + 4] = ALPHABET_CODES[(low >> 15) & 31]!
    target[at + 3] = ALPHABET_CODES[(low >> 20) | ((high & 1) << 4)]!
    target[at + 2] = ALPHABET_CODES[(high >> 1) & 31]!
    target[at + 1] = ALPHABET_CODES[(high >> 6) & 31]!
    target[at] = ALPHABET_CODES[high >> 11]!
  }
  for (let bit = 0, rest = index; at > start; bit += 5) {
    index = rest + (bit >> 3)
    const pair = bytes[index]! | (index + 1 < length ? bytes[index + 1]! << 8 : 0)
    target[--at] = ALPHABET_CODES[(pair >> (bit & 7)) & 31]!
  }
  return end
}

/** Bytes of Nix32 text; refuses foreign characters and texts that no bytes encode to. */
export function decodeNix32(text: string): Uint8Array {
  const length = Math.floor((text.length * 5) / 8)
  if (nix32Length(length) !== text.length) {
    throw new UserError(
      'NIX32_INVALID',
      `nix32 text ${quoteBytes(text)} has ${text.length} digits, which no bytes encode to`,
    )
  }
  const bytes = new Uint8Array(length)
  let carry = 0
  let carryBits = 0
  let index = 0
  for (let position = text.length - 1; position >= 0; position--) {
    const value = DIGITS[text.charCodeAt(position)] ?? -1
    if (value < 0) {
      throw new UserError('NIX32_INVALID', `illegal nix32 character at offset ${position} in ${quoteBytes(text)}`, {
        hint: 'nix32 uses 0-9 and a-z without e, o, u and t',
      })
    }
    carry |= value << carryBits
    carryBits += 5
    if (carryBits >= 8 && index < length) {
      bytes[index++] = carry & 255
      carry >>= 8
      carryBits -= 8
    }
  }
  if (carry !== 0) {
    throw new UserError(
      'NIX32_INVALID',
      `nix32 text ${quoteBytes(text)} is out of range: its first digit is too large (offset 0)`,
    )
  }
  return bytes
}

/** Digits in the Nix32 text of so many bytes. */
export function nix32Length(byteCount: number): number {
  return Math.ceil((byteCount * 8) / 5)
}

/** True when every character is a Nix32 digit. */
export function isNix32(text: string): boolean {
  return ONLY_DIGITS.test(text)
}

const ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz'
const ALPHABET_CODES = Buffer.from(ALPHABET)
/** Large enough for any hash. */
const shared = Buffer.allocUnsafeSlow(128) as RawBuffer
const ONLY_DIGITS = /^[0-9abcdfghijklmnpqrsvwxyz]*$/

const DIGITS: readonly number[] = Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)))
