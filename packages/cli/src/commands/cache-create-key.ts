import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { formatPublicKey, formatSecretKey, generateKeyPair, isSystemError, UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'

export function run(context: Context): Outcome {
  const name = context.arguments.operands[0]!
  const key = generateKeyPair(name)
  const file = context.arguments.value('out') ?? `${name}.secret`
  writeSecret(file, formatSecretKey(key))
  const publicKey = formatPublicKey(key.publicKey)
  return { data: { name, publicKey, secretKeyFile: file }, text: publicKey }
}

/** For our eyes only from the first moment, and never over a key that may be in use. */
function writeSecret(file: string, text: string): void {
  let fd: number
  try {
    fd = openSync(file, 'wx', 0o600)
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) {
      throw new UserError('KEY_EXISTS', `'${file}' exists already`, { hint: 'choose another file with --out' })
    }
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EROFS', 'EPERM')) throw error
    throw new UserError('KEY_UNWRITABLE', `'${file}' cannot be written (${error.code})`, { cause: error })
  }
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
