/**
 * What a Debian archive offers: for a name the newest version and its file, from the signed index of each suite that the
 * machine's package manager is configured with.
 *
 * Layout of an archive (deb-src(1), apt-secure(8)): `dists/SUITE/InRelease` is signed and lists the SHA-256 of the indices
 * `main/binary-ARCHITECTURE/Packages.xz` and `main/source/Sources.xz`, which are stanzas of `Field: value`.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isSystemError, parseHash, UserError } from '@baryon/format'
import { type AptConfiguration, type AptSource, readAptConfiguration } from './apt-configuration.ts'
import { compareDebianVersions } from './debian-version.ts'
import { debianSourceUrls, isDebianSource, proxyFor } from './fetch-deb.ts'
import { type FetchOptions, fetchUrl } from './fetch-url.ts'
import { decompressFile } from './unpack-archive.ts'

/** One file of the archive, as lock files have it. Sizes in bytes, `sha256` in base 16. */
export interface DebianPin {
  readonly version: string
  /** `amd64`, `all`, …; `source` for the upstream tarball of a source package. */
  readonly architecture: string
  readonly size: number
  readonly sha256: string
  /** Below the base URL of the archive. */
  readonly path: string
}

export interface DebianIndexRequest extends FetchOptions {
  readonly names: ReadonlySet<string>
  readonly kind: 'binary' | 'source'
  /** Of binary packages; those for all architectures are found as well. */
  readonly architecture: string
  /** Default: that of this machine. */
  readonly configuration?: AptConfiguration | undefined
  /** Files with the archive's public keys, where a source does not name its own. Default: those of Debian's package managers. */
  readonly keyrings?: readonly string[] | undefined
}

/**
 * The newest version of each name that any configured suite of Debian has. Names that none has are left out.
 *
 * Errors: `DEB_NO_ARCHIVE`, `ARCHIVE_INDEX_UNSIGNED` when no trusted key has signed an index or there is no `gpgv` to tell,
 * `ARCHIVE_INDEX_EXPIRED`, `ARCHIVE_INDEX_INVALID`, and those of `fetchUrl`.
 */
export async function findDebianPins(request: DebianIndexRequest): Promise<Map<string, DebianPin>> {
  const configuration = request.configuration ?? (await readAptConfiguration())
  const sources = configuration.sources.filter(isDebianSource)
  if (sources.length === 0) {
    throw new UserError('DEB_NO_ARCHIVE', 'no Debian archive is configured on this machine', {
      hint: 'run this where apt is configured: the index of an archive is only believed when its signature holds',
    })
  }
  const newest = new Map<string, DebianPin>()
  const seen = new Set<string>()
  const directory = mkdtempSync(join(tmpdir(), 'baryon-index-'))
  try {
    for (const source of sources) {
      // The same suite stands in the sources once for binary and once for source packages.
      const key = `${source.uri} ${source.suite}`
      if (seen.has(key)) continue
      seen.add(key)
      const index = await fetchIndex(request, configuration, source, directory)
      for await (const stanza of stanzasOf(index)) {
        const name = /^Package: (.*)$/m.exec(stanza)?.[1]
        if (name === undefined || !request.names.has(name)) continue
        const pin = request.kind === 'source' ? sourcePin(stanza) : binaryPin(stanza)
        const other = newest.get(name)
        if (pin !== undefined && (other === undefined || compareDebianVersions(other.version, pin.version) < 0))
          newest.set(name, pin)
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  return newest
}

/** The file with the index, which the signature holds for. */
async function fetchIndex(
  request: DebianIndexRequest,
  configuration: AptConfiguration,
  source: AptSource,
  directory: string,
): Promise<string> {
  const base = `dists/${source.suite}`
  const { kind, onProgress, signal, timeouts, attempts, backoff } = request
  const fetch = (path: string, hash?: string) =>
    fetchUrl({
      urls: debianSourceUrls(source).map((url) => `${url}/${base}/${path}`),
      name: `${source.suite}/${path}`,
      destination: join(directory, path.replaceAll('/', '_')),
      hash: hash === undefined ? undefined : parseHash(hash, 'sha256'),
      proxy: (url) => proxyFor(url, configuration),
      ...{ onProgress, signal, timeouts, attempts, backoff },
    })
  const signed = await fetch('InRelease')
  const release = await signedText(signed.path, source, request.keyrings)
  refuseExpired(release, source)
  const path = kind === 'source' ? 'main/source/Sources.xz' : `main/binary-${request.architecture}/Packages.xz`
  const hash = checksumOf(release, path)
  if (hash === undefined) {
    throw new UserError('ARCHIVE_INDEX_INVALID', `the index of ${source.suite} at ${source.uri} has no ${path}`, {
      hint: 'the archive may not have this architecture',
    })
  }
  return (await fetch(path, hash)).path
}

// --- signatures --------------------------------------------------------------------------------------------------

/** The text that the signature covers, and nothing around it. */
async function signedText(file: string, source: AptSource, given: readonly string[] | undefined): Promise<string> {
  const unsigned = (why: string, hint: string, cause?: unknown) =>
    new UserError(
      'ARCHIVE_INDEX_UNSIGNED',
      `the index of ${source.suite} at ${source.uri} is not to be trusted: ${why}`,
      {
        hint,
        cause,
      },
    )
  const keyrings = source.signedBy === undefined ? (given ?? trustedKeyrings()) : [source.signedBy]
  if (keyrings.length === 0) throw unsigned('no key of an archive is on this machine', 'install debian-archive-keyring')
  const output = `${file}.text`
  try {
    const words = [...keyrings.flatMap((keyring) => ['--keyring', keyring]), '--output', output, file]
    await promisify(execFile)('gpgv', words, { env: { ...process.env, LC_ALL: 'C' } })
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) throw unsigned('there is no gpgv to check it', 'install gpgv', cause)
    const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause)
    throw unsigned(text.split('\n').at(-1)!, `keys: ${keyrings.join(' ')}`, cause)
  }
  return readFileSync(output, 'latin1')
}

function trustedKeyrings(): string[] {
  const parts = '/etc/apt/trusted.gpg.d'
  const found = existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith('.gpg')) : []
  return [...found.map((name) => join(parts, name)), '/usr/share/keyrings/debian-archive-keyring.gpg'].filter((file) =>
    existsSync(file),
  )
}

/** An old index with a right signature would hide what was mended since. */
function refuseExpired(release: string, source: AptSource): void {
  const until = /^Valid-Until: (.*)$/m.exec(release)?.[1]
  if (until === undefined || !(Date.parse(until) < Date.now())) return
  throw new UserError(
    'ARCHIVE_INDEX_EXPIRED',
    `the index of ${source.suite} at ${source.uri} was valid until ${until}`,
    {
      hint: 'the mirror is behind, or the clock of this machine is wrong',
    },
  )
}

function checksumOf(release: string, path: string): string | undefined {
  const section = /^SHA256:\n((?: .*\n?)*)/m.exec(release)?.[1] ?? ''
  for (const line of section.split('\n')) {
    const [hash, , name] = line.trim().split(/ +/)
    if (name === path && /^[0-9a-f]{64}$/.test(hash!)) return hash
  }
  return undefined
}

// --- stanzas -----------------------------------------------------------------------------------------------------

async function* stanzasOf(file: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of decompressFile(file)) {
    const stanzas = (rest + Buffer.from(chunk).toString('latin1')).split('\n\n')
    rest = stanzas.pop()!
    yield* stanzas
  }
  yield rest
}

function binaryPin(stanza: string): DebianPin | undefined {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]
  return checkedPin(field('Version'), field('Architecture'), field('Size'), field('SHA256'), field('Filename'))
}

/** The upstream tarball, or all there is of a native package; further parts of the source are not what is built here. */
function sourcePin(stanza: string): DebianPin | undefined {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]
  const files = (/^Checksums-Sha256:\n((?: .*(?:\n|$))*)/m.exec(stanza)?.[1] ?? '')
    .split('\n')
    .map((line) => line.trim().split(/ +/))
  const native = field('Format')?.includes('native') === true
  const main = files.find(([, , name = '']) => (native ? /\.tar\.[a-z0-9]+$/ : /\.orig\.tar\.[a-z0-9]+$/).test(name))
  if (main === undefined) return undefined
  return checkedPin(field('Version'), 'source', main[1], main[0], `${field('Directory')}/${main[2]}`)
}

/** A path that would lead out of the archive is none. */
function checkedPin(
  version: string | undefined,
  architecture: string | undefined,
  size: string | undefined,
  sha256: string | undefined,
  path: string | undefined,
): DebianPin | undefined {
  if (version === undefined || architecture === undefined || path === undefined) return undefined
  if (!/^\d+$/.test(size ?? '') || !/^[0-9a-f]{64}$/.test(sha256 ?? '')) return undefined
  if (path.startsWith('/') || path.split('/').includes('..')) return undefined
  return { version, architecture, size: Number(size), sha256: sha256!, path }
}
