import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatHash, type Hash, type HashAlgorithm, hashBytes, parseHash } from '@baryon/format'
import { hashPath } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'

const algorithms: readonly HashAlgorithm[] = ['md5', 'sha1', 'sha256', 'sha512']
const forms = ['sri', 'nix32', 'base16', 'base64'] as const

export function run({ arguments: given }: Context): Outcome {
  const algorithm = choose('--type', given.value('type') ?? 'sha256', algorithms)
  const form = choose('--to', given.value('to') ?? 'sri', forms)
  const records = given.operands.map((operand) => {
    const hash = given.flag('convert')
      ? parseHash(operand, given.value('type') === undefined ? undefined : algorithm)
      : hashOf(operand, algorithm, given.flag('flat'))
    return { of: operand, hash: formatHash(hash, form, false), algorithm: hash.algorithm }
  })
  return { data: { hashes: records }, text: records.map((record) => record.hash).join('\n') }
}

function hashOf(operand: string, algorithm: HashAlgorithm, flat: boolean): Hash {
  const path = resolve(operand)
  return flat ? hashBytes(algorithm, readFileSync(path)) : hashPath(path, algorithm, { enters: true }).hash
}

function choose<T extends string>(option: string, word: string, words: readonly T[]): T {
  const found = words.find((candidate) => candidate === word)
  if (found === undefined) throw new UsageError(`${option} ${word}: must be one of ${words.join(', ')}`)
  return found
}
