import { attributePosition } from './attribute-position.ts'
import { findAttribute, nameOrder } from './attrs.ts'
import type { ContextCollector } from './context.ts'
import { isDerivation } from './equality.ts'
import { formatGeneral6 } from './float-text.ts'
import { Lambda, PartialApp } from './function.ts'
import { lineColumn, type Position } from './position.ts'
import { intern, symbolText } from './symbols.ts'
import { forceThunk, isUnevaluated, Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

export interface XmlOptions {
  /** Evaluate what is not evaluated yet (otherwise `<unevaluated />`). */
  readonly strict: boolean
  /** Write where attributes and functions come from. */
  readonly locations: boolean
}

/** A value as an XML document in Nix's form, as of `builtins.toXML` and `nix-instantiate --eval --xml`. */
export function xmlText(slot: Slot, options: XmlOptions, context: ContextCollector): string {
  const writer = new XmlWriter(options, context)
  writer.out = "<?xml version='1.0' encoding='utf-8'?>\n<expr>\n"
  writer.value(slot, '  ')
  return `${writer.out}</expr>\n`
}

type XmlAttributes = readonly (readonly [string, string])[]

class XmlWriter {
  out = ''
  readonly #options: XmlOptions
  readonly #context: ContextCollector
  readonly #derivations = new Set<string>()

  constructor(options: XmlOptions, context: ContextCollector) {
    this.#options = options
    this.#context = context
  }

  value(slot: Slot, indent: string): void {
    if (isUnevaluated(slot) && !this.#options.strict) {
      this.#empty(indent, 'unevaluated')
      return
    }
    const value = slot instanceof Thunk ? forceThunk(slot) : slot
    if (value instanceof Attrs) this.#set(value, indent)
    else if (Array.isArray(value)) {
      this.#open(indent, 'list')
      for (const item of value) this.value(item, `${indent}  `)
      this.#close(indent, 'list')
    } else if (value instanceof Lambda) this.#lambda(value, 0, indent)
    else if (value instanceof PartialApp && value.fn instanceof Lambda) {
      this.#lambda(value.fn, value.args.length, indent)
    } else this.#scalar(value, indent)
  }

  #scalar(value: Value, indent: string): void {
    switch (typeof value) {
      case 'string':
        this.#empty(indent, 'string', [['value', value]])
        return
      case 'number':
      case 'bigint':
        this.#empty(indent, 'int', [['value', value.toString()]])
        return
      case 'boolean':
        this.#empty(indent, 'bool', [['value', value.toString()]])
        return
    }
    if (value === null) this.#empty(indent, 'null')
    else if (value instanceof NixString) {
      this.#context.add(value.context)
      this.#empty(indent, 'string', [['value', value.text]])
    } else if (value instanceof Path) this.#empty(indent, 'path', [['value', value.path]])
    else if (value instanceof Float) this.#empty(indent, 'float', [['value', formatGeneral6(value.value)]])
    else this.#empty(indent, 'unevaluated')
  }

  #set(attrs: Attrs, indent: string): void {
    if (!isDerivation(attrs)) {
      this.#open(indent, 'attrs')
      this.#attributes(attrs, `${indent}  `)
      this.#close(indent, 'attrs')
      return
    }
    const derivationPath = this.#stringAttribute(attrs, DRV_PATH)
    const outPath = this.#stringAttribute(attrs, OUT_PATH)
    const xmlAttributes: [string, string][] = []
    if (derivationPath !== undefined) xmlAttributes.push(['drvPath', derivationPath])
    if (outPath !== undefined) xmlAttributes.push(['outPath', outPath])
    this.#open(indent, 'derivation', xmlAttributes)
    if (derivationPath !== undefined && derivationPath !== '' && !this.#derivations.has(derivationPath)) {
      this.#derivations.add(derivationPath)
      this.#attributes(attrs, `${indent}  `)
    } else {
      this.#empty(`${indent}  `, 'repeated')
    }
    this.#close(indent, 'derivation')
  }

  #stringAttribute(attrs: Attrs, symbol: number): string | undefined {
    const i = findAttribute(attrs, symbol)
    if (i < 0) return undefined
    const slot = attrs.slots[i]!
    if (isUnevaluated(slot) && !this.#options.strict) return undefined
    const value = slot instanceof Thunk ? forceThunk(slot) : slot
    return typeof value === 'string' ? value : value instanceof NixString ? value.text : undefined
  }

  #attributes(attrs: Attrs, indent: string): void {
    for (const i of nameOrder(attrs)) {
      const name = symbolText(attrs.keys[i]!)
      const position = this.#options.locations ? attributePosition(attrs, attrs.keys[i]!) : undefined
      const place = position === undefined ? undefined : locationOf(position)
      this.#open(
        indent,
        'attr',
        place === undefined ? [['name', name]] : [place.column, place.line, ['name', name], place.path],
      )
      this.value(attrs.slots[i]!, `${indent}  `)
      this.#close(indent, 'attr')
    }
  }

  /** `a: b: …` is one lambda of several arguments here: `applied` of them were given already. */
  #lambda(lambda: Lambda, applied: number, indent: string): void {
    const { site } = lambda
    const place = this.#options.locations ? locationOf(site.position) : undefined
    this.#open(indent, 'function', place === undefined ? [] : [place.column, place.line, place.path])
    const inner = `${indent}  `
    if (site.formals === undefined) {
      this.#empty(inner, 'varpat', [['name', site.argumentNames[applied] ?? '']])
    } else {
      const pattern: [string, string][] = []
      if (site.formals.open) pattern.push(['ellipsis', '1'])
      const name = site.argumentNames[0] ?? ''
      if (name !== '') pattern.push(['name', name])
      this.#open(inner, 'attrspat', pattern)
      const names = site.formals.keys.map(symbolText).sort((a, b) => (a < b ? -1 : 1))
      for (const formal of names) this.#empty(`${inner}  `, 'attr', [['name', formal]])
      this.#close(inner, 'attrspat')
    }
    this.#close(indent, 'function')
  }

  #open(indent: string, tag: string, attributes: XmlAttributes = []): void {
    this.out += `${indent}<${tag}${attributeText(attributes)}>\n`
  }

  #close(indent: string, tag: string): void {
    this.out += `${indent}</${tag}>\n`
  }

  #empty(indent: string, tag: string, attributes: XmlAttributes = []): void {
    this.out += `${indent}<${tag}${attributeText(attributes)} />\n`
  }
}

const DRV_PATH = intern('drvPath')
const OUT_PATH = intern('outPath')

interface Location {
  readonly column: readonly [string, string]
  readonly line: readonly [string, string]
  readonly path: readonly [string, string]
}

/** For a text that is no file Nix writes the text itself as the path. */
function locationOf(position: Position): Location {
  const { line, column } = lineColumn(position.file.source(), position.offset)
  const { name } = position.file
  const path = name.startsWith('/') ? name : position.file.source()
  return { column: ['column', column.toString()], line: ['line', line.toString()], path: ['path', path] }
}

function attributeText(attributes: XmlAttributes): string {
  let text = ''
  for (const [name, value] of attributes) text += ` ${name}="${value.replace(/["<>&\n]/g, escapeChar)}"`
  return text
}

function escapeChar(char: string): string {
  switch (char) {
    case '"':
      return '&quot;'
    case '<':
      return '&lt;'
    case '>':
      return '&gt;'
    case '&':
      return '&amp;'
    default:
      return '&#xA;'
  }
}
