import { UserError } from '@baryon/format'
import type { ContentHash } from './content-hash.ts'
import type { Ingester } from './ingest.ts'
import type { Repository } from './repository.ts'
import { fingerprintOf } from './whitelist.ts'

/** The certificate of whoever signs a manifest. */
export interface SigningCertificate {
  /** Of the object. */
  readonly hash: ContentHash
  /** PEM. */
  readonly pem: string | Uint8Array
}

/**
 * The certificate for the next manifest: the given one (PEM) or that of the last manifest, stored as it has to be. Throws
 * `CVMFS_CERTIFICATE` when clients would refuse it.
 */
export async function nextCertificate(
  repository: Repository,
  ingester: Ingester,
  given: string | undefined,
): Promise<SigningCertificate> {
  const { certificate: last } = repository
  const store = async (pem: string | Uint8Array): Promise<SigningCertificate> => ({
    hash: await ingester.bytes(Buffer.from(pem), 'certificate'),
    pem,
  })
  if (given === undefined) return store(last)
  const fingerprint = fingerprintOf(given)
  if (fingerprint === fingerprintOf(last)) return store(last)
  const isListed = repository.whitelist.fingerprints.some((one) => {
    if (one.endsWith('-SHAKE128')) return one === fingerprintOf(given, 'shake128')
    return one === (one.endsWith('-RMD160') ? fingerprintOf(given, 'rmd160') : fingerprint)
  })
  if (!isListed) {
    throw new UserError('CVMFS_CERTIFICATE', `the certificate ${fingerprint} is not in the whitelist`, {
      hint: 'sign the whitelist with it first: baryon repository whitelist DIR',
    })
  }
  return store(given)
}
