/**
 * POSIX extended regular expressions as libstdc++ (which Nix uses) reads them, over bytes. Examples of what differs
 * from other dialects: `]` and `}` alone are literals, `\d` and `\]` are errors, a bracket knows no escapes, ranges
 * compare signed bytes, `a**` is allowed.
 */
export type RegexNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }
  /** One byte out of a set of 256. */
  | { readonly kind: 'set'; readonly set: Uint8Array }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'group'; readonly index: number; readonly body: RegexNode }
  /** Greedy; `max` undefined is unbounded. */
  | { readonly kind: 'repeat'; readonly body: RegexNode; readonly min: number; readonly max: number | undefined }

export interface ParsedRegex {
  readonly node: RegexNode
  readonly groups: number
}

/** Parses, or throws `RegexSyntaxError`. */
export function parseRegex(source: string): ParsedRegex {
  const state: ParserState = { source, at: 0, groups: 0, states: 0 }
  const node = choice(state)
  if (state.at < source.length) throw new RegexSyntaxError(false)
  return { node, groups: state.groups }
}

export class RegexSyntaxError extends Error {
  /** libstdc++ refuses automata of more than 100,000 states. */
  readonly tooLarge: boolean
  constructor(tooLarge: boolean) {
    super(tooLarge ? 'regular expression too large' : 'invalid regular expression')
    this.tooLarge = tooLarge
  }
}

const STATE_LIMIT = 100_000

interface ParserState {
  readonly source: string
  at: number
  groups: number
  states: number
}

function choice(state: ParserState): RegexNode {
  const items = [sequence(state)]
  while (peek(state) === '|') {
    state.at++
    items.push(sequence(state))
  }
  return items.length === 1 ? (items[0] as RegexNode) : { kind: 'choice', items }
}

function sequence(state: ParserState): RegexNode {
  const items: RegexNode[] = []
  for (;;) {
    const item = term(state)
    if (item === undefined) break
    items.push(item)
  }
  if (items.length === 0) return { kind: 'empty' }
  return items.length === 1 ? (items[0] as RegexNode) : { kind: 'sequence', items }
}

/** One atom with its quantifiers, or an anchor (which takes none); undefined where a sequence ends. */
function term(state: ParserState): RegexNode | undefined {
  const char = peek(state)
  switch (char) {
    case '^':
    case '$':
      state.at++
      count(state, 1)
      return { kind: char === '^' ? 'begin' : 'end' }
    case '':
    case '|':
    case ')':
      return undefined
    case '*':
    case '+':
    case '?':
    case '{':
      throw new RegexSyntaxError(false)
  }
  const statesBefore = state.states
  let node = atom(state, char)
  let size = state.states - statesBefore
  for (;;) {
    const bounds = quantifier(state)
    if (bounds === undefined) return node
    const copies = Math.max(bounds.min, bounds.max ?? bounds.min + 1, 1)
    count(state, size * (copies - 1) + copies)
    size *= copies
    node = { kind: 'repeat', body: node, min: bounds.min, max: bounds.max }
  }
}

function atom(state: ParserState, char: string): RegexNode {
  state.at++
  switch (char) {
    case '.':
      count(state, 1)
      return { kind: 'set', set: ANY }
    case '[':
      count(state, 1)
      return { kind: 'set', set: bracket(state) }
    case '(': {
      const index = ++state.groups
      count(state, 2)
      const body = choice(state)
      if (peek(state) !== ')') throw new RegexSyntaxError(false)
      state.at++
      return { kind: 'group', index, body }
    }
    case '\\': {
      const escaped = peek(state)
      if (escaped === '' || !ESCAPABLE.includes(escaped)) throw new RegexSyntaxError(false)
      state.at++
      count(state, 1)
      return { kind: 'set', set: single(escaped.charCodeAt(0)) }
    }
    default:
      count(state, 1)
      return { kind: 'set', set: single(char.charCodeAt(0)) }
  }
}

function quantifier(state: ParserState): { min: number; max: number | undefined } | undefined {
  switch (peek(state)) {
    case '*':
      state.at++
      return { min: 0, max: undefined }
    case '+':
      state.at++
      return { min: 1, max: undefined }
    case '?':
      state.at++
      return { min: 0, max: 1 }
    case '{': {
      INTERVAL.lastIndex = state.at
      const match = INTERVAL.exec(state.source)
      if (match === null) throw new RegexSyntaxError(false)
      state.at = INTERVAL.lastIndex
      const min = Number(match[1])
      const max = match[2] === undefined ? min : match[2] === '' ? undefined : Number(match[2])
      if (max !== undefined && max < min) throw new RegexSyntaxError(false)
      return { min, max }
    }
    default:
      return undefined
  }
}

/** After `[`. A dash is literal first, last, or as the end of a range; anything else is an error, as in libstdc++. */
function bracket(state: ParserState): Uint8Array {
  const set = new Uint8Array(256)
  const negated = peek(state) === '^'
  if (negated) state.at++
  /** The byte that may still become the start of a range, 'class' after one of those, or nothing. */
  let last: number | 'class' | undefined
  let first = true
  const flush = (): void => {
    if (typeof last === 'number') set[last] = 1
  }
  for (;;) {
    const char = peek(state)
    if (char === '') throw new RegexSyntaxError(false)
    if (char === ']' && !first) {
      state.at++
      break
    }
    if (char === '-') {
      state.at++
      const next = peek(state)
      if (first) {
        last = 0x2d
      } else if (next === ']') {
        flush()
        last = 0x2d
      } else if (typeof last !== 'number') {
        throw new RegexSyntaxError(false)
      } else if (next === '[' && CLASS_MARKS.includes(state.source.charAt(state.at + 1) || ' ')) {
        throw new RegexSyntaxError(false)
      } else if (next === '') {
        throw new RegexSyntaxError(false)
      } else {
        state.at++
        addRange(set, last, next.charCodeAt(0))
        last = undefined
      }
      first = false
      continue
    }
    if (char === '[' && CLASS_MARKS.includes(state.source.charAt(state.at + 1) || ' ')) {
      flush()
      last = bracketClass(state, set)
    } else {
      state.at++
      flush()
      last = char.charCodeAt(0)
    }
    first = false
  }
  flush()
  if (negated) for (let i = 0; i < 256; i++) set[i] = set[i] === 1 ? 0 : 1
  return set
}

/** `[:alpha:]`, `[.a.]` or `[=a=]`; a collating symbol of one char can start a range. */
function bracketClass(state: ParserState, set: Uint8Array): number | 'class' {
  const mark = state.source.charAt(state.at + 1)
  const end = state.source.indexOf(`${mark}]`, state.at + 2)
  if (end < 0) throw new RegexSyntaxError(false)
  const name = state.source.slice(state.at + 2, end)
  state.at = end + 2
  if (mark === ':') {
    const includes = CLASSES[name.toLowerCase()]
    if (includes === undefined) throw new RegexSyntaxError(false)
    for (let i = 0; i < 128; i++) if (includes.test(String.fromCharCode(i))) set[i] = 1
    return 'class'
  }
  const code = COLLATING_NAMES.get(name)
  if (code === undefined) throw new RegexSyntaxError(false)
  if (mark === '.') return code
  set[code] = 1
  return 'class'
}

/** libstdc++ compares `char`, which is signed: `[\x80-\xff]` is in order, `[a-\xff]` is not. */
function addRange(set: Uint8Array, from: number, to: number): void {
  const low = signed(from)
  const high = signed(to)
  if (low > high) throw new RegexSyntaxError(false)
  for (let i = low; i <= high; i++) set[i & 255] = 1
}

function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte
}

function single(code: number): Uint8Array {
  const set = new Uint8Array(256)
  set[code & 255] = 1
  return set
}

function count(state: ParserState, states: number): void {
  state.states += states
  if (state.states > STATE_LIMIT) throw new RegexSyntaxError(true)
}

function peek(state: ParserState): string {
  return state.source.charAt(state.at)
}

/** POSIX's dot matches everything but NUL. */
const ANY = new Uint8Array(256).fill(1, 1)

const ESCAPABLE = '.[\\()*+?{|^$'
const CLASS_MARKS = '.:='
const INTERVAL = /\{([0-9]+)(?:,([0-9]*))?\}/y

const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /[0-9]/,
  w: /[A-Za-z0-9_]/,
  s: /[\t-\r ]/,
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[\t ]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t-\r ]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** The POSIX names of ASCII characters that `[.name.]` takes. */
const COLLATING_NAMES: ReadonlyMap<string, number> = new Map(
  (
    'NUL SOH STX ETX EOT ENQ ACK alert backspace tab newline vertical-tab form-feed carriage-return SO SI DLE DC1 ' +
    'DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC IS4 IS3 IS2 IS1 space exclamation-mark quotation-mark number-sign ' +
    'dollar-sign percent-sign ampersand apostrophe left-parenthesis right-parenthesis asterisk plus-sign comma ' +
    'hyphen period slash zero one two three four five six seven eight nine colon semicolon less-than-sign ' +
    'equals-sign greater-than-sign question-mark commercial-at A B C D E F G H I J K L M N O P Q R S T U V W X Y Z ' +
    'left-square-bracket backslash right-square-bracket circumflex underscore grave-accent a b c d e f g h i j k l ' +
    'm n o p q r s t u v w x y z left-curly-bracket vertical-line right-curly-bracket tilde DEL'
  )
    .split(' ')
    .map((name, code) => [name, code]),
)
