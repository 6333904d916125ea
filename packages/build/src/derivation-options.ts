import { type Derivation, UserError } from '@baryon/format'

/**
 * The attributes of a derivation that speak to whoever builds it, read alike from the environment or, with
 * `__structuredAttrs`, from the JSON in `__json`. All texts are byte strings.
 */
export interface DerivationOptions {
  /** The parsed `__json`, or undefined for a derivation without structured attributes. */
  readonly structured: JsonObject | undefined
  text(name: string): string | undefined
  flag(name: string, fallback: boolean): boolean
  /** A list, or words separated by white space. */
  words(name: string): string[] | undefined
}

/** JSON with numbers as they were written (`{ number }`) and strings as byte strings. */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject

export interface JsonNumber {
  readonly number: string
}

export type JsonObject = ReadonlyMap<string, Json>

export function derivationOptions(derivation: Derivation): DerivationOptions {
  const source = derivation.env.get('__json')
  const structured = source === undefined ? undefined : parseStructured(source)
  const text = (name: string): string | undefined => {
    if (structured === undefined) return derivation.env.get(name)
    const value = structured.get(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw wrongKind(name, 'a string')
    return value
  }
  return {
    structured,
    text,
    flag(name, fallback) {
      if (structured === undefined) return derivation.env.has(name) ? derivation.env.get(name) === '1' : fallback
      const value = structured.get(name)
      if (value === undefined) return fallback
      if (typeof value !== 'boolean') throw wrongKind(name, 'a Boolean')
      return value
    },
    words(name) {
      if (structured === undefined) return derivation.env.has(name) ? splitWords(derivation.env.get(name)!) : undefined
      const value = structured.get(name)
      if (value === undefined) return undefined
      return stringList(value, name)
    },
  }
}

export function splitWords(text: string): string[] {
  return text.split(/[ \t\n\r]+/).filter((word) => word !== '')
}

export function stringList(value: Json, name: string): string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw wrongKind(name, 'a list of strings')
  return value as string[]
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map
}

/** Compact, keys sorted bytewise, as Nix writes `.attrs.json`; a byte string. */
export function formatJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return `[${value.map(formatJson).join(',')}]`
  if (isJsonObject(value)) {
    const keys = [...value.keys()].sort()
    return `{${keys.map((key) => `${quote(key)}:${formatJson(value.get(key)!)}`).join(',')}}`
  }
  return (value as JsonNumber).number
}

function quote(bytes: string): string {
  // The bytes above ASCII pass as they are; only control characters, quotes and backslashes are escaped.
  return JSON.stringify(bytes)
}

function parseStructured(source: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(source, 'latin1').toString('utf8'), reviveNumber)
  } catch (cause) {
    throw new UserError('DERIVATION_INVALID', 'the __json attribute of the derivation is not JSON', { cause })
  }
  const json = fromParsed(value)
  if (!isJsonObject(json))
    throw new UserError('DERIVATION_INVALID', 'the __json attribute of the derivation is not an object')
  return json
}

/** The third argument of a reviver (its source text) is newer than the type declarations. */
function reviveNumber(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? { [NUMBER]: context?.source ?? String(value) } : value
}

const NUMBER = Symbol('number')

function fromParsed(value: unknown): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return bytesOf(value)
  if (Array.isArray(value)) return value.map(fromParsed)
  if (typeof value !== 'object') throw new Error(`JSON.parse gave a ${typeof value}`)
  if (NUMBER in value) return { number: value[NUMBER] as string }
  return new Map(Object.entries(value).map(([key, item]) => [bytesOf(key), fromParsed(item)]))
}

function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function wrongKind(name: string, kind: string): UserError {
  return new UserError('DERIVATION_INVALID', `attribute '${name}' of the derivation must be ${kind}`)
}
