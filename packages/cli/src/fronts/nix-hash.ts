import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  compressHash,
  formatHash,
  type Hash,
  type HashEncoding,
  hashBytes,
  parseHash,
  parseHashAlgorithm,
} from '@baryon/format'
import { hashPath } from '@baryon/store'
import type { Terminal } from '../terminal.ts'
import { createFront } from './front.ts'
import type { FrontArguments } from './front-arguments.ts'
import { expectShortWork } from './short-work.ts'

export const main = createFront('nix-hash', {
  specification: {
    options: {
      '--type': 1,
      '--flat': 0,
      '--base16': 0,
      '--base32': 0,
      '--base64': 0,
      '--sri': 0,
      '--truncate': 0,
      '--to-base16': 0,
      '--to-base32': 0,
      '--to-base64': 0,
      '--to-sri': 0,
    },
    aliases: {},
  },
  help: `
usage: nix-hash [--flat] [--base32|--base64|--sri] [--truncate] [--type ALGORITHM] PATH…
       nix-hash --to-base16|--to-base32|--to-base64|--to-sri [--type ALGORITHM] HASH…`,
  run,
})

function run(given: FrontArguments, terminal: Terminal): number {
  expectShortWork()
  // MD5, because it always was so.
  const algorithm = parseHashAlgorithm(given.last('--type') ?? 'md5')
  const conversion = encodings.find(([name]) => given.has(`--to-${name}`))
  for (const operand of given.operands) {
    const hash =
      conversion === undefined
        ? hashOf(given, operand)
        : parseHash(operand, given.has('--type') ? algorithm : fallback(operand))
    const encoding = (conversion ?? encodings.find(([name]) => given.has(`--${name}`)))?.[1] ?? 'base16'
    terminal.out(`${formatHash(hash, encoding, false)}\n`)
  }
  return 0

  function hashOf(options: FrontArguments, operand: string): Hash {
    const path = resolve(operand)
    const hash = options.has('--flat')
      ? hashBytes(algorithm, readFileSync(path))
      : hashPath(path, algorithm, { enters: true }).hash
    if (!options.has('--truncate') || hash.bytes.length <= 20) return hash
    return { algorithm, bytes: compressHash(hash.bytes, 20) }
  }

  /** A hash that names its own algorithm needs no --type. */
  function fallback(text: string): typeof algorithm | undefined {
    return /[:-]/.test(text) ? undefined : algorithm
  }
}

const encodings: readonly (readonly [name: string, encoding: HashEncoding])[] = [
  ['base16', 'base16'],
  ['base32', 'nix32'],
  ['base64', 'base64'],
  ['sri', 'sri'],
]
