import { resolve } from 'node:path'
import { createRepository, formatContentHash } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { keyDirectory, passphrase, signingCommand, storageAt } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const name = given.operands[0]!
  const place = given.value('dir') ?? name
  const algorithm = given.value('hash') ?? 'sha1'
  if (algorithm !== 'sha1' && algorithm !== 'shake128') {
    throw new UserError('USAGE', `--hash ${algorithm}: known are sha1 and shake128`)
  }
  const keys = keyDirectory(context, place, name)
  const isBucket = place.startsWith('s3://')
  const directory = isBucket ? place : resolve(place)
  const manifest = await createRepository({
    name,
    ...(isBucket ? { storage: storageAt(place) } : { directory }),
    keyDirectory: keys,
    algorithm,
    ttl: count(context, 'ttl') ?? 240,
    validDays: count(context, 'valid') ?? 30,
    passphrase: passphrase(context),
    privateKey: signingCommand(context),
    masterKey: signingCommand(context, 'sign-whitelist-with'),
  })
  const publicKey = `${keys}/${name}.pub`
  return {
    data: { name, directory, publicKey, keys, rootCatalog: formatContentHash(manifest.rootCatalog), revision: 1 },
    text: `${directory}: revision 1 of ${name}, empty\nkeys: ${keys}\npublic key for clients: ${publicKey}`,
  }
}

/** A whole number above 0 that an option gives. */
export function count(context: Context, option: string): number | undefined {
  const text = context.arguments.value(option)
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UserError('USAGE', `--${option} ${text}: expected a whole number above 0`)
  return Number(text)
}
