/**
 * Content addresses, as they stand in narinfo files and in the store's database:
 * `text:sha256:DIGITS`, `fixed:sha256:DIGITS` (flat), `fixed:r:sha256:DIGITS` (recursive), digits in nix32.
 */
import { formatHash, type Hash, parseHash } from './hash.ts'
import { fixedOutputPath, type HashMethod, textPath } from './path-kinds.ts'
import { quoteBytes } from './quote-bytes.ts'
import type { StorePath } from './store-path.ts'
import { UserError } from './user-error.ts'

export interface ContentAddress {
  readonly method: 'text' | HashMethod
  readonly hash: Hash
}

export function parseContentAddress(text: string): ContentAddress {
  const match = PREFIX.exec(text)
  if (match === null) {
    throw new UserError(
      'CONTENT_ADDRESS_INVALID',
      `content address ${quoteBytes(text)} starts with no known method (offset 0)`,
      {
        hint: 'known are text:, fixed: and fixed:r:',
      },
    )
  }
  const rest = text.slice(match[0].length)
  if (!rest.includes(':')) {
    throw new UserError(
      'CONTENT_ADDRESS_INVALID',
      `content address ${quoteBytes(text)} has no algorithm at offset ${match[0].length}`,
    )
  }
  const hash = parseHash(rest)
  const method = METHODS[match[0] as keyof typeof METHODS]
  if (method === 'text' && hash.algorithm !== 'sha256') {
    throw new UserError(
      'CONTENT_ADDRESS_INVALID',
      `content address ${quoteBytes(text)} must use sha256, as all texts do`,
    )
  }
  return { method, hash }
}

export function formatContentAddress({ method, hash }: ContentAddress): string {
  return PREFIXES[method] + formatHash(hash, 'nix32')
}

/** The store path that a content address, with its references, stands for. References are full texts and do not contain the path itself. */
export function contentAddressedPath(
  storeDirectory: string,
  name: string,
  { method, hash }: ContentAddress,
  references: readonly string[],
  selfReference = false,
): StorePath {
  if (method !== 'text') return fixedOutputPath(storeDirectory, name, { method, hash, references, selfReference })
  if (selfReference) throw new UserError('CONTENT_ADDRESS_INVALID', `text '${name}' cannot refer to itself`)
  return textPath(storeDirectory, name, hash, references)
}

const PREFIX = /^(?:text:|fixed:r:|fixed:)/
const METHODS = { 'text:': 'text', 'fixed:r:': 'recursive', 'fixed:': 'flat' } as const
const PREFIXES = { text: 'text:', recursive: 'fixed:r:', flat: 'fixed:' } as const
