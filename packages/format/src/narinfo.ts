/**
 * Narinfo files, the records of a binary cache (`DIGEST.narinfo`):
 *
 *     StorePath: /nix/store/n5wkd9frr45pa74if5gpz9j7mifg27fh-foo
 *     URL: nar/1w1fff….nar.xz
 *     Compression: xz
 *     FileHash: sha256:1w1fff…
 *     FileSize: 4029176
 *     NarHash: sha256:09ymwq…
 *     NarSize: 34878
 *     References: g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar n5wkd9frr45pa74if5gpz9j7mifg27fh-foo
 *     Deriver: g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv
 *     Sig: cache.example.org-1:BASE64
 *     CA: fixed:r:sha256:1lr187…
 *
 * Specification: "`.narinfo` Format" in the manual of Nix.
 */
import { type ContentAddress, formatContentAddress, parseContentAddress } from './content-address.ts'
import { formatHash, type Hash, parseHash } from './hash.ts'
import { quoteBytes } from './quote-bytes.ts'
import {
  compareStorePaths,
  formatStorePath,
  parseBaseName,
  parseStorePath,
  type StorePath,
  storePathBaseName,
} from './store-path.ts'
import { UserError } from './user-error.ts'

export interface Narinfo {
  readonly path: StorePath
  /** Relative to the cache, or absolute. */
  readonly url: string
  /** `none`, `xz`, `zstd`, `bzip2`, … */
  readonly compression: string
  readonly fileHash?: Hash
  readonly fileSize?: number
  readonly narHash: Hash
  readonly narSize: number
  readonly references: readonly StorePath[]
  readonly deriver?: StorePath
  /** `NAME:BASE64` each. */
  readonly signatures: readonly string[]
  readonly contentAddress?: ContentAddress
}

/** Reads a narinfo of a cache for the store directory. Fields that are not known are ignored, as Nix does. */
export function parseNarinfo(storeDirectory: string, text: string): Narinfo {
  const fields = new Map<string, string>()
  const signatures: string[] = []
  let offset = 0
  while (offset < text.length) {
    const end = text.indexOf('\n', offset)
    if (end < 0) throw corrupt('its last line has no end', offset)
    const line = text.slice(offset, end)
    const colon = line.indexOf(':')
    if (colon <= 0) throw corrupt(`line ${quoteBytes(line)} has no field name`, offset)
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (name === 'Sig') signatures.push(value)
    else if (!KNOWN.has(name)) undefined
    else if (fields.has(name)) throw corrupt(`field ${name} occurs twice`, offset)
    else fields.set(name, value)
    offset = end + 1
  }
  const fileHash = fields.get('FileHash')
  const fileSize = fields.get('FileSize')
  const deriver = fields.get('Deriver')
  const contentAddress = fields.get('CA')
  const narHash = parseHash(required(fields, 'NarHash'))
  if (narHash.algorithm !== 'sha256') throw corrupt(`NarHash must be sha256, not ${narHash.algorithm}`)
  return {
    path: parseStorePath(storeDirectory, required(fields, 'StorePath')),
    url: required(fields, 'URL'),
    compression: fields.get('Compression') || 'bzip2',
    ...(fileHash === undefined ? {} : { fileHash: parseHash(fileHash) }),
    ...(fileSize === undefined ? {} : { fileSize: parseSize(fileSize, 'FileSize') }),
    narHash,
    narSize: parseSize(required(fields, 'NarSize'), 'NarSize'),
    references: (fields.get('References') ?? '')
      .split(/[ \t]+/)
      .filter((word) => word !== '')
      .map(parseBaseName),
    ...(deriver === undefined || deriver === '' || deriver === 'unknown-deriver'
      ? {}
      : { deriver: parseBaseName(deriver) }),
    signatures,
    ...(contentAddress === undefined || contentAddress === ''
      ? {}
      : { contentAddress: parseContentAddress(contentAddress) }),
  }
}

/** The file's text, in the order and the encodings that Nix writes. */
export function formatNarinfo(storeDirectory: string, info: Narinfo): string {
  let text = `StorePath: ${formatStorePath(storeDirectory, info.path)}\nURL: ${info.url}\nCompression: ${info.compression}\n`
  if (info.fileHash !== undefined) text += `FileHash: ${formatHash(info.fileHash, 'nix32')}\n`
  if (info.fileSize !== undefined) text += `FileSize: ${info.fileSize}\n`
  text += `NarHash: ${formatHash(info.narHash, 'nix32')}\nNarSize: ${info.narSize}\n`
  text += `References: ${sorted(info.references).map(storePathBaseName).join(' ')}\n`
  if (info.deriver !== undefined) text += `Deriver: ${storePathBaseName(info.deriver)}\n`
  for (const signature of [...info.signatures].sort()) text += `Sig: ${signature}\n`
  if (info.contentAddress !== undefined) text += `CA: ${formatContentAddress(info.contentAddress)}\n`
  return text
}

/** What a signature of a store path signs: `1;PATH;NARHASH;NARSIZE;REFERENCE,REFERENCE…`. */
export function pathFingerprint(
  storeDirectory: string,
  info: Pick<Narinfo, 'path' | 'narHash' | 'narSize' | 'references'>,
): string {
  const references = sorted(info.references).map((path) => formatStorePath(storeDirectory, path))
  return `1;${formatStorePath(storeDirectory, info.path)};${formatHash(info.narHash, 'nix32')};${info.narSize};${references.join(',')}`
}

const KNOWN: ReadonlySet<string> = new Set([
  'StorePath',
  'URL',
  'Compression',
  'FileHash',
  'FileSize',
  'NarHash',
  'NarSize',
  'References',
  'Deriver',
  'CA',
])

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name)
  if (value === undefined || value === '') throw corrupt(`field ${name} is missing`)
  return value
}

function parseSize(text: string, name: string): number {
  const size = Number(text)
  if (/^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(size)) return size
  throw corrupt(`${name} ${quoteBytes(text)} is not a size`)
}

function sorted(paths: readonly StorePath[]): StorePath[] {
  return [...paths].sort(compareStorePaths)
}

function corrupt(message: string, offset?: number): UserError {
  return new UserError(
    'NARINFO_INVALID',
    `corrupt narinfo: ${message}${offset === undefined ? '' : ` (offset ${offset})`}`,
  )
}
