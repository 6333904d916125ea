/** Values inside of messages, as today's Nix shows them there: nothing is evaluated, and what is large is cut short. */
import { nameOrder } from './attrs.ts'
import { formatGeneral6 } from './float-text.ts'
import { Lambda, PartialApp, PrimOp } from './function.ts'
import { lineColumn, type Position } from './position.ts'
import { printName, printString } from './print-value.ts'
import { symbolText } from './symbols.ts'
import { force, isUnevaluated } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

/** In bytes. */
export function valueInError(value: Value): string {
  return show(value, 0, { attributes: 0, items: 0, seen: new Set() })
}

interface Shown {
  attributes: number
  items: number
  readonly seen: Set<Value>
}

const MAX_DEPTH = 10
/** Of all sets and lists together. */
const MAX_ENTRIES = 10
const MAX_STRING = 1024

function show(slot: Slot, depth: number, shown: Shown): string {
  if (isUnevaluated(slot)) return marked('thunk')
  const value = force(slot)
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return value.toString()
  }
  if (value === null) return 'null'
  if (value instanceof NixString) return text(value.text)
  if (value instanceof Path) return value.path
  if (value instanceof Float) return formatGeneral6(value.value)
  if (value instanceof Attrs) return attributes(value, depth, shown)
  if (value instanceof Lambda) {
    const { name, position } = value.site
    return marked(`lambda${name === '' ? '' : ` ${name}`} @ ${positionInError(position)}`)
  }
  if (value instanceof PrimOp) return marked(`primop ${value.name}`)
  if (value instanceof PartialApp) {
    const { fn } = value
    return fn instanceof PrimOp ? marked(`partially applied primop ${fn.name}`) : show(fn, depth, shown)
  }
  return list(value as readonly Slot[], depth, shown)
}

function attributes(value: Attrs, depth: number, shown: Shown): string {
  if (shown.seen.has(value)) return marked('repeated')
  shown.seen.add(value)
  if (depth >= MAX_DEPTH) return '{ ... }'
  let result = '{'
  const order = nameOrder(value)
  const isFirst = (i: number): boolean => /^_?type$/.test(symbolText(value.keys[i]!))
  const sorted = [...order.filter(isFirst), ...order.filter((i) => !isFirst(i))]
  for (const [count, i] of sorted.entries()) {
    if (shown.attributes >= MAX_ENTRIES) {
      result += ` ${elided(sorted.length - count, 'attribute')}`
      break
    }
    result += ` ${printName(symbolText(value.keys[i]!))} = ${show(value.slots[i]!, depth + 1, shown)};`
    shown.attributes++
  }
  return `${result} }`
}

function list(value: readonly Slot[], depth: number, shown: Shown): string {
  if (value.length > 0 && shown.seen.has(value)) return marked('repeated')
  shown.seen.add(value)
  if (depth >= MAX_DEPTH) return '[ ... ]'
  let result = '['
  for (const [count, item] of value.entries()) {
    if (shown.items >= MAX_ENTRIES) {
      result += ` ${elided(value.length - count, 'item')}`
      break
    }
    result += ` ${show(item, depth + 1, shown)}`
    shown.items++
  }
  return `${result} ]`
}

function text(value: string): string {
  if (value.length <= MAX_STRING) return printString(value)
  return `${printString(value.slice(0, MAX_STRING))} ${elided(value.length - MAX_STRING, 'byte')}`
}

function elided(count: number, what: string): string {
  return marked(`${count} ${what}${count === 1 ? '' : 's'} elided`)
}

/** `file:line:column`, also of what is no file: `«stdin»:1:2` in bytes. */
export function positionInError({ file, offset }: Position): string {
  const { line, column } = lineColumn(file.source(), offset)
  const name = /^«(.*)»$/.exec(file.name)
  return `${name === null ? file.name : marked(name[1]!)}:${line}:${column}`
}

/** `«…»` in UTF-8, as bytes. */
function marked(what: string): string {
  return `\xc2\xab${what}\xc2\xbb`
}
