import { formatHash, type HashEncoding, isHashAlgorithm } from '@baryon/format'
import { getAttribute } from '../attrs.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceAttrs, forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { parseAnyHash } from '../output-hash.ts'
import { intern } from '../symbols.ts'
import type { Attrs, Slot, Value } from '../value.ts'

export const newerHashBuiltins: readonly Builtin[] = [{ name: '__convertHash', arity: 1, code: convertHash }]

const HASH = intern('hash')
const HASH_ALGO = intern('hashAlgo')
const TO_HASH_FORMAT = intern('toHashFormat')

function convertHash(evaluator: Evaluator, slot: Slot): Value {
  const attrs = forceAttrs(slot)
  const text = forceStringNoContext(required(attrs, HASH, 'hash'))
  const algorithmSlot = getAttribute(attrs, HASH_ALGO)
  const algorithm = algorithmSlot === undefined ? undefined : forceStringNoContext(algorithmSlot)
  if (algorithm !== undefined && !isHashAlgorithm(algorithm)) {
    throw new ValueError(`unknown hash algorithm '${algorithm}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'`)
  }
  const format = hashFormat(evaluator, forceStringNoContext(required(attrs, TO_HASH_FORMAT, 'toHashFormat')))
  return formatHash(parseAnyHash(text, algorithm), format, format === 'sri')
}

function required(attrs: Attrs, symbol: number, name: string): Slot {
  const slot = getAttribute(attrs, symbol)
  if (slot === undefined) throw new ValueError(`attribute '${name}' missing`)
  return slot
}

function hashFormat(evaluator: Evaluator, name: string): HashEncoding {
  switch (name) {
    case 'base16':
    case 'nix32':
    case 'base64':
    case 'sri':
      return name
    case 'base32':
      evaluator.io.log('warning: "base32" is a deprecated alias for hash format "nix32".')
      return 'nix32'
  }
  throw new ValueError(`unknown hash format '${name}', expect 'base16', 'base32', 'base64', or 'sri'`)
}
