import { hashBytesBase16, isHashAlgorithm } from '@baryon/format'
import { EvaluationError } from '../errors.ts'

/** Hash of bytes in base 16; the algorithm's name comes from the expression. */
export function hashText(algorithm: string, text: string): string {
  if (!isHashAlgorithm(algorithm))
    throw new EvaluationError('EVAL_TYPE', `unknown hash algorithm '${algorithm}'`).inToday(
      () => `unknown hash algorithm '${algorithm}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'`,
    )
  return hashBytesBase16(algorithm, text)
}
