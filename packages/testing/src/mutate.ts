/** Damages valid inputs: bits, pieces, and above all numbers, which are what decoders believe. */

export interface MutationSource {
  readonly random: () => number
  /** Other valid inputs, to take pieces from. */
  readonly others: readonly Uint8Array[]
  /** Words that mean something in the format. */
  readonly words: readonly string[]
}

/** A copy with one to six damages. */
export function mutate(sample: Uint8Array, source: MutationSource): Buffer {
  let bytes: Buffer = Buffer.from(sample)
  for (let left = 1 + below(source, 6); left > 0; left--)
    bytes = MUTATIONS[below(source, MUTATIONS.length)]!(bytes, source)
  return bytes.length > MAX_LENGTH ? bytes.subarray(0, MAX_LENGTH) : bytes
}

const MAX_LENGTH = 1 << 16

type Mutation = (bytes: Buffer, source: MutationSource) => Buffer

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  lie32,
  lie64,
  lieInDigits,
  cut,
  remove,
  repeat,
  splice,
  insertWord,
]

function flipBit(bytes: Buffer, source: MutationSource): Buffer {
  if (bytes.length > 0) bytes[below(source, bytes.length)]! ^= 1 << below(source, 8)
  return bytes
}

function setByte(bytes: Buffer, source: MutationSource): Buffer {
  if (bytes.length > 0)
    bytes[below(source, bytes.length)] = pick(source, [0, 1, 0x0a, 0x20, 0x2f, 0x30, 0x7f, 0x80, 0xff])
  return bytes
}

function lie32(bytes: Buffer, source: MutationSource): Buffer {
  if (bytes.length < 4) return bytes
  const value = pick(source, [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, below(source, 1 << 20)])
  const at = below(source, bytes.length - 3)
  if (source.random() < 0.5) bytes.writeUInt32LE(value, at)
  else bytes.writeUInt32BE(value, at)
  return bytes
}

function lie64(bytes: Buffer, source: MutationSource): Buffer {
  if (bytes.length < 8) return bytes
  const value = pick(source, [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])
  // Most formats with numbers of 64 bits align them.
  const at = below(source, bytes.length - 7) & ~7
  bytes.writeBigUInt64LE(value, at)
  return bytes
}

function lieInDigits(bytes: Buffer, source: MutationSource): Buffer {
  const text = bytes.toString('latin1')
  const numbers = [...text.matchAll(/\d+/g)]
  if (numbers.length === 0) return bytes
  const { 0: digits, index } = numbers[below(source, numbers.length)]!
  const replacement = pick(source, ['', '0', '-1', '99999999999999999999', '77777777777', '9'.repeat(digits.length)])
  return Buffer.from(text.slice(0, index) + replacement + text.slice(index + digits.length), 'latin1')
}

function cut(bytes: Buffer, source: MutationSource): Buffer {
  return bytes.subarray(0, below(source, bytes.length + 1))
}

function remove(bytes: Buffer, source: MutationSource): Buffer {
  const [start, end] = range(bytes, source)
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
}

function repeat(bytes: Buffer, source: MutationSource): Buffer {
  const [start, end] = range(bytes, source)
  const times = source.random() < 0.05 ? 200 : 1 + below(source, 3)
  return Buffer.concat([
    bytes.subarray(0, end),
    ...Array.from({ length: times }, () => bytes.subarray(start, end)),
    bytes.subarray(end),
  ])
}

function splice(bytes: Buffer, source: MutationSource): Buffer {
  const other = Buffer.from(pick(source, source.others))
  const [start, end] = range(other, source)
  const [from, to] = range(bytes, source)
  return Buffer.concat([bytes.subarray(0, from), other.subarray(start, end), bytes.subarray(to)])
}

function insertWord(bytes: Buffer, source: MutationSource): Buffer {
  if (source.words.length === 0) return bytes
  const at = below(source, bytes.length + 1)
  const word = Buffer.from(pick(source, source.words), 'latin1')
  const end = source.random() < 0.5 ? at : at + word.length
  return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(end)])
}

function range(bytes: Uint8Array, source: MutationSource): [number, number] {
  const start = below(source, bytes.length + 1)
  const length = source.random() < 0.8 ? below(source, 64) : below(source, bytes.length - start + 1)
  return [start, Math.min(bytes.length, start + length)]
}

function below({ random }: MutationSource, limit: number): number {
  return Math.floor(random() * limit)
}

function pick<T>(source: MutationSource, values: readonly T[]): T {
  return values[below(source, values.length)]!
}
