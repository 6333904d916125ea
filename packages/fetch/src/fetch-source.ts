import { chmodSync, constants, copyFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { formatHash, type Hash, hashesEqual, UserError } from '@baryon/format'

import { type FetchDebRequest, fetchDeb } from './fetch-deb.ts'
import { fetchError, hashMismatch } from './fetch-failure.ts'
import { type FetchGitRequest, fetchGit } from './fetch-git.ts'
import { fetchTarball, placeTree, workDirectory } from './fetch-tarball.ts'
import { type FetchOptions, fetchUrl } from './fetch-url.ts'
import { withoutPassword } from './http-request.ts'
import type { ArchivedFile, SourceArchive } from './source-archive.ts'
import { hashTree, restoreTreeArchive } from './tree-archive.ts'

/** Where a source comes from when no archive has it. */
export type Upstream =
  | { readonly kind: 'url'; readonly urls: readonly string[] }
  /** Unpacked, and hashed as a tree. */
  | { readonly kind: 'tarball'; readonly urls: readonly string[] }
  | ({ readonly kind: 'git' } & Pick<FetchGitRequest, 'url' | 'ref' | 'rev' | 'submodules' | 'shallow' | 'allRefs'>)
  | ({ readonly kind: 'deb' } & Pick<FetchDebRequest, 'package' | 'version' | 'architecture' | 'path'>)
  /** From nowhere: the archive and its mirrors must have it. */
  | { readonly kind: 'none' }

export interface FetchSourceRequest extends FetchOptions {
  readonly name: string
  readonly upstream: Upstream
  /** Of the file, or of the tree's NAR. Without it the upstream is always asked. */
  readonly hash?: Hash | undefined
  /** Must not exist when the source is a tree. Without it the source only enters the archive. */
  readonly destination?: string | undefined
  /** Looks into the archive and mirrors that are directories only. */
  readonly offline?: boolean | undefined
  /** Default: `recursive` for tarballs and git, what the archive says for `none`, else `flat`. */
  readonly method?: 'flat' | 'recursive' | undefined
  /** A file with a recursive hash is executable. */
  readonly executable?: boolean | undefined
}

export interface FetchedSource {
  readonly file: ArchivedFile
  readonly hash: Hash
  readonly from: 'archive' | 'mirror' | 'upstream'
}

/**
 * A source from the archive, else from its mirrors, else from upstream; it is in the archive afterwards.
 *
 * Errors: those of the fetchers, and `OFFLINE_MISSING` when the network may not be used and no archive has the source.
 */
export async function fetchSource(archive: SourceArchive, request: FetchSourceRequest): Promise<FetchedSource> {
  const found = await obtain(archive, request)
  if (request.destination !== undefined) await deliver(found.file, methodOf(request, found.file), request.destination)
  return found
}

async function obtain(archive: SourceArchive, request: FetchSourceRequest): Promise<FetchedSource> {
  const { hash, offline } = request
  if (hash !== undefined) {
    // Verified here, as it is copied from here: a disk may have changed it since it was archived.
    const here = archive.get(hash, { verify: true })
    if (here !== undefined) return { file: here, hash, from: 'archive' }
    const mirrored = await archive.find(hash, { ...options(request), localOnly: offline ?? false })
    if (mirrored !== undefined) return { file: mirrored, hash, from: 'mirror' }
  }
  if (offline === true || request.upstream.kind === 'none') throw missing(archive, request)
  const work = workDirectory(join(archive.directory, 'tmp', 'fetch'))
  try {
    const { file, hash: got } = await fromUpstream(archive, request, join(work, 'result'))
    return { file, hash: got, from: 'upstream' }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function fromUpstream(archive: SourceArchive, request: FetchSourceRequest, destination: string) {
  const { upstream, name, hash } = request
  const common = { ...options(request), destination, name }
  switch (upstream.kind) {
    case 'url': {
      if (request.method === 'recursive') {
        const { url } = await fetchUrl({ ...common, urls: upstream.urls })
        chmodSync(destination, request.executable === true ? 0o755 : 0o644)
        return putTree(archive, request, destination, hashTree(destination, hash?.algorithm ?? 'sha256'), url)
      }
      const fetched = await fetchUrl({ ...common, urls: upstream.urls, hash })
      const file = archive.put(destination, { name, hash: fetched.hash, origin: withoutPassword(fetched.url) })
      return { file, hash: fetched.hash }
    }
    case 'deb': {
      if (hash === undefined) {
        throw new UserError('HASH_MISSING', `${name} has no hash: Debian packages are only trusted by theirs`)
      }
      const fetched = await fetchDeb({ ...common, ...upstream, hash })
      return { file: archive.put(destination, { name, hash, origin: withoutPassword(fetched.url) }), hash }
    }
    case 'tarball': {
      const fetched = await fetchTarball({ ...common, urls: upstream.urls, algorithm: hash?.algorithm })
      return putTree(archive, request, destination, fetched.hash, fetched.url)
    }
    case 'git': {
      const { kind: _, ...repository } = upstream
      const { signal } = request
      const fetched = await fetchGit({ ...repository, destination, signal, algorithm: hash?.algorithm })
      return putTree(archive, request, destination, fetched.hash, `${upstream.url}?rev=${fetched.rev}`)
    }
    case 'none':
      throw missing(archive, request)
  }
}

function putTree(archive: SourceArchive, { name, hash }: FetchSourceRequest, tree: string, got: Hash, url: string) {
  const origin = withoutPassword(url)
  if (hash !== undefined && !hashesEqual(hash, got)) throw fetchError(name, [hashMismatch(origin, hash, got)])
  return { file: archive.putTree(tree, { name, hash: got, origin }), hash: got }
}

function methodOf({ method, upstream }: FetchSourceRequest, file: ArchivedFile): 'flat' | 'recursive' {
  if (method !== undefined) return method
  if (upstream.kind === 'none') return file.kind === 'tree' ? 'recursive' : 'flat'
  return upstream.kind === 'tarball' || upstream.kind === 'git' ? 'recursive' : 'flat'
}

async function deliver(file: ArchivedFile, method: 'flat' | 'recursive', destination: string): Promise<void> {
  const work = workDirectory(destination)
  const result = join(work, 'result')
  try {
    if (method === 'recursive') {
      await restoreTreeArchive(file.path, result)
      placeTree(result, destination)
    } else {
      copyFileSync(file.path, result, constants.COPYFILE_FICLONE)
      renameSync(result, destination)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function missing(archive: SourceArchive, { name, hash, upstream, offline }: FetchSourceRequest): UserError {
  const what = hash === undefined ? `${name}, which has no hash,` : `${name} (${formatHash(hash, 'sri')})`
  const places = [archive.directory, ...archive.mirrors.map(withoutPassword)]
  const from = upstreamName(upstream)
  return new UserError(
    offline === true ? 'OFFLINE_MISSING' : 'FETCH_NOT_FOUND',
    `${what} is not in the source archive:\n${places.map((place) => `  ${place}: missing`).join('\n')}${from === '' ? '' : `\n  ${from}: not asked`}`,
    {
      hint:
        offline === true
          ? 'fetch it once with the network switched on, or add a mirror that has it'
          : 'add a mirror that has it',
    },
  )
}

function upstreamName(upstream: Upstream): string {
  switch (upstream.kind) {
    case 'url':
    case 'tarball':
      return upstream.urls.map(withoutPassword).join(', ')
    case 'git':
      return withoutPassword(upstream.url)
    case 'deb':
      return `Debian archive, ${upstream.package} ${upstream.version} ${upstream.architecture}`
    case 'none':
      return ''
  }
}

function options({ onProgress, signal, timeouts, attempts, backoff }: FetchSourceRequest): FetchOptions {
  return { onProgress, signal, timeouts, attempts, backoff }
}
