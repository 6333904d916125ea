/**
 * `.cvmfsdirtab` in the root of a repository: which directories get a catalog of their own without a marker in them.
 *
 *     # directly below these
 *     /software/releases/*
 *     /conditions/run-??/*
 *     ! *.git
 *
 * A rule is a pattern of a whole path from the root, in which `*` and `?` stand for no slash; an exception (`!`) takes back what a rule gives, and
 * in it `*` stands for slashes as well. Both are read as by `path_filters/dirtab.cc` and `pathspec/` of CernVM-FS 2.12, where rules become patterns of
 * glob(3) and exceptions extended regular expressions. Unlike there, a rule finds nothing through a symbolic link.
 */
import { quoteBytes, UserError } from '@baryon/format'
import { globPattern } from './glob-pattern.ts'

export interface Dirtab {
  /** Of each rule, what the names on the way from the root have to be. */
  readonly rules: readonly (readonly RegExp[])[]
  /** Whether the directory at a path (`/a/b`, a byte string) gets a catalog. */
  matches(path: string): boolean
}

/** Throws `CVMFS_DIRTAB` for what the real tool refuses. */
export function parseDirtab(text: string): Dirtab {
  const rules = new Map<string, readonly RegExp[]>()
  const exceptions = new Map<string, RegExp>()
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.replace(/^ +/, '')
    const isException = line.startsWith('!')
    const spec = trim(isException ? line.slice(1) : line)
    if (line.startsWith('#') || spec === '') continue
    const elements = spec.split('/').filter((element) => element !== '')
    const isAbsolute = spec.startsWith('/')
    const pieces = elements.map(parseElement)
    if (pieces.length === 0 || pieces.includes(undefined) || !(isException || isAbsolute)) throw invalid(index, whole)
    const parsed = pieces as Piece[][]
    const key = JSON.stringify([isAbsolute, parsed])
    if (isException) exceptions.set(key, exceptionPattern(parsed, isAbsolute))
    else rules.set(key, parsed.map(globOf))
    if (rules.has(key) && exceptions.has(key)) throw invalid(index, whole)
  }
  const isException = (path: string): boolean => [...exceptions.values()].some((pattern) => pattern.test(path))
  return {
    rules: [...rules.values()],
    matches(path) {
      const names = path.split('/').slice(1)
      const fits = (rule: readonly RegExp[]): boolean =>
        rule.length === names.length && rule.every((pattern, index) => pattern.test(names[index]!))
      return [...rules.values()].some(fits) && !isException(path)
    },
  }
}

type Piece = { readonly kind: 'text'; readonly text: string } | { readonly kind: '*' } | { readonly kind: '?' }

/** One name of a pattern; undefined when it is none: a backslash goes before `*`, `?` or another one. */
function parseElement(element: string): Piece[] | undefined {
  const pieces: Piece[] = []
  for (const [part] of element.matchAll(/[*?]|(?:\\[\s\S]?|[^*?\\])+/g)) {
    if (part === '*' || part === '?') pieces.push({ kind: part })
    else if (/\\[^*?\\]/.test(part.replaceAll('\\\\', ''))) return undefined
    else if (part === '\\') return undefined
    else pieces.push({ kind: 'text', text: part.replace(/\\([*?\\]?)/g, '$1') })
  }
  return pieces
}

/** As the real tool calls glob(3), which finds hidden directories only for the last name. */
function globOf(element: readonly Piece[], index: number, { length }: readonly unknown[]): RegExp {
  return globPattern(element.map(globPiece).join(''), index === length - 1)
}

function globPiece(piece: Piece): string {
  // No more than this is escaped there: brackets and backslashes mean what they mean to glob(3).
  return piece.kind === 'text' ? piece.text.replace(/[*?]/g, '\\$&') : piece.kind
}

function exceptionPattern(elements: readonly (readonly Piece[])[], isAbsolute: boolean): RegExp {
  const pattern = elements.map((element) => element.map(expressionOf).join('')).join('/')
  return new RegExp(`^${isAbsolute ? '/' : ''}${pattern}/?$`, 'm')
}

function expressionOf(piece: Piece): string {
  switch (piece.kind) {
    case '*':
      return '[^\\n]*'
    case '?':
      return '[^/\\n]'
    case 'text':
      // A bar is left as it is there, and so separates alternatives.
      return piece.text.replace(/[.\\*?[\](){}^$+]/g, '\\$&')
  }
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}

function invalid(index: number, line: string): UserError {
  return new UserError('CVMFS_DIRTAB', `line ${index + 1} of .cvmfsdirtab is no rule: ${quoteBytes(line)}`, {
    hint: 'expected a path from the root with * and ?, or ! and what is excepted, which is not a rule as well',
  })
}
