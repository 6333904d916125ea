/**
 * Adds to and removes from a list of strings at the top of a TOML document, as a careful person would: every other byte stays,
 * comments and the way the list is laid out with them.
 */
import { afterSpace, layOutToml, lineEnd, type Span, unquote } from '../toml-layout.ts'

/** The text with the items at the end of the list `key`, which is made when it is not there. Items must not be in it. */
export function addToList(text: string, key: string, items: readonly string[]): string {
  if (items.length === 0) return text
  const list = findList(text, key)
  if (list === undefined) return insertKey(text, `${key} = [${items.map(quote).join(', ')}]`)
  const last = list.elements.at(-1)
  if (last === undefined) {
    const inside = list.value.start + 1
    // What may be a comment stays behind the items.
    return splice(text, inside, inside, items.map(quote).join(', ') + (text[inside] === '#' ? ' ' : ''))
  }
  const line = linesOf(text)
  const beginsItsLine = text.slice(line.startOf(last.start), last.start).trim() === ''
  if (!beginsItsLine) return splice(text, last.end, last.end, items.map((item) => `, ${quote(item)}`).join(''))
  const indent = text.slice(line.startOf(last.start), last.start)
  const next = afterSpace(text, last.end)
  const hasComma = text[next] === ','
  const from = hasComma ? next + 1 : last.end
  const hasLineToItself = text[afterBlanks(text, from)] === '#' || isLineEnd(text, afterBlanks(text, from))
  const place = hasLineToItself ? beforeLineEnd(text, from) : from
  const lines = items.map((item) => `${line.ending}${indent}${quote(item)}`).join(',') + (hasComma ? ',' : '')
  const added = splice(text, place, place, lines)
  return hasComma ? added : splice(added, last.end, last.end, ',')
}

/** The text without the items, and without the comments that share a line with one of them alone. */
export function removeFromList(text: string, key: string, items: readonly string[]): string {
  let result = text
  for (let list = findList(result, key); list !== undefined; list = findList(result, key)) {
    const index = list.elements.findIndex(({ start, end }) => items.includes(unquote(result.slice(start, end))))
    if (index < 0) break
    result = removeElement(result, list.elements, index)
  }
  return result
}

interface List {
  readonly value: Span
  readonly elements: readonly Span[]
}

function findList(text: string, key: string): List | undefined {
  const { entries } = layOutToml(text)
  const list = entries.find(({ path }) => path.length === 1 && path[0] === key)
  if (list === undefined) return undefined
  const elements = entries.filter(({ path }) => path.length === 2 && path[0] === key).map(({ value }) => value)
  return { value: list.value, elements }
}

function removeElement(text: string, elements: readonly Span[], index: number): string {
  const element = elements[index]!
  const next = afterSpace(text, element.end)
  if (text[next] === ',') {
    const line = linesOf(text)
    const start = line.startOf(element.start)
    const rest = afterBlanks(text, next + 1)
    const isAlone = text.slice(start, element.start).trim() === '' && !text.slice(element.end, next).includes('\n')
    if (isAlone && (text[rest] === '#' || isLineEnd(text, rest)))
      return splice(text, start, lineEnd(text, rest) + 1, '')
    const withoutComma = splice(text, next, rest, '')
    return splice(withoutComma, element.start, element.end, '')
  }
  const before = elements[index - 1]
  const withoutElement = removeLast(text, element)
  if (before === undefined) return withoutElement
  const comma = afterSpace(text, before.end)
  return splice(withoutElement, comma, comma + 1, '')
}

/** With its line, when it has one to itself. */
function removeLast(text: string, { start, end }: Span): string {
  const lineStart = linesOf(text).startOf(start)
  const rest = afterBlanks(text, end)
  const isAlone = text.slice(lineStart, start).trim() === '' && (text[rest] === '#' || isLineEnd(text, rest))
  if (isAlone && lineStart > 0) return splice(text, lineStart, lineEnd(text, rest) + 1, '')
  const blanks = /[ \t]*$/.exec(text.slice(0, start))![0].length
  return splice(text, start - blanks, end, '')
}

/** A line at the end of what comes before the first table. */
function insertKey(text: string, line: string): string {
  const { entries, headers } = layOutToml(text)
  const ending = linesOf(text).ending
  const [first] = headers
  const root = entries.filter(({ start }) => first === undefined || start < first.start)
  if (root.length > 0) {
    const place = beforeLineEnd(text, Math.max(...root.map(({ value }) => value.end)))
    return splice(text, place, place, ending + line)
  }
  if (first === undefined) return `${text}${text === '' || text.endsWith('\n') ? '' : ending}${line}${ending}`
  // Comments directly above a table are about it.
  let place = first.start
  while (place > 0) {
    const above = linesOf(text).startOf(place - 1)
    if (!text.slice(above, place).trimStart().startsWith('#')) break
    place = above
  }
  return splice(text, place, place, `${line}${ending}${ending}`)
}

function linesOf(text: string): { readonly ending: string; startOf(offset: number): number } {
  return {
    ending: text.includes('\r\n') ? '\r\n' : '\n',
    startOf: (offset) => text.lastIndexOf('\n', offset - 1) + 1,
  }
}

function afterBlanks(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}

function isLineEnd(text: string, at: number): boolean {
  return at >= text.length || text[at] === '\n' || text.startsWith('\r\n', at)
}

function beforeLineEnd(text: string, from: number): number {
  const end = lineEnd(text, from)
  return text[end - 1] === '\r' ? end - 1 : end
}

function splice(text: string, start: number, end: number, between: string): string {
  return text.slice(0, start) + between + text.slice(end)
}

/** JSON's escapes are TOML's, but for DEL. */
function quote(item: string): string {
  return JSON.stringify(item).replaceAll('\x7f', '\\u007F')
}
