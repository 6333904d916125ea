import { buildMachine, type MatchOptions, type RegexMachine } from './regex-machine.ts'
import { type ParsedRegex, parseRegex, type RegexNode } from './regex-syntax.ts'

/** A compiled expression; see `regex-syntax.ts` for the dialect. */
export interface Regex {
  /** Captures of a match of the whole text (null for groups that took no part), or undefined. */
  match(text: string): (string | null)[] | undefined
  /** Text between matches (string) and captures of each match (array), alternating, starting and ending with text. */
  split(text: string): (string | (string | null)[])[]
}

/**
 * Compiles, or throws `RegexSyntaxError`. Most expressions become a JavaScript RegExp; those whose captures or
 * lengths would differ run on a machine of our own.
 */
export function compileRegex(source: string): Regex {
  const parsed = parseRegex(source)
  let machine: RegexMachine | undefined
  const theMachine = (): RegexMachine => {
    machine ??= buildMachine(parsed)
    return machine
  }
  const text = losesCaptures(parsed.node) ? undefined : javascriptSource(parsed.node)
  let whole: RegExp | undefined
  let global: RegExp | undefined
  const searchable = text !== undefined && !isNullable(parsed.node) && !dependsOnLongest(parsed.node)
  return {
    match(subject) {
      if (text === undefined) {
        const spans = theMachine().run(subject, 0, WHOLE)
        return spans === undefined ? undefined : captures(subject, spans)
      }
      whole ??= new RegExp(`^(?:${text})$`)
      const match = whole.exec(subject)
      return match === null ? undefined : Array.from({ length: parsed.groups }, (_, i) => match[i + 1] ?? null)
    },
    split(subject) {
      if (!searchable) return machineSplit(theMachine(), subject)
      global ??= new RegExp(text, 'g')
      return nativeSplit(global, subject, parsed)
    },
  }
}

const NO_GROUPS: (string | null)[] = []
const WHOLE: MatchOptions = { whole: true, notEmpty: false, atBegin: true }

function nativeSplit(regex: RegExp, subject: string, parsed: ParsedRegex): (string | (string | null)[])[] {
  const parts: (string | (string | null)[])[] = []
  if (parsed.groups === 0) {
    // No object for each match. A match is never empty, so that JavaScript cuts at the same places.
    const texts = subject.split(regex)
    for (let i = 0; i < texts.length; i++) {
      if (i > 0) parts.push(NO_GROUPS)
      parts.push(texts[i]!)
    }
    return parts
  }
  let end = 0
  regex.lastIndex = 0
  for (;;) {
    const match = regex.exec(subject)
    if (match === null) break
    parts.push(subject.slice(end, match.index))
    const groups: (string | null)[] = []
    for (let i = 1; i <= parsed.groups; i++) groups.push(match[i] ?? null)
    parts.push(groups)
    end = regex.lastIndex
  }
  parts.push(subject.slice(end))
  return parts
}

/** The steps of `std::regex_iterator`: after an empty match, first a non-empty one at the same place. */
function machineSplit(machine: RegexMachine, subject: string): (string | (string | null)[])[] {
  const parts: (string | (string | null)[])[] = []
  let end = 0
  let spans = search(machine, subject, 0, true)
  while (spans !== undefined) {
    const [from, to] = spans as [number, number]
    parts.push(subject.slice(end, from), captures(subject, spans))
    end = to
    if (from !== to) {
      spans = search(machine, subject, to, false)
      continue
    }
    if (to === subject.length) break
    spans =
      machine.run(subject, to, { whole: false, notEmpty: true, atBegin: false }) ??
      search(machine, subject, to + 1, false)
  }
  parts.push(subject.slice(end))
  return parts
}

function search(machine: RegexMachine, subject: string, start: number, first: boolean): number[] | undefined {
  for (let at = start; at <= subject.length; at++) {
    const spans = machine.run(subject, at, { whole: false, notEmpty: false, atBegin: first && at === 0 })
    if (spans !== undefined) return spans
  }
  return undefined
}

function captures(subject: string, spans: readonly number[]): (string | null)[] {
  const groups: (string | null)[] = []
  for (let i = 2; i < spans.length; i += 2) {
    const end = spans[i + 1] as number
    groups.push(end < 0 ? null : subject.slice(spans[i], end))
  }
  return groups
}

function javascriptSource(node: RegexNode): string {
  switch (node.kind) {
    case 'empty':
      return '(?:)'
    case 'begin':
      return '^'
    case 'end':
      return '$'
    case 'set':
      return setSource(node.set)
    case 'sequence':
      return node.items
        .map((item) => (item.kind === 'choice' ? `(?:${javascriptSource(item)})` : javascriptSource(item)))
        .join('')
    case 'choice':
      return node.items.map(javascriptSource).join('|')
    case 'group':
      return `(${javascriptSource(node.body)})`
    case 'repeat': {
      const body = javascriptSource(node.body)
      const atomic = node.body.kind === 'set' || node.body.kind === 'group'
      return (atomic ? body : `(?:${body})`) + bounds(node.min, node.max)
    }
  }
}

function bounds(min: number, max: number | undefined): string {
  if (max === undefined) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`
  return min === 0 && max === 1 ? '?' : `{${min},${max}}`
}

function setSource(set: Uint8Array): string {
  let ranges = ''
  let size = 0
  for (let i = 0; i < 256; i++) {
    if (set[i] !== 1) continue
    let end = i
    while (end < 255 && set[end + 1] === 1) end++
    ranges += end === i ? hex(i) : `${hex(i)}-${hex(end)}`
    size += end - i + 1
    i = end
  }
  return size === 1 ? ranges : `[${ranges}]`
}

function hex(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`
}

/** JavaScript forgets inner captures in each round of a loop, and refuses empty rounds; libstdc++ does neither. */
function losesCaptures(node: RegexNode): boolean {
  switch (node.kind) {
    case 'sequence':
    case 'choice':
      return node.items.some(losesCaptures)
    case 'group':
      return losesCaptures(node.body)
    case 'repeat':
      if (!hasGroup(node.body)) return false
      return isNullable(node.body) || hasOptionalGroup(node.body) || losesCaptures(node.body)
    default:
      return false
  }
}

/** A capture that a successful round may leave out. */
function hasOptionalGroup(node: RegexNode): boolean {
  switch (node.kind) {
    case 'sequence':
      return node.items.some(hasOptionalGroup)
    case 'choice':
      return node.items.some(hasGroup)
    case 'group':
      return hasOptionalGroup(node.body)
    case 'repeat':
      return node.min === 0 ? hasGroup(node.body) : hasOptionalGroup(node.body)
    default:
      return false
  }
}

function hasGroup(node: RegexNode): boolean {
  switch (node.kind) {
    case 'group':
      return true
    case 'sequence':
    case 'choice':
      return node.items.some(hasGroup)
    case 'repeat':
      return hasGroup(node.body)
    default:
      return false
  }
}

function isNullable(node: RegexNode): boolean {
  switch (node.kind) {
    case 'set':
      return false
    case 'sequence':
      return node.items.every(isNullable)
    case 'choice':
      return node.items.some(isNullable)
    case 'group':
      return isNullable(node.body)
    case 'repeat':
      return node.min === 0 || isNullable(node.body)
    default:
      return true
  }
}

/** A search wants the longest alternative; JavaScript takes the first. The same when all have one fixed length. */
function dependsOnLongest(node: RegexNode): boolean {
  switch (node.kind) {
    case 'choice':
      return fixedLength(node) === undefined
    case 'sequence':
      return node.items.some(dependsOnLongest)
    case 'group':
    case 'repeat':
      return dependsOnLongest(node.body)
    default:
      return false
  }
}

function fixedLength(node: RegexNode): number | undefined {
  switch (node.kind) {
    case 'set':
      return 1
    case 'empty':
    case 'begin':
    case 'end':
      return 0
    case 'group':
      return fixedLength(node.body)
    case 'sequence':
      return node.items.reduce((sum: number | undefined, item) => {
        const length = fixedLength(item)
        return sum === undefined || length === undefined ? undefined : sum + length
      }, 0)
    case 'choice': {
      const [first, ...rest] = node.items.map(fixedLength)
      return rest.every((length) => length === first) ? first : undefined
    }
    case 'repeat': {
      const length = fixedLength(node.body)
      return length !== undefined && node.min === node.max ? length * node.min : undefined
    }
  }
}
