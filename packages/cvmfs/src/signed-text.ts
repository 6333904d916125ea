/**
 * The frame that the manifest and the whitelist have in common:
 *
 *     …lines…
 *     --
 *     <hash of all bytes before the line of dashes>
 *     <raw signature of the hexadecimal hash, to the end of the file>
 */
import { UserError } from '@baryon/format'
import {
  type ContentHash,
  contentHashesEqual,
  formatContentHash,
  hashContent,
  parseContentHash,
} from './content-hash.ts'

export interface SignedText {
  /** The lines before the dashes, without line ends; byte strings. */
  readonly lines: readonly string[]
  readonly hash: ContentHash
  readonly signature: Uint8Array
}

/** What is signed: the hash as text. */
export function signedBytes({ hash }: Pick<SignedText, 'hash'>): Buffer {
  return Buffer.from(formatContentHash(hash), 'latin1')
}

/** Throws errors with `code`; `what` names the file in them. The hash is verified, the signature is not. */
export function parseSignedText(bytes: Uint8Array, code: string, what: string): SignedText {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const dashes = text.subarray(0, 2).equals(DASHES.subarray(1)) ? -1 : text.indexOf(DASHES)
  if (dashes < 0) throw new UserError(code, `${what} has no line of dashes before its signature`)
  const body = text.subarray(0, dashes + 1)
  const start = dashes + DASHES.length
  const end = text.indexOf(0x0a, start)
  if (end < 0 || end - start > LONGEST_HASH) throw new UserError(code, `${what} has no hash before its signature`)
  const hash = parseContentHash(text.toString('latin1', start, end), `the hash in ${what}`)
  const actual = hashContent(hash.algorithm, body)
  if (!contentHashesEqual(hash, actual)) {
    throw new UserError(
      code,
      `${what} was changed: its hash is ${formatContentHash(actual)}, it says ${formatContentHash(hash)}`,
      { hint: 'fetch it again, or from another server' },
    )
  }
  return { lines: body.toString('latin1').split('\n').slice(0, -1), hash, signature: text.subarray(end + 1) }
}

export function formatSignedText(lines: readonly string[], hash: ContentHash, signature: Uint8Array): Buffer {
  return Buffer.concat([signedBody(lines), Buffer.from(`--\n${formatContentHash(hash)}\n`, 'latin1'), signature])
}

/** The bytes that are hashed. */
export function signedBody(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
}

const DASHES = Buffer.from('\n--\n', 'latin1')
const LONGEST_HASH = 64
