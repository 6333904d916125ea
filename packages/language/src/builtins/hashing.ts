import { hashBytesBase16, isHashAlgorithm } from '@baryon/format'
import { EvaluationError } from '../errors.ts'

/** Hash of bytes in base 16; the algorithm's name comes from the expression. */
export function hashText(algorithm: string, text: string): string {
  if (!isHashAlgorithm(algorithm)) throw new EvaluationError('EVAL_TYPE', `unknown hash algorithm '${algorithm}'`)
  return hashBytesBase16(algorithm, text)
}
