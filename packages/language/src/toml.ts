import { attrsFromEntries } from './attrs.ts'
import type { ValueError } from './errors.ts'
import { intern } from './symbols.ts'
import { type TomlOptions, TomlScanner } from './toml-scanner.ts'
import type { Slot, Value } from './value.ts'

/**
 * `builtins.fromTOML`: TOML 1.0 text (bytes) as a value. Dates and times are refused, or with `timestamps` become sets
 * (`parse-toml-timestamps`). In the language of today (`newer`) NULs are errors.
 */
export function parseToml(text: string, options: TomlOptions): Value {
  const scanner = new TomlScanner(text, options)
  const root = new Table('header')
  let current = root
  for (scanner.skipLines(); !scanner.atEnd(); scanner.skipLines()) {
    if (scanner.take('[[')) {
      const keys = scanner.keyPath()
      scanner.expect(']]')
      current = appendTable(root, keys, scanner)
    } else if (scanner.take('[')) {
      const keys = scanner.keyPath()
      scanner.expect(']')
      current = openTable(root, keys, scanner)
    } else {
      assignPair(current, scanner)
    }
    scanner.endOfLine()
  }
  return toValue(root)
}

type TomlItem = Value | Table | TableArray | ItemList

/** How a table came to be decides what may still be added to it. */
type Origin = 'implicit' | 'header' | 'dotted' | 'inline'

class Table {
  readonly items = new Map<string, TomlItem>()
  origin: Origin
  constructor(origin: Origin) {
    this.origin = origin
  }
}

/** `[[name]]` tables. */
class TableArray {
  readonly tables: Table[] = []
}

/** A list of values that may hold inline tables. */
class ItemList {
  readonly items: TomlItem[] = []
}

function openTable(root: Table, keys: readonly string[], scanner: TomlScanner): Table {
  const parent = descend(root, keys.slice(0, -1), scanner)
  const last = keys.at(-1)!
  const existing = parent.items.get(last)
  if (existing === undefined) {
    const table = new Table('header')
    parent.items.set(last, table)
    return table
  }
  if (!(existing instanceof Table) || existing.origin !== 'implicit') throw duplicate(last, scanner)
  existing.origin = 'header'
  return existing
}

function appendTable(root: Table, keys: readonly string[], scanner: TomlScanner): Table {
  const parent = descend(root, keys.slice(0, -1), scanner)
  const last = keys.at(-1)!
  let array = parent.items.get(last)
  if (array === undefined) {
    array = new TableArray()
    parent.items.set(last, array)
  }
  if (!(array instanceof TableArray)) throw duplicate(last, scanner)
  const table = new Table('header')
  array.tables.push(table)
  return table
}

/** Through the tables of a header; of an array of tables the last one counts. */
function descend(root: Table, keys: readonly string[], scanner: TomlScanner): Table {
  let table = root
  for (const key of keys) {
    const next = table.items.get(key)
    if (next === undefined) {
      const fresh = new Table('implicit')
      table.items.set(key, fresh)
      table = fresh
    } else if (next instanceof TableArray) {
      table = next.tables.at(-1)!
    } else if (next instanceof Table && next.origin !== 'inline') {
      table = next
    } else {
      throw duplicate(key, scanner)
    }
  }
  return table
}

/** `a.b = value` in a table. */
function assignPair(start: Table, scanner: TomlScanner): void {
  const keys = scanner.keyPath()
  scanner.expect('=')
  let table = start
  for (const key of keys.slice(0, -1)) {
    const next = table.items.get(key)
    if (next === undefined) {
      const fresh = new Table('dotted')
      table.items.set(key, fresh)
      table = fresh
    } else if (next instanceof Table && (next.origin === 'dotted' || next.origin === 'implicit')) {
      table = next
    } else {
      throw duplicate(key, scanner)
    }
  }
  const last = keys.at(-1)!
  if (table.items.has(last)) throw duplicate(last, scanner)
  table.items.set(last, parseItem(scanner))
}

function parseItem(scanner: TomlScanner): TomlItem {
  scanner.skipBlanks()
  if (scanner.take('[')) return parseList(scanner)
  if (scanner.take('{')) return parseInlineTable(scanner)
  return scanner.scalar()
}

function parseList(scanner: TomlScanner): ItemList {
  const list = new ItemList()
  for (;;) {
    scanner.skipLines()
    if (scanner.take(']')) return list
    list.items.push(parseItem(scanner))
    scanner.skipLines()
    if (scanner.take(',')) continue
    scanner.expect(']')
    return list
  }
}

function parseInlineTable(scanner: TomlScanner): Table {
  const table = new Table('header')
  scanner.skipBlanks()
  if (!scanner.take('}')) {
    for (;;) {
      assignPair(table, scanner)
      scanner.skipBlanks()
      if (scanner.take(',')) continue
      scanner.expect('}')
      break
    }
  }
  seal(table)
  return table
}

/** An inline table is complete: nothing outside may add to it. */
function seal(table: Table): void {
  table.origin = 'inline'
  for (const item of table.items.values()) if (item instanceof Table) seal(item)
}

function toValue(item: TomlItem): Value {
  if (item instanceof Table) {
    const symbols: number[] = []
    const slots: Slot[] = []
    for (const [key, value] of item.items) {
      symbols.push(intern(key))
      slots.push(toValue(value))
    }
    return attrsFromEntries(symbols, slots)
  }
  if (item instanceof TableArray) return item.tables.map(toValue)
  if (item instanceof ItemList) return item.items.map(toValue)
  return item
}

function duplicate(key: string, scanner: TomlScanner): ValueError {
  return scanner.error(`key '${key}' is already defined`)
}
