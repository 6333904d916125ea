import { chmodSync, renameSync } from 'node:fs'
import { type FetchProgress, fetchDeb, fetchUrl } from '@baryon/fetch'
import { type fixedOutputHash, UserError } from '@baryon/format'
import type { BuiltinRequest } from './builtin.ts'

type Fixed = ReturnType<typeof fixedOutputHash>

/**
 * The builder `builtin:fetchurl`, as in Nix: `url` (then the rest of `urls`), `executable` (its hash is then recursive),
 * `unpack` (the file is a NAR, with `.xz` compressed).
 */
export async function fetchUrlOutput(
  request: BuiltinRequest,
  destination: string,
  { method, hash }: Fixed,
): Promise<string> {
  const { options, temporaryDirectory } = request
  const main = options.text('url')
  const urls = [...new Set([...(main === undefined ? [] : [main]), ...(options.words('urls') ?? [])])]
  if (urls.length === 0) throw new UserError('DERIVATION_INVALID', 'builtin:fetchurl needs a url')
  refuseOffline(request, urls[0]!)
  const unpack = flag(request, 'unpack')
  const file = `${temporaryDirectory}/download`
  const fetched = await timed(request, () =>
    fetchUrl({
      urls,
      name: request.derivation.env.get('name'),
      // The hash of a tree can be compared only when the tree is there.
      hash: method === 'flat' && !unpack ? hash : undefined,
      destination: file,
      signal: request.signal,
      onProgress: progress(request),
    }),
  )
  if (unpack) await request.pool.run('restoreNar', { file, destination }, request.signal)
  else renameSync(file, destination)
  if (flag(request, 'executable')) chmodSync(destination, 0o755)
  return fetched.url
}

/**
 * The builder `builtin:fetch-deb`: a file of the Debian archive by `package`, `version` and `path`, from whatever mirror the
 * machine is configured with.
 */
export async function fetchDebOutput(
  request: BuiltinRequest,
  destination: string,
  { method, hash }: Fixed,
): Promise<string> {
  const { options } = request
  if (method !== 'flat')
    throw new UserError('DERIVATION_INVALID', 'builtin:fetch-deb needs a flat hash', {
      hint: 'say outputHashMode = "flat"',
    })
  const path = options.text('path')
  const name = options.text('package')
  if (name === undefined) throw new UserError('DERIVATION_INVALID', 'builtin:fetch-deb needs the name of a package')
  refuseOffline(request, path ?? name)
  const fetched = await timed(request, () =>
    fetchDeb({
      package: name,
      version: options.text('version') ?? '',
      architecture: options.text('architecture') ?? /_([a-z0-9-]+)\.u?deb$/.exec(path ?? '')?.[1] ?? 'amd64',
      path,
      hash,
      destination,
      signal: request.signal,
      onProgress: progress(request),
    }),
  )
  return fetched.url
}

function refuseOffline({ offline }: BuiltinRequest, what: string): void {
  if (!offline) return
  throw new UserError('OFFLINE', `'${what}' is not in the source archive, and nothing is fetched while offline`, {
    hint: 'allow the network once, or copy the source archive of a machine that has it',
  })
}

function progress({ onProgress }: BuiltinRequest): (event: FetchProgress) => void {
  return ({ bytes, totalBytes }) => onProgress(bytes, totalBytes)
}

function flag({ options }: BuiltinRequest, name: string): boolean {
  return options.structured === undefined ? options.text(name) === '1' : options.flag(name, false)
}

async function timed<T>({ breakdown }: BuiltinRequest, work: () => Promise<T>): Promise<T> {
  const begin = performance.now()
  try {
    return await work()
  } finally {
    breakdown.fetch += (performance.now() - begin) / 1000
  }
}
