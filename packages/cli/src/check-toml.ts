/** Checks of values in TOML files, each of which throws UserError with file, line and column of what is not as it must be. */
import type { UserError } from '@baryon/format'
import { type TomlFile, tomlMistake } from './read-toml.ts'
import { suggest } from './suggestion.ts'

/** A value in a file, and the code of what is said about it. */
export interface At {
  readonly source: TomlFile
  readonly path: readonly string[]
  readonly code: string
}

export type Check = (value: unknown, at: At) => void

export function mistake({ source, path, code }: At, message: string, hint?: string): UserError {
  return tomlMistake(source, path, code, message, hint)
}

export function below(at: At, key: string): At {
  return { ...at, path: [...at.path, key] }
}

export function must(isRight: (value: unknown) => boolean, expected: string): Check {
  return (value, at) => {
    if (!isRight(value)) throw mistake(at, `'${at.path.join('.')}' must be ${expected}`)
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

export const text = must(isText, 'a text')

export const texts: Check = (value, at) => {
  must(Array.isArray, 'a list of texts')(value, at)
  for (const [index, one] of (value as unknown[]).entries()) text(one, below(at, String(index)))
}

/** With keys that people choose. */
export function table(expected: string, isKey: (key: string) => boolean, check: Check): Check {
  return (value, at) => {
    must(isTable, `a table of ${expected}`)(value, at)
    for (const [key, one] of Object.entries(value as object)) {
      if (!isKey(key)) throw mistake(below(at, key), `'${key}' cannot be a name in '${at.path.join('.')}'`)
      check(one, below(at, key))
    }
  }
}

/** A table with these keys and no others; `otherNames` are what users of other tools write for them. */
export function record(
  keys: Readonly<Record<string, Check>>,
  otherNames: Readonly<Record<string, string>> = {},
): Check {
  return (value, at) => {
    for (const [key, one] of Object.entries(value as object)) {
      const check = Object.hasOwn(keys, key) ? keys[key] : undefined
      if (check !== undefined) check(one, below(at, key))
      else {
        const near = otherNames[key] ?? suggest(key, Object.keys(keys))[0]
        const hint = near === undefined ? `the keys are ${Object.keys(keys).join(', ')}` : `did you mean '${near}'?`
        const where = at.path.length === 0 ? '' : ` in '${at.path.join('.')}'`
        throw mistake(below(at, key), `unknown key '${key}'${where}`, hint)
      }
    }
  }
}
