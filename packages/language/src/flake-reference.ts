/**
 * Flake references: `github:NixOS/nixpkgs/23.05?dir=lib` and the set of attributes that it stands for. The forms are
 * those of the manual of Nix 2.36, "nix flake", section "Flake references".
 */
import { ValueError } from './errors.ts'

export type ReferenceAttributes = Readonly<Record<string, string | number | boolean>>

/** The attributes of a reference in the form of a URL, a flake's name, or an absolute path. */
export function parseFlakeReference(text: string): ReferenceAttributes {
  const name = NAME.exec(text)
  if (name !== null) return indirect(name[1]!.split('/'), text)
  const url = parseUrl(text)
  if (url === undefined) return pathReference(text)
  if (url.fragment !== '') {
    throw new ValueError(`unexpected fragment '${url.fragment}' in flake reference '${text}'`)
  }
  const { dir, ...query } = url.query
  return { ...inputOf({ ...url, query }, text), ...(dir === undefined || dir === '' ? {} : { dir }) }
}

/** The reference as a URL. */
export function flakeReferenceText(attributes: ReferenceAttributes): string {
  const { type, dir, ...rest } = attributes
  const query: Record<string, string> = {}
  const take = (...names: string[]): void => {
    for (const name of names) if (rest[name] !== undefined) query[name] = queryText(rest[name])
  }
  let base: string
  switch (type) {
    case 'github':
    case 'gitlab':
    case 'sourcehut':
      base = `${type}:${[required(rest, 'owner'), required(rest, 'repo'), rest.ref ?? rest.rev].filter((part) => part !== undefined).join('/')}`
      take('host', 'narHash')
      break
    case 'indirect':
      base = `flake:${[required(rest, 'id'), rest.ref, rest.rev].filter((part) => part !== undefined).join('/')}`
      break
    case 'path':
      base = `path:${required(rest, 'path')}`
      take('lastModified', 'narHash', 'rev', 'revCount')
      break
    case 'git': {
      const url = required(rest, 'url')
      base =
        url.startsWith('git:') || url.startsWith('git+') ? url : `git+${url.startsWith('/') ? 'file://' : ''}${url}`
      take('ref', 'rev')
      for (const name of GIT_SWITCHES) if (rest[name] === true) query[name] = '1'
      break
    }
    case 'tarball':
    case 'file': {
      const url = required(rest, 'url')
      base = isArchive(url) === (type === 'tarball') ? url : `${type}+${url}`
      take('lastModified', 'narHash', 'rev', 'revCount')
      break
    }
    case undefined:
      throw new ValueError("input attribute 'type' is missing")
    default:
      throw new ValueError(`input type '${type}' is not supported`)
  }
  if (typeof dir === 'string' && dir !== '') query.dir = dir
  const pairs = Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1))
  const words = pairs.map(([key, value]) => `${key}=${encodeQuery(value)}`).join('&')
  return words === '' ? base : `${base}${base.includes('?') ? '&' : '?'}${words}`
}

interface Url {
  readonly scheme: string
  /** `//host…`, or empty. */
  readonly authority: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly fragment: string
}

/** `nixpkgs`, `nixpkgs/BRANCH`, `nixpkgs/BRANCH/COMMIT`. */
const NAME = /^([a-zA-Z][a-zA-Z0-9_-]*(?:\/[a-zA-Z0-9@][a-zA-Z0-9_./@+-]*)?)$/
const COMMIT = /^[0-9a-f]{40}$/
const GIT_SWITCHES = ['allRefs', 'exportIgnore', 'lfs', 'shallow', 'submodules', 'verifyCommit']

function parseUrl(text: string): Url | undefined {
  const match = /^([a-z][a-z0-9+.-]*):(\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(text)
  if (match === null) return undefined
  const [, scheme, authority = '', path = '', query = '', fragment = ''] = match
  return { scheme: scheme!, authority, path, query: parseQuery(query), fragment: decode(fragment) }
}

function parseQuery(text: string): Record<string, string> {
  const query: Record<string, string> = {}
  for (const part of text.split('&')) {
    const equals = part.indexOf('=')
    if (equals > 0) query[part.slice(0, equals)] = decode(part.slice(equals + 1))
  }
  return query
}

function inputOf(url: Url, text: string): ReferenceAttributes {
  const { scheme } = url
  if (scheme === 'flake') return indirect(url.path.split('/').filter(Boolean).map(decode), text)
  if (scheme === 'path') {
    if (url.authority.length > 2)
      throw new ValueError(`path URL '${text}' should not have an authority ('${url.authority.slice(2)}')`)
    return { type: 'path', path: decode(url.path), ...numbers(url.query, text) }
  }
  if (scheme === 'github' || scheme === 'gitlab' || scheme === 'sourcehut') return archiveOf(url, scheme, text)
  if (scheme === 'git' || scheme.startsWith('git+')) return gitOf(url)
  const [application, transport] = scheme.includes('+') ? (scheme.split('+') as [string, string]) : [undefined, scheme]
  if (!['http', 'https', 'file'].includes(transport)) throw new ValueError(`input '${text}' is unsupported`)
  const bare = `${transport}:${url.authority}${url.path}`
  const type = application ?? (isArchive(bare) ? 'tarball' : 'file')
  if (type !== 'tarball' && type !== 'file') throw new ValueError(`input '${text}' is unsupported`)
  const { lastModified, narHash, rev, revCount, ...query } = url.query
  const known = Object.fromEntries(
    Object.entries({ lastModified, narHash, rev, revCount }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>
  return { type, url: withQuery(bare, query), ...numbers(known, text) }
}

function archiveOf(url: Url, type: string, text: string): ReferenceAttributes {
  const [owner, repo, ...more] = url.path.split('/').filter(Boolean).map(decode)
  if (owner === undefined || repo === undefined) throw new ValueError(`URL '${text}' is invalid`)
  const attributes: Record<string, string> = { type, owner, repo }
  if (more.length > 0) attributes[more.length === 1 && COMMIT.test(more[0]!) ? 'rev' : 'ref'] = more.join('/')
  for (const [name, value] of Object.entries(url.query)) {
    if (!['rev', 'ref', 'host', 'narHash'].includes(name)) {
      throw new ValueError(`URL '${text}' contains unknown parameter '${name}'`)
    }
    if (attributes[name] !== undefined) {
      throw new ValueError(`URL '${text}' contains multiple ${name === 'rev' ? 'commit hashes' : 'branch/tag names'}`)
    }
    attributes[name] = value
  }
  if (attributes.ref !== undefined && attributes.rev !== undefined) {
    throw new ValueError(
      `input ${JSON.stringify(attributes)} contains both a commit hash ('${attributes.rev}') and a branch/tag name ('${attributes.ref}')`,
    )
  }
  return attributes
}

function gitOf(url: Url): ReferenceAttributes {
  const attributes: Record<string, string | boolean> = { type: 'git' }
  const rest: Record<string, string> = {}
  for (const [name, value] of Object.entries(url.query)) {
    if (['rev', 'ref', 'keytype', 'publicKey', 'publicKeys'].includes(name)) attributes[name] = value
    else if (GIT_SWITCHES.includes(name)) attributes[name] = value === '1'
    else rest[name] = value
  }
  const scheme = url.scheme === 'git' ? 'git' : url.scheme.slice('git+'.length)
  return { ...attributes, url: withQuery(`${scheme}:${url.authority}${url.path}`, rest) }
}

function indirect([id, second, third, ...more]: readonly string[], text: string): ReferenceAttributes {
  if (more.length > 0 || (third !== undefined && !COMMIT.test(third))) throw new ValueError(`URL '${text}' is invalid`)
  if (id === undefined || !/^[a-zA-Z][a-zA-Z0-9_-]*$/.test(id))
    throw new ValueError(`'${text}' is not a valid flake ID`)
  if (second === undefined) return { type: 'indirect', id }
  if (third !== undefined) return { type: 'indirect', id, ref: second, rev: third }
  return { type: 'indirect', id, [COMMIT.test(second) ? 'rev' : 'ref']: second }
}

function pathReference(text: string): ReferenceAttributes {
  const [, path = '', query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? []
  if (fragment !== '') throw new ValueError(`unexpected fragment '${decode(fragment)}' in flake reference '${text}'`)
  if (!path.startsWith('/')) throw new ValueError(`flake reference '${text}' is not an absolute path`)
  const { dir, ...rest } = parseQuery(query)
  return { type: 'path', path, ...numbers(rest, text), ...(dir === undefined || dir === '' ? {} : { dir }) }
}

/** `lastModified` and `revCount` are integers. */
function numbers(query: Readonly<Record<string, string>>, text: string): Record<string, string | number> {
  const result: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(query)) {
    if (name === 'rev' || name === 'narHash') result[name] = value
    else if ((name === 'lastModified' || name === 'revCount') && /^[0-9]+$/.test(value)) result[name] = Number(value)
    else throw new ValueError(`path URL '${text}' has unsupported parameter '${name}'`)
  }
  return result
}

function isArchive(url: string): boolean {
  return /\.(?:zip|tar|tgz|tar\.gz|tar\.xz|tar\.bz2|tar\.zst)$/.test(url.replace(/[?#].*$/s, ''))
}

function withQuery(base: string, query: Readonly<Record<string, string>>): string {
  const words = Object.entries(query).map(([key, value]) => `${key}=${encodeQuery(value)}`)
  return words.length === 0 ? base : `${base}?${words.join('&')}`
}

function required(attributes: ReferenceAttributes, name: string): string {
  const value = attributes[name]
  if (typeof value !== 'string') throw new ValueError(`input attribute '${name}' is missing`)
  return value
}

function queryText(value: string | number | boolean): string {
  return value === true ? '1' : value === false ? '0' : String(value)
}

/** Bytes of a text as `%XX`, but for what may stand in a query. */
function encodeQuery(text: string): string {
  return text.replace(/[^a-zA-Z0-9\-._~:@/?]/g, (char) => `%${hexOf(char)}`)
}

function hexOf(char: string): string {
  return char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
}

function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
