import { openRepository, renewWhitelist, rotateCertificate } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { keyDirectory, passphrase, repositoryWithKeys, signingCommand } from '../repository-access.ts'
import { count } from './repository-create.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const directory = operand(given.operands)
  const { storage, name, keys, cacheDirectory } = await repositoryWithKeys(context, directory)
  const options = {
    storage,
    cacheDirectory,
    publicKey: keys.publicKey,
    masterKey: signingCommand(context) ?? keys.masterKey,
    validDays: count(context, 'valid'),
    signal: context.signal,
  }
  const isRotated = given.flag('rotate')
  if (isRotated) {
    const secret = passphrase(context)
    await rotateCertificate({
      ...options,
      name,
      keyDirectory: keyDirectory(context, directory, name),
      passphrase: secret,
    })
  } else {
    await renewWhitelist({ ...options, certificate: keys.certificate })
  }
  // As clients see it.
  const { whitelist } = await openRepository({ source: storage, publicKeys: [keys.publicKey], cacheDirectory })
  const { fingerprints } = whitelist
  const [fingerprint] = fingerprints
  if (fingerprint === undefined) throw new UserError('CVMFS_WHITELIST', 'the new whitelist lists nothing')
  const until = new Date(whitelist.expires).toISOString()
  const listed = fingerprints.length === 1 ? '' : `; ${fingerprints.length} certificates are listed`
  return {
    data: { name, expires: until, fingerprints, rotated: isRotated },
    text:
      `${name}: whitelist valid until ${until.slice(0, 16).replace('T', ' ')} UTC${listed}` +
      `${isRotated ? `\nnew certificate: ${fingerprint}` : ''}`,
  }
}

/** `renew` may come before it. */
function operand(words: readonly string[]): string {
  const [first = '', second] = words
  if (second === undefined) return first
  if (first === 'renew') return second
  throw new UserError('USAGE', `'${second}' is one too many: one repository at a time`)
}
