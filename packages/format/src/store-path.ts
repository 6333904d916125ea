/**
 * Store paths: `/nix/store/kxxj2jb64gypbn33rjkay4bj31k6ski4-hello-2.10.drv`.
 *
 * The digest is 32 nix32 digits (160 bits), the name 1 to 211 characters of `0-9a-zA-Z+-._?=`. The directory in
 * front is the *store directory*, a value of its own that is passed in wherever a text is read or written: the
 * same path lives under different physical roots.
 */
import { isNix32 } from './nix32.ts'
import { quoteBytes } from './quote-bytes.ts'
import { UserError } from './user-error.ts'

export interface StorePath {
  /** 32 nix32 digits. */
  readonly digest: string
  readonly name: string
}

/** Digits in the digest of a store path. */
export const STORE_DIGEST_LENGTH = 32

/** Reads the full text of a store path that lies directly in the store directory. */
export function parseStorePath(storeDirectory: string, text: string): StorePath {
  const start = storeDirectory.length + 1
  if (!text.startsWith(storeDirectory) || text[start - 1] !== '/') {
    throw invalid(
      `path ${quoteBytes(text)} is not in the store directory ${quoteBytes(storeDirectory)}`,
      'store paths lie directly in the store directory',
    )
  }
  if (text.includes('/', start)) {
    throw invalid(
      `path ${quoteBytes(text)} is not a store path: it goes on at offset ${text.indexOf('/', start)}`,
      'give the path directly in the store directory',
    )
  }
  return parseBaseName(text.slice(start))
}

/**
 * Splits a path that lies in a store path (or is one): `/nix/store/…-hello/bin/hello` gives the store path and `/bin/hello`.
 * Gives undefined when the text is not below the store directory at all.
 */
export function splitStorePath(
  storeDirectory: string,
  text: string,
): { readonly path: StorePath; readonly rest: string } | undefined {
  const start = storeDirectory.length + 1
  if (!text.startsWith(storeDirectory) || text[start - 1] !== '/' || text.length === start) return undefined
  const slash = text.indexOf('/', start)
  const end = slash < 0 ? text.length : slash
  return { path: parseBaseName(text.slice(start, end)), rest: text.slice(end) }
}

/** Full text of a store path. */
export function formatStorePath(storeDirectory: string, path: StorePath): string {
  return `${storeDirectory}/${path.digest}-${path.name}`
}

/** `DIGEST-NAME`, the file name in the store directory. */
export function storePathBaseName(path: StorePath): string {
  return `${path.digest}-${path.name}`
}

/** Reads `DIGEST-NAME`. */
export function parseBaseName(text: string): StorePath {
  if (text.length < STORE_DIGEST_LENGTH + 2) {
    throw invalid(
      `${quoteBytes(text)} is too short to be a store path`,
      'a store path is a digest of 32 characters, a dash and a name',
    )
  }
  const digest = text.slice(0, STORE_DIGEST_LENGTH)
  if (!isNix32(digest)) {
    const offset = Array.from(digest).findIndex((char) => !isNix32(char))
    throw invalid(
      `store path ${quoteBytes(text)} has an illegal character at offset ${offset} of its digest`,
      'digests use 0-9 and a-z without e, o, u and t',
    )
  }
  if (text[STORE_DIGEST_LENGTH] !== '-') {
    throw invalid(
      `store path ${quoteBytes(text)} has no dash at offset ${STORE_DIGEST_LENGTH}`,
      'a store path is a digest of 32 characters, a dash and a name',
    )
  }
  const name = text.slice(STORE_DIGEST_LENGTH + 1)
  checkStorePathName(name, digest)
  return { digest, name }
}

/**
 * Refuses names that no store path may have, in the words of Nix 2.8, which knows the digest by then. A leading dot is fine, as it is
 * for 2.8.
 */
export function checkStorePathName(name: string, digest?: string): void {
  if (isLegalStorePathName(name)) return
  const subject =
    digest === undefined ? `store path name ${quoteBytes(name)}` : `store path ${quoteBytes(`${digest}-${name}`)}`
  const invalidName = (message: string, hint = NAME_HINT) => new UserError('STORE_PATH_NAME_INVALID', message, { hint })
  if (name === '') {
    throw invalidName(digest === undefined ? 'the name of a store path is empty' : `${subject} has an empty name`)
  }
  if (name.length > MAX_NAME_LENGTH) {
    const hint = `it has ${name.length}`
    throw invalidName(`${subject} has a name longer than ${MAX_NAME_LENGTH} characters`, hint)
  }
  const [illegal = ''] = ILLEGAL_IN_NAME.exec(name) ?? []
  throw invalidName(`${subject} contains illegal character ${quoteBytes(illegal)}`)
}

export function storePathsEqual(a: StorePath, b: StorePath): boolean {
  return a.digest === b.digest && a.name === b.name
}

/** Order of base names by bytes, in which references are listed everywhere. */
export function compareStorePaths(a: StorePath, b: StorePath): number {
  if (a.digest !== b.digest) return a.digest < b.digest ? -1 : 1
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1
}

/** True for the path of a derivation. */
export function isDerivationPath(path: StorePath): boolean {
  return path.name.endsWith('.drv')
}

export const MAX_NAME_LENGTH = 211
export function isLegalStorePathName(name: string): boolean {
  return LEGAL_NAME.test(name)
}

export const ILLEGAL_IN_NAME = /[^0-9a-zA-Z+\-._?=]/
export const NAME_HINT = 'names consist of letters, digits and + - . _ ? ='
const LEGAL_NAME = /^[0-9a-zA-Z+\-._?=]{1,211}$/

function invalid(message: string, hint: string): UserError {
  return new UserError('STORE_PATH_INVALID', message, { hint })
}
