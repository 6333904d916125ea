import {
  isContentAddressed,
  type Narinfo,
  type PublicKey,
  pathFingerprint,
  storePathBaseName,
  UserError,
  verify,
} from '@baryon/format'

/** Whom to believe that a path is what its name says. */
export interface Trust {
  readonly keys: readonly PublicKey[]
  /** Everything is believed. */
  readonly trustAll: boolean
}

/**
 * Refuses a path with `SIGNATURE_MISSING` that neither a trusted key signed nor its content proves. Content is proof when
 * the path is the one of its content address; whoever receives it compares the contents with that address.
 */
export function checkTrust(storeDirectory: string, info: Narinfo, trust: Trust, source: string): void {
  if (trust.trustAll || isContentAddressed(storeDirectory, info)) return
  const fingerprint = pathFingerprint(storeDirectory, info)
  if (info.signatures.some((signature) => verify(trust.keys, fingerprint, signature))) return
  const names = info.signatures.map((signature) => signature.split(':', 1)[0]).join(', ')
  throw new UserError(
    'SIGNATURE_MISSING',
    `'${storePathBaseName(info.path)}' of ${source} is not signed by a trusted key${names === '' ? '' : ` (signed by ${names})`}`,
    { hint: 'trust its key with --trusted-public-key NAME:BASE64, or the whole cache with ?trusted=1 in its URL' },
  )
}
