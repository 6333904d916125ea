/** What signs manifests and whitelists: a key in memory, or a program that has one, such as that of a smart card. */
import { spawnSync } from 'node:child_process'
import { constants, createPrivateKey, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import { UserError } from '@baryon/format'

export type SigningKey = KeyObject | ExternalKey

export interface ExternalKey {
  readonly kind: 'external'
  /** The raw RSA signature of a text of some 50 bytes, in the way that the purpose demands. */
  sign(text: Uint8Array, purpose: SigningPurpose): Uint8Array
}

/**
 * `manifest`: PKCS#1 v1.5 with the DigestInfo of SHA-1 (`openssl dgst -sha1 -sign KEY`). `whitelist`: PKCS#1 v1.5 around the text itself
 * (`openssl pkeyutl -sign -inkey KEY`).
 */
export type SigningPurpose = 'manifest' | 'whitelist'

export function signText(key: SigningKey, text: Uint8Array, purpose: SigningPurpose): Uint8Array {
  if (isExternal(key)) return key.sign(text, purpose)
  const padded = { key, padding: constants.RSA_PKCS1_PADDING }
  return purpose === 'manifest' ? sign('RSA-SHA1', text, padded) : privateEncrypt(padded, text)
}

/**
 * A key behind a command of the shell: it gets the text on standard input, `BARYON_SIGN` with the purpose in its environment, and gives the raw
 * signature on standard output. Signing throws `CVMFS_SIGNING`.
 */
export function commandKey(command: string): ExternalKey {
  return {
    kind: 'external',
    sign(text, purpose) {
      const { status, signal, stdout, error } = spawnSync('/bin/sh', ['-c', command], {
        input: text,
        // It may have to ask for a PIN.
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, BARYON_SIGN: purpose },
      })
      // Whoever does not read the text gives no signature either.
      if (error !== undefined && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      if (status === 0 && stdout.length > 0) return stdout
      const end = status === 0 ? 'gave nothing' : status === null ? `was ended by ${signal}` : `ended with ${status}`
      throw new UserError('CVMFS_SIGNING', `the command that signs the ${purpose} ${end}: ${command}`, {
        hint: 'it gets a text on standard input and must give its raw RSA signature on standard output',
      })
    },
  }
}

/** Reads a private key in PEM. Throws `CVMFS_PASSPHRASE` or `CVMFS_KEY`; `file` is for messages. */
export function parsePrivateKey(pem: string, file: string, passphrase?: string): KeyObject {
  const isEncrypted = /^(-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED)/m.test(pem)
  if (isEncrypted && passphrase === undefined) {
    throw new UserError('CVMFS_PASSPHRASE', `${file} needs a passphrase`, {
      hint: 'set BARYON_KEY_PASSPHRASE, or name a file that has it: --passphrase-file FILE',
    })
  }
  try {
    return createPrivateKey({ key: pem, ...(isEncrypted ? { passphrase } : {}) })
  } catch (cause) {
    if (isEncrypted) throw new UserError('CVMFS_PASSPHRASE', `the passphrase is not that of ${file}`, { cause })
    throw new UserError('CVMFS_KEY', `${file} is no private key in PEM`, { cause })
  }
}

function isExternal(key: SigningKey): key is ExternalKey {
  return 'kind' in key && key.kind === 'external'
}
