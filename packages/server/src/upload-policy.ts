/** What a narinfo must be like to be taken in, before a byte of its NAR is looked at. */
import { type Narinfo, type PublicKey, parseNarinfo, pathFingerprint, UserError, verify } from '@baryon/format'

export interface UploadPolicy {
  readonly storeDirectory: string
  /**
   * Keys of which one must have signed what is uploaded, unless its path follows from its contents. Without any, the
   * token is all the authority there is: its holder may say what any path contains.
   */
  readonly trustedKeys: readonly PublicKey[]
}

/** Throws coded errors; what is about the contents is left to whoever unpacks them. */
export function checkUpload(policy: UploadPolicy, digest: string, text: string): Narinfo {
  const info = parseNarinfo(policy.storeDirectory, text)
  if (info.path.digest !== digest) {
    throw new UserError('UPLOAD_NAME_MISMATCH', `the narinfo of '${info.path.digest}' was uploaded as '${digest}'`)
  }
  if (!/^nar\/([0-9abcdfghijklmnpqrsvwxyz]{52})\.nar(?:\.[a-z0-9]{1,8})?$/.test(info.url)) {
    throw new UserError('UPLOAD_URL_INVALID', `the narinfo has the URL '${info.url}'`, {
      hint: 'upload the NAR as nar/FILEHASH.nar[.EXTENSION] and its narinfo after it',
    })
  }
  if (!COMPRESSIONS.has(info.compression)) {
    throw new UserError('UPLOAD_COMPRESSION', `cannot unpack the compression '${info.compression}'`, {
      hint: `known are ${[...COMPRESSIONS].join(', ')}`,
    })
  }
  if (info.narSize === 0) throw new UserError('SIZE_MISMATCH', 'the narinfo says that the NAR is empty')
  for (const signature of info.signatures) {
    if (/^[!-9;-~]+:[A-Za-z0-9+/]+={0,2}$/.test(signature)) continue
    throw new UserError('SIGNATURE_INVALID', 'a signature of the narinfo is not of the form NAME:BASE64')
  }
  checkTrust(policy, info)
  return info
}

function checkTrust(policy: UploadPolicy, info: Narinfo): void {
  if (policy.trustedKeys.length === 0) return
  const refersToItself = info.references.some((reference) => reference.digest === info.path.digest)
  // The store checks content addresses against the contents, except of what contains its own digest.
  if (info.contentAddress !== undefined && !refersToItself) return
  const fingerprint = pathFingerprint(policy.storeDirectory, info)
  if (info.signatures.some((signature) => verify(policy.trustedKeys, fingerprint, signature))) return
  throw new UserError('UPLOAD_UNTRUSTED', 'no key that this cache trusts has signed the path', {
    hint: `sign it by one of: ${policy.trustedKeys.map((key) => key.name).join(', ')}`,
  })
}

const COMPRESSIONS: ReadonlySet<string> = new Set(['none', 'xz', 'bzip2', 'gzip', 'zstd'])
