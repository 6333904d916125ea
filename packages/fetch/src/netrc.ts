/**
 * Passwords of hosts, from the file that curl, git and Nix read: `machine HOST login NAME password WORD`, and `default` for all others.
 * Words are between white space or in double quotes; `#` at the beginning of a word comments out the line; `macdef` lasts to the next empty line.
 */
import { readFileSync } from 'node:fs'
import { homeDirectory } from '@baryon/files'
import { isSystemError } from '@baryon/format'

export interface Login {
  readonly name: string
  readonly password: string
}

/** For a host without port, in any case. The first entry for the host counts, else the first `default`. */
export function findLogin(netrc: string, host: string): Login | undefined {
  const entries = parseNetrc(netrc)
  const wanted = host.toLowerCase()
  const entry = entries.find(({ machine }) => machine?.toLowerCase() === wanted) ?? entries.find(isDefault)
  return entry?.login === undefined && entry?.password === undefined
    ? undefined
    : { name: entry.login ?? '', password: entry.password ?? '' }
}

/** From `$NETRC`, or else from `~/.netrc` and then Nix's `/etc/nix/netrc`. Files that are not there, or not for us, say nothing. */
export function loginFor(host: string): Login | undefined {
  const { NETRC } = process.env
  const files = NETRC === undefined || NETRC === '' ? [`${homeDirectory()}/.netrc`, '/etc/nix/netrc'] : [NETRC]
  for (const file of files) {
    const login = findLogin(contentsOf(file), host)
    if (login !== undefined) return login
  }
  return undefined
}

interface Entry {
  /** Undefined: `default`. */
  readonly machine: string | undefined
  login?: string
  password?: string
}

function isDefault({ machine }: Entry): boolean {
  return machine === undefined
}

function parseNetrc(text: string): Entry[] {
  const entries: Entry[] = []
  const words = wordsOf(text)
  const next = (): string => words.next().value ?? ''
  for (const word of words) {
    const entry = entries.at(-1)
    if (word === 'machine') entries.push({ machine: next() })
    else if (word === 'default') entries.push({ machine: undefined })
    else if (word === 'login' && entry !== undefined) entry.login = next()
    else if (word === 'password' && entry !== undefined) entry.password = next()
    // `account NAME`, as FTP has it, is of no use here; what else there is, curl overlooks as well.
    else if (word === 'account') next()
  }
  return entries
}

function* wordsOf(text: string): Generator<string, undefined> {
  let isMacro = false
  for (const line of text.split(/\r?\n/)) {
    if (isMacro) {
      isMacro = line.trim() !== ''
      continue
    }
    for (const [found] of line.matchAll(WORD)) {
      if (found.startsWith('#')) break
      if (found === 'macdef') {
        isMacro = true
        break
      }
      yield found.startsWith('"') ? unquote(found) : found
    }
  }
}

const WORD = /"(?:[^"\\]|\\.)*"?|\S+/g

function unquote(word: string): string {
  return word
    .slice(1)
    .replace(/"$/, '')
    .replace(/\\(.)/g, (_, character: string) => ESCAPES.get(character) ?? character)
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

const files = new Map<string, string>()

/** A file is read once. */
function contentsOf(file: string): string {
  let text = files.get(file)
  if (text === undefined) {
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR')) throw error
      text = ''
    }
    files.set(file, text)
  }
  return text
}
