import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { type Hash, isSystemError, UserError } from '@baryon/format'

import { type AptConfiguration, type AptSource, readAptConfiguration } from './apt-configuration.ts'
import { type FetchedFile, type FetchOptions, fetchUrl } from './fetch-url.ts'

export interface FetchDebRequest extends FetchOptions {
  readonly package: string
  /** With its epoch: `1:1.2.13.dfsg-1`. */
  readonly version: string
  readonly architecture: string
  /** Where the file lies in the archive: `pool/main/z/zlib/zlib1g_….deb`. Source files can be fetched by their path, too. */
  readonly path?: string | undefined
  readonly hash: Hash
  readonly destination: string
  readonly durable?: boolean | undefined
  /** Default: that of this machine, read once per process. */
  readonly configuration?: AptConfiguration | undefined
  /** Base URLs or directories tried first. Default: the words of `BARYON_DEB_MIRRORS`. */
  readonly mirrors?: readonly string[] | undefined
}

/**
 * Fetches a file of the Debian archive: from `BARYON_DEB_MIRRORS`, then from the archives that the machine's package manager is
 * configured with, through its proxy, then by `apt-get download`. The hash decides, so no signature of the archive is needed.
 *
 * Errors: those of `fetchUrl`, and `DEB_NO_ARCHIVE` when neither a mirror nor a Debian archive is configured.
 */
export async function fetchDeb(request: FetchDebRequest): Promise<FetchedFile> {
  const mirrors = request.mirrors ?? (process.env.BARYON_DEB_MIRRORS ?? '').split(/\s+/).filter((word) => word !== '')
  const configuration = request.configuration ?? (await machineConfiguration())
  const name = request.path?.split('/').at(-1) ?? fileName(request)
  const archives = debianArchives(configuration)
  const urls = [
    ...mirrors.flatMap((mirror) => mirrorUrls(baseUrl(mirror), request)),
    ...(request.path === undefined ? [] : archives.map((archive) => `${archive}/${encodePath(request.path!)}`)),
  ]
  const canDownload = configuration.program && name.endsWith('.deb')
  if (urls.length === 0 && !canDownload) {
    throw new UserError('DEB_NO_ARCHIVE', `${name}: no Debian archive is configured on this machine`, {
      hint: 'set BARYON_DEB_MIRRORS to the base URL of a Debian mirror, or to a directory with its files',
    })
  }
  if (urls.length === 0) return downloadByProgram(request, name)
  try {
    return await fetchUrl({
      urls,
      name,
      hash: request.hash,
      destination: request.destination,
      durable: request.durable,
      onProgress: request.onProgress,
      signal: request.signal,
      timeouts: request.timeouts,
      attempts: request.attempts,
      backoff: request.backoff,
      // The package manager's proxy is for its own archives only.
      proxy: (url) =>
        archives.some((archive) => url.href.startsWith(archive)) ? proxyFor(url, configuration) : undefined,
    })
  } catch (error) {
    if (!canDownload || !(error instanceof UserError) || error.code === 'FILE_UNWRITABLE') throw error
    try {
      return await downloadByProgram(request, name)
    } catch (second) {
      if (!(second instanceof UserError)) throw second
      throw new UserError(error.code, `${error.message}\n  ${second.message}`, {
        hint: error.hint ?? 'set BARYON_DEB_MIRRORS to the base URL of a Debian mirror',
        cause: error,
      })
    }
  }
}

/** Base URLs of the configured archives that hold Debian main, the security archive last; without a slash at the end. */
export function debianArchives(configuration: AptConfiguration): readonly string[] {
  const main = new Set<string>()
  const security = new Set<string>()
  for (const source of configuration.sources) {
    if (!isDebianSource(source)) continue
    for (const uri of debianSourceUrls(source)) (source.suite.includes('security') ? security : main).add(uri)
  }
  return [...main.union(security)]
}

/** Whether a source is of Debian's own archive, or of a mirror of it. */
export function isDebianSource({ components, suite }: AptSource): boolean {
  return components.includes('main') && debianSuite.test(suite)
}

/** Base URLs that a source stands for, without a slash at the end. */
export function debianSourceUrls(source: AptSource): readonly string[] {
  return expandUri(source.uri)
}

/** The suites' names are part of every Debian archive; an unknown one belongs to somebody else's archive. */
const debianSuite =
  /^(buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)(\/updates|-updates|-security|-proposed-updates|-backports|-backports-sloppy)?$/

let configured: Promise<AptConfiguration> | undefined

function machineConfiguration(): Promise<AptConfiguration> {
  configured ??= readAptConfiguration()
  return configured
}

function expandUri(uri: string): readonly string[] {
  if (uri.startsWith('mirror+file:')) {
    // The form that cloud images use: a file with a URI per line.
    try {
      const lines = readFileSync(uri.slice('mirror+file:'.length).replace(/^\/\/+/, '/'), 'utf8').split('\n')
      return lines.flatMap((line) => expandUri(line.trim().split(/\s/)[0]!))
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) return []
      throw error
    }
  }
  const clean = uri
    .replace(/^copy:/, 'file:')
    .replace(/^file:\/*/, 'file:///')
    .replace(/\/+$/, '')
  return /^(https?|file):/.test(clean) ? [clean] : []
}

function baseUrl(mirror: string): string {
  return (/^[a-z]+:\/\//.test(mirror) ? mirror : pathToFileURL(resolve(mirror)).href).replace(/\/+$/, '')
}

/** A mirror may have the archive's layout, or be one directory with the files, named as the archive or as apt's cache does. */
function mirrorUrls(base: string, request: FetchDebRequest): readonly string[] {
  const names = new Set([request.path?.split('/').at(-1) ?? fileName(request), cacheName(request)])
  const prefix = request.package.startsWith('lib') ? request.package.slice(0, 4) : request.package.slice(0, 1)
  const path = request.path ?? `pool/main/${prefix}/${request.package}/${fileName(request)}`
  return [path, ...names].map((part) => `${base}/${encodePath(part)}`)
}

function fileName({ package: name, version, architecture }: FetchDebRequest): string {
  return `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`
}

function cacheName({ package: name, version, architecture }: FetchDebRequest): string {
  return `${name}_${version.replace(':', '%3a')}_${architecture}.deb`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** The package manager's proxy for its archives, or `direct`; undefined leaves it to the environment. */
export function proxyFor(url: URL, { options }: AptConfiguration): string | undefined {
  const scheme = url.protocol.slice(0, -1)
  const own = options.get(`acquire::${scheme}::proxy::${url.hostname}`) ?? options.get(`acquire::${scheme}::proxy`)
  const proxy = own ?? (scheme === 'https' ? options.get('acquire::http::proxy') : undefined)
  if (proxy === undefined || proxy === '' || proxy === 'false') return undefined
  return proxy.toUpperCase() === 'DIRECT' ? 'direct' : proxy
}

async function downloadByProgram(request: FetchDebRequest, name: string): Promise<FetchedFile> {
  const directory = mkdtempSync(join(tmpdir(), 'baryon-deb-'))
  try {
    const architecture = request.architecture === 'all' ? '' : `:${request.architecture}`
    const target = `${request.package}${architecture}=${request.version}`
    try {
      // Root would otherwise hand the download to a user who cannot write here.
      const args = ['-q', '-o', 'APT::Sandbox::User=root', 'download', '--', target]
      await promisify(execFile)('apt-get', args, {
        cwd: directory,
        env: { ...process.env, LC_ALL: 'C' },
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      })
    } catch (cause) {
      request.signal?.throwIfAborted()
      const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause)
      throw new UserError('FETCH_NOT_FOUND', `apt-get download ${target}: ${text}`, {
        hint: 'run apt-get update, or set BARYON_DEB_MIRRORS to the base URL of a Debian mirror',
        cause,
      })
    }
    const file = readdirSync(directory).find((entry) => entry.endsWith('.deb'))
    if (file === undefined) {
      throw new UserError('FETCH_NOT_FOUND', `apt-get download ${target} gave no file`, {
        hint: 'set BARYON_DEB_MIRRORS to the base URL of a Debian mirror',
      })
    }
    const url = pathToFileURL(join(directory, file)).href
    const { hash, destination, durable, onProgress, signal } = request
    const fetched = await fetchUrl({ urls: [url], name, hash, destination, durable, onProgress, signal })
    return { ...fetched, url: `apt:${target}` }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
