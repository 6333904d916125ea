/**
 * Requests of the kernel, as they are read from /dev/fuse: numbers in the order of bytes of the machine (little-endian here), a
 * header of 40 bytes, and what belongs to the operation (linux/fuse.h, protocol 7.31).
 *
 *     2c000000 01000000 0600000000000000 0100000000000000 …   length 44, LOOKUP, unique 6, node 1, uid, gid, pid, 0
 *     6c696200                                                "lib\0"
 */
import { UserError } from '@baryon/format'

export type Request = Header & Operation

interface Header {
  /** Names the request in its answer. */
  readonly unique: number
  readonly node: number
}

export type Operation =
  | {
      readonly kind: 'init'
      readonly major: number
      readonly minor: number
      readonly readAhead: number
      readonly flags: number
    }
  | { readonly kind: 'lookup'; readonly name: string }
  | {
      readonly kind:
        | 'attributes'
        | 'read-link'
        | 'statistics'
        | 'destroy'
        | 'open-directory'
        | 'release'
        | 'release-directory'
        | 'flush'
    }
  | { readonly kind: 'forget'; readonly forgotten: readonly Forgotten[] }
  | { readonly kind: 'open'; readonly flags: number }
  | { readonly kind: 'read'; readonly offset: number; readonly size: number }
  | { readonly kind: 'list'; readonly withNodes: boolean; readonly offset: number; readonly size: number }
  | { readonly kind: 'xattr'; readonly name: string; readonly size: number }
  | { readonly kind: 'xattr-names'; readonly size: number }
  | { readonly kind: 'interrupt'; readonly interrupted: number }
  | { readonly kind: 'other'; readonly opcode: number }

export interface Forgotten {
  readonly node: number
  /** How many answers that named the node are forgotten. */
  readonly count: number
}

/** Throws `FUSE_REQUEST` for bytes that are no request. */
export function parseRequest(bytes: Buffer): Request {
  if (bytes.length < HEADER || bytes.readUInt32LE(0) !== bytes.length) throw invalid(bytes, 'has a wrong length')
  return { unique: word(bytes, 8), node: word(bytes, 16), ...parseOperation(bytes, bytes.readUInt32LE(4)) }
}

function parseOperation(bytes: Buffer, opcode: number): Operation {
  const at = HEADER
  switch (opcode) {
    case 1:
      return { kind: 'lookup', name: text(bytes, at) }
    case 2:
      return { kind: 'forget', forgotten: [{ node: word(bytes, 16), count: count(bytes, at) }] }
    case 3:
      return { kind: 'attributes' }
    case 5:
      return { kind: 'read-link' }
    case 14:
      return { kind: 'open', flags: half(bytes, at) }
    case 15:
      return { kind: 'read', offset: word(bytes, at + 8), size: half(bytes, at + 16) }
    case 17:
      return { kind: 'statistics' }
    case 18:
      return { kind: 'release' }
    case 22:
      return { kind: 'xattr', size: half(bytes, at), name: text(bytes, at + 8) }
    case 23:
      return { kind: 'xattr-names', size: half(bytes, at) }
    case 25:
      return { kind: 'flush' }
    case 26:
      return {
        kind: 'init',
        major: half(bytes, at),
        minor: half(bytes, at + 4),
        readAhead: half(bytes, at + 8),
        flags: half(bytes, at + 12),
      }
    case 27:
      return { kind: 'open-directory' }
    case 28:
    case 44:
      return { kind: 'list', withNodes: opcode === 44, offset: word(bytes, at + 8), size: half(bytes, at + 16) }
    case 29:
      return { kind: 'release-directory' }
    case 36:
      return { kind: 'interrupt', interrupted: word(bytes, at) }
    case 38:
      return { kind: 'destroy' }
    case 42:
      return { kind: 'forget', forgotten: parseForgotten(bytes) }
    default:
      return { kind: 'other', opcode }
  }
}

function parseForgotten(bytes: Buffer): Forgotten[] {
  const number = half(bytes, HEADER)
  const start = HEADER + 8
  if (bytes.length < start + number * 16) throw invalid(bytes, `forgets ${number} nodes`)
  return Array.from({ length: number }, (_, index) => ({
    node: word(bytes, start + index * 16),
    count: count(bytes, start + index * 16 + 8),
  }))
}

const HEADER = 40

function half(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) throw invalid(bytes, 'is too short')
  return bytes.readUInt32LE(at)
}

/** 64 bits. Nodes and handles are numbers of ours, the kernel counts its requests, and files end before 2^53. */
function word(bytes: Buffer, at: number): number {
  const value = half(bytes, at) + half(bytes, at + 4) * 2 ** 32
  if (!Number.isSafeInteger(value)) throw invalid(bytes, `has a number of more than 53 bits at ${at}`)
  return value
}

/** The kernel may forget all that it can count. */
function count(bytes: Buffer, at: number): number {
  return half(bytes, at) + half(bytes, at + 4) * 2 ** 32
}

function text(bytes: Buffer, at: number): string {
  const end = at > bytes.length ? -1 : bytes.indexOf(0, at)
  if (end < 0) throw invalid(bytes, 'has a name without an end')
  return bytes.toString('latin1', at, end)
}

function invalid(bytes: Buffer, problem: string): UserError {
  const start = bytes.toString('hex', 0, HEADER)
  return new UserError('FUSE_REQUEST', `a request of the kernel (${start}) ${problem}`, {
    hint: 'is the descriptor one of /dev/fuse?',
  })
}
