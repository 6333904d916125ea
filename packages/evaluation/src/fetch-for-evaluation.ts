import { hash as cryptoHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fetchGit, fetchTarball, fetchUrl } from '@baryon/fetch'
import { makeDirectories } from '@baryon/files'
import {
  fixedOutputPath,
  formatHash,
  formatStorePath,
  type Hash,
  type HashMethod,
  parseHash,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { hashPath, openStore } from '@baryon/store'
import type { FetchCall, FetchOutcome } from './blocking-call.ts'

type Attributes = Readonly<Record<string, string | number | boolean>>

/** Does the work of `builtins.fetchurl` and its kin, in the worker thread. */
export async function fetchForEvaluation(call: FetchCall, log: (text: string) => void): Promise<FetchOutcome> {
  const { kind, attributes } = call.request
  switch (kind) {
    case 'url':
      return await fetchFile(call, attributes, log)
    case 'tarball':
      return await fetchArchive(call, attributes, log)
    case 'git':
      return await fetchRepository(call, attributes, log)
    case 'tree':
      return await fetchTree(call, attributes, log)
    case 'mercurial':
      throw new UserError('FETCH_UNSUPPORTED', 'fetchMercurial is not supported', {
        hint: 'fetch the repository as a tarball',
      })
  }
}

async function fetchTree(call: FetchCall, given: Attributes, log: (text: string) => void): Promise<FetchOutcome> {
  const attributes = withExpectedHash(given)
  switch (attributes.type) {
    case 'path':
      return await copyTree(call, attributes)
    case 'github':
      return await fetchArchive(call, { ...attributes, url: githubArchive(attributes) }, log)
    case 'git':
      return await fetchRepository(call, attributes, log)
    case 'tarball':
      return await fetchArchive(call, attributes, log)
    case 'file':
      return await fetchFile(call, attributes, log)
    default:
      throw new UserError('FETCH_UNSUPPORTED', `fetchTree of type '${String(attributes.type)}' is not supported`, {
        hint: "types are 'git', 'github', 'path', 'tarball' and 'file'",
      })
  }
}

/** What is locked says its hash as `narHash`. */
function withExpectedHash(attributes: Attributes): Attributes {
  const narHash = text(attributes, 'narHash')
  if (narHash === undefined) return attributes
  return { ...attributes, sha256: formatHash(parseHash(narHash, 'sha256'), 'base16', false) }
}

function githubArchive(attributes: Attributes): string {
  const host = text(attributes, 'host') ?? 'github.com'
  const what = text(attributes, 'rev') ?? text(attributes, 'ref') ?? 'HEAD'
  return `https://${host}/${required(attributes, 'owner')}/${required(attributes, 'repo')}/archive/${what}.tar.gz`
}

/** A directory of this machine, as it is now. */
async function copyTree(call: FetchCall, attributes: Attributes): Promise<FetchOutcome> {
  const path = required(attributes, 'path')
  if (!path.startsWith('/')) throw new UserError('FETCH_ARGUMENT', `path '${path}' is not absolute`)
  return await withDirectory(call, async (directory) => {
    const destination = join(directory, 'tree')
    cpSync(path, destination, { recursive: true, verbatimSymlinks: true })
    const extra: Record<string, string | number> = {}
    for (const name of ['rev', 'revCount', 'lastModified']) {
      const value = attributes[name]
      if (typeof value === 'string' || typeof value === 'number') extra[name] = value
    }
    extra.lastModified ??= Math.floor(newestChange(Buffer.from(path)) / 1000)
    extra.lastModifiedDate = dateText(Number(extra.lastModified))
    if (typeof extra.rev === 'string') extra.shortRev = extra.rev.slice(0, 7)
    return await keep(call, attributes, { destination, method: 'recursive', name: 'source', extra }, true)
  })
}

/** Milliseconds since 1970 of what was changed last at or below `path`. Not by a recursive `readdir`: Node 24 has none of bytes. */
function newestChange(path: Buffer): number {
  const status = lstatSync(path)
  let newest = status.mtimeMs
  if (!status.isDirectory()) return newest
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    newest = Math.max(newest, newestChange(Buffer.concat([path, Buffer.from('/'), name])))
  }
  return newest
}

async function fetchFile(call: FetchCall, attributes: Attributes, log: (text: string) => void): Promise<FetchOutcome> {
  const url = required(attributes, 'url')
  return await remembered(call, ['url', url, nameOf(attributes, lastPart(url))], attributes, async (directory) => {
    log(`downloading '${url}'...`)
    const destination = join(directory, 'file')
    await fetchUrl({ urls: [url], destination })
    return { destination, method: 'flat', name: nameOf(attributes, lastPart(url)), extra: {} }
  })
}

async function fetchArchive(
  call: FetchCall,
  attributes: Attributes,
  log: (text: string) => void,
): Promise<FetchOutcome> {
  const url = required(attributes, 'url')
  return await remembered(call, ['tarball', url, nameOf(attributes, 'source')], attributes, async (directory) => {
    log(`downloading '${url}'...`)
    const destination = join(directory, 'tree')
    await fetchTarball({ urls: [url], destination })
    return { destination, method: 'recursive', name: nameOf(attributes, 'source'), extra: {} }
  })
}

async function fetchRepository(
  call: FetchCall,
  attributes: Attributes,
  log: (text: string) => void,
): Promise<FetchOutcome> {
  const url = required(attributes, 'url')
  const rev = text(attributes, 'rev')
  const submodules = attributes.submodules === true
  const shallow = attributes.shallow === true
  const key = ['git', url, rev ?? '', text(attributes, 'ref') ?? '', String(submodules), nameOf(attributes, 'source')]
  const produce = async (directory: string): Promise<Produced> => {
    if (!url.startsWith('/')) log(`fetching Git repository '${url}'...`)
    const destination = join(directory, 'tree')
    const fetched = await fetchGit({
      url,
      ref: text(attributes, 'ref'),
      rev,
      submodules,
      shallow,
      allRefs: attributes.allRefs === true,
      destination,
      cacheDirectory: join(call.cacheDirectory, 'git'),
    })
    const extra: Record<string, string | number | boolean> = {
      rev: fetched.rev,
      shortRev: fetched.rev.slice(0, 7),
      lastModified: fetched.lastModified,
      lastModifiedDate: dateText(fetched.lastModified),
      submodules,
    }
    if (fetched.revCount !== undefined) extra.revCount = fetched.revCount
    return { destination, method: 'recursive', name: nameOf(attributes, 'source'), extra }
  }
  // What a commit holds never changes; anything else is looked at again each time.
  if (rev !== undefined) return await remembered(call, key, attributes, produce, Number.POSITIVE_INFINITY, true)
  return await withDirectory(call, async (directory) => await keep(call, attributes, await produce(directory), true))
}

interface Produced {
  readonly destination: string
  readonly method: HashMethod
  readonly name: string
  readonly extra: Record<string, string | number | boolean>
}

/** Seconds for which an answer without a hash is taken as it was (`tarball-ttl`). */
const TIME_TO_LIVE = 3600

/** What was fetched lately and is still there is not fetched again. */
async function remembered(
  call: FetchCall,
  key: readonly string[],
  attributes: Attributes,
  produce: (directory: string) => Promise<Produced>,
  lifetime = attributes.sha256 === undefined ? TIME_TO_LIVE : Number.POSITIVE_INFINITY,
  withHash = false,
): Promise<FetchOutcome> {
  const name = cryptoHash('sha256', JSON.stringify([...key, call.storeDirectory]), 'hex')
  const file = join(call.cacheDirectory, 'fetched', `${name}.json`)
  const known = readRecord(file)
  if (known !== undefined && Date.now() / 1000 - known.time < lifetime && stillThere(call, known)) {
    checkExpected(known.outcome, attributes, known.hash)
    return known.outcome
  }
  return await withDirectory(call, async (directory) => {
    const produced = await produce(directory)
    const hash = formatHash(hashPath(produced.destination, 'sha256', { method: produced.method }).hash, 'base16', false)
    const outcome = await keep(call, attributes, produced, withHash)
    writeRecord(file, { time: Date.now() / 1000, outcome, hash })
    return outcome
  })
}

interface FetchRecord {
  readonly time: number
  readonly outcome: FetchOutcome
  /** SHA-256 in base 16. */
  readonly hash: string
}

function readRecord(file: string): FetchRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof record !== 'object' || record === null) return undefined
    const { time, outcome, hash } = record as Partial<FetchRecord>
    if (typeof time !== 'number' || typeof hash !== 'string') return undefined
    if (typeof outcome?.outPath !== 'string' || typeof outcome.attributes !== 'object') return undefined
    return { time, outcome, hash }
  } catch {
    return undefined
  }
}

function writeRecord(file: string, record: FetchRecord): void {
  try {
    makeDirectories(join(file, '..'))
    const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
    writeFileSync(temporary, JSON.stringify(record))
    renameSync(temporary, file)
  } catch {
    // Without the record it is fetched again.
  }
}

function stillThere(call: FetchCall, record: FetchRecord): boolean {
  const { location, outPath } = record.outcome
  if (call.store === undefined) return location !== undefined && existsSync(location)
  const store = openStore(call.store)
  try {
    return store.isValid(store.parse(outPath))
  } finally {
    store.close()
  }
}

async function withDirectory<T>(call: FetchCall, work: (directory: string) => Promise<T>): Promise<T> {
  makeDirectories(call.cacheDirectory)
  const directory = mkdtempSync(join(call.cacheDirectory, '.fetch-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Puts what was fetched into the store, or beside the cache when there is none. */
async function keep(
  call: FetchCall,
  attributes: Attributes,
  produced: Produced,
  withHash: boolean,
): Promise<FetchOutcome> {
  const { destination, method, name, extra } = produced
  const { hash } = hashPath(destination, 'sha256', { method })
  const path = fixedOutputPath(call.storeDirectory, name, { method, hash })
  const outPath = formatStorePath(call.storeDirectory, path)
  const details = withHash ? { ...extra, narHash: formatHash(hash, 'sri') } : extra
  let location: string | undefined
  const outcome = (): FetchOutcome => ({ outPath, attributes: details, location })
  checkExpected(outcome(), attributes, formatHash(hash, 'base16', false))
  if (call.store !== undefined) {
    const store = openStore(call.store)
    try {
      store.addPath(name, destination, { method })
    } finally {
      store.close()
    }
    return outcome()
  }
  location = join(call.cacheDirectory, 'fetched', storePathBaseName(path))
  if (!existsSync(location)) {
    makeDirectories(join(location, '..'))
    renameSync(destination, location)
  }
  return outcome()
}

function checkExpected(outcome: FetchOutcome, attributes: Attributes, hash: string): void {
  const expected = attributes.sha256
  if (typeof expected !== 'string' || expected === hash) return
  const show = (base16: string): string => {
    const value: Hash = { algorithm: 'sha256', bytes: Buffer.from(base16, 'hex') }
    return formatHash(value, 'sri')
  }
  throw new UserError(
    'HASH_MISMATCH',
    `hash mismatch in file downloaded from '${String(attributes.url)}':\n  specified: ${show(expected)}\n  got:       ${show(hash)}`,
    { hint: `if '${outcome.outPath}' is what you want, write the second hash into the expression` },
  )
}

function required(attributes: Attributes, key: string): string {
  const value = text(attributes, key)
  if (value === undefined) throw new UserError('FETCH_ARGUMENT', `attribute '${key}' is missing`)
  return value
}

function text(attributes: Attributes, key: string): string | undefined {
  const value = attributes[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function nameOf(attributes: Attributes, fallback: string): string {
  return text(attributes, 'name') ?? fallback
}

function lastPart(url: string): string {
  return url.slice(url.lastIndexOf('/', url.length - 2) + 1)
}

/** `YYYYMMDDhhmmss`, in UTC. */
function dateText(seconds: number): string {
  return new Date(seconds * 1000)
    .toISOString()
    .replace(/[^0-9]/g, '')
    .slice(0, 14)
}
