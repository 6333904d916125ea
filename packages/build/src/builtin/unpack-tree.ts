import { lstatSync, mkdirSync, readdirSync, realpathSync, rmdirSync, symlinkSync } from 'node:fs'
import { unpackMany } from '@baryon/fetch'
import { isSystemError, quoteBytes, UserError } from '@baryon/format'
import { pathBytes, removeTree } from '@baryon/store'
import { layTree } from './lay-tree.ts'

export interface UnpackTreeRequest {
  /** Physical paths of archives and trees, laid one over the other in this order. */
  readonly archives: readonly string[]
  readonly destination: string
  /** Relative paths or globs (`*`, `?`, `**`) to delete afterwards; byte strings. */
  readonly remove: readonly string[]
  /** Links to make last, instead of what is there; byte strings. */
  readonly links: readonly { readonly path: string; readonly target: string }[]
}

/**
 * The builder `builtin:unpack-tree`: the union of archives with a merged `/usr` (`bin`, `sbin`, `lib`, `lib64` at the top are
 * links into `usr`, and what archives put below them lands there). No program of the host is used. A store path that is a
 * directory counts as well, so that trees which share most of their packages share the unpacking, and the files.
 */
export async function unpackTree({ archives, destination, remove, links }: UnpackTreeRequest): Promise<void> {
  mkdirSync(destination, { mode: 0o755 })
  for (const name of MERGED) symlinkSync(`usr/${name}`, `${destination}/${name}`)
  // A package may only say `lib/x`, so that the directory behind the link must be there; what stays empty goes again.
  mkdirSync(`${destination}/usr`)
  for (const name of MERGED) mkdirSync(`${destination}/usr/${name}`)
  for (const run of runs(archives)) {
    if (run.kind === 'archives') await unpackMany(run.paths, destination, { keepDirectorySymlinks: true })
    else for (const path of run.paths) layTree(Buffer.from(path), Buffer.from(destination))
  }
  const top = pathBytes(destination)
  for (const pattern of remove) for (const path of matches(top, pattern)) removeTree(insidePath(top, path))
  for (const { path, target } of links) makeLink(top, path, target)
  for (const name of MERGED) {
    if (removeIfEmpty(`${destination}/usr/${name}`)) removeTree(`${destination}/${name}`)
  }
  removeIfEmpty(`${destination}/usr`)
}

/** Neighbours of one kind together: archives are unpacked in threads. */
function runs(paths: readonly string[]): { readonly kind: 'archives' | 'trees'; readonly paths: string[] }[] {
  const result: { kind: 'archives' | 'trees'; paths: string[] }[] = []
  for (const path of paths) {
    const kind = lstatSync(path).isDirectory() ? 'trees' : 'archives'
    const last = result.at(-1)
    if (last?.kind === kind) last.paths.push(path)
    else result.push({ kind, paths: [path] })
  }
  return result
}

/** The lists as they stand in a derivation: lines, empty ones left out. */
export function parseLinks(text: string): { readonly path: string; readonly target: string }[] {
  return parseLines(text).map((line) => {
    const words = line.split(/[ \t]+/)
    if (words.length !== 2) {
      throw new UserError('DERIVATION_INVALID', `line ${quoteBytes(line)} of links must be a path and a target`)
    }
    return { path: words[0]!, target: words[1]! }
  })
}

export function parseLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

const MERGED = ['bin', 'sbin', 'lib', 'lib64'] as const

function makeLink(destination: string, path: string, target: string): void {
  const parts = components(path)
  const name = parts.pop()
  if (name === undefined) throw new UserError('DERIVATION_INVALID', `links names no file: ${quoteBytes(path)}`)
  let directory = destination
  for (const part of parts) {
    directory = `${directory}/${part}`
    const native = Buffer.from(directory, 'latin1')
    if (lstatSync(native, { throwIfNoEntry: false }) === undefined) mkdirSync(native)
  }
  const link = insidePath(destination, [...parts, name].join('/'))
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) removeTree(link)
  symlinkSync(Buffer.from(target, 'latin1'), link)
}

/** The place of a path whose directories may be links; refuses one that they lead out of the tree. */
function insidePath(destination: string, path: string): Buffer {
  const cut = path.lastIndexOf('/')
  const directory = Buffer.from(cut < 0 ? destination : `${destination}/${path.slice(0, cut)}`, 'latin1')
  const real = realpathSync.native(directory, 'buffer').toString('latin1')
  const root = realpathSync.native(Buffer.from(destination, 'latin1'), 'buffer').toString('latin1')
  if (real !== root && !real.startsWith(`${root}/`)) {
    throw new UserError('DERIVATION_INVALID', `path ${quoteBytes(path)} lies behind a link that leads out of the tree`)
  }
  return Buffer.from(`${real}/${path.slice(cut + 1)}`, 'latin1')
}

/** Existing paths below `root` that a pattern names; links are not followed. */
function matches(root: string, pattern: string): string[] {
  const found: string[] = []
  const descend = (path: string, parts: readonly string[]) => {
    const [part, ...rest] = parts
    const native = Buffer.from(path === '' ? root : `${root}/${path}`, 'latin1')
    if (part === undefined) {
      if (path !== '') found.push(path)
      return
    }
    const at = (name: string) => (path === '' ? name : `${path}/${name}`)
    if (!/[*?]/.test(part)) {
      if (exists(`${root}/${at(part)}`)) descend(at(part), rest)
      return
    }
    if (part === '**') descend(path, rest)
    if (!lstatSync(native).isDirectory()) return
    const test = part === '**' ? undefined : globExpression(part)
    for (const name of readdirSync(native, { encoding: 'latin1' }).sort()) {
      if (test === undefined) descend(at(name), parts)
      else if (test.test(name)) descend(at(name), rest)
    }
  }
  descend('', components(pattern))
  // What lies below another match goes with it.
  return found
}

function globExpression(part: string): RegExp {
  const source = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  return new RegExp(`^${source}$`, 's')
}

function exists(path: string): boolean {
  try {
    return lstatSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (isSystemError(error, 'ENOTDIR')) return false
    throw error
  }
}

function components(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (path.startsWith('/') || parts.includes('..')) {
    throw new UserError('DERIVATION_INVALID', `path ${quoteBytes(path)} must be relative and stay in the tree`)
  }
  return parts
}

function removeIfEmpty(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch (error) {
    if (isSystemError(error, 'ENOTEMPTY', 'EEXIST')) return false
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return isSystemError(error, 'ENOENT')
    throw error
  }
}
