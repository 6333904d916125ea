/** TOML files that people write: read whole, and every mistake in one named by file, line and column. */
import { readFileSync } from 'node:fs'
import { isSystemError, UserError } from '@baryon/format'
import { placeOfKey } from './toml-layout.ts'

export interface TomlFile {
  readonly file: string
  readonly text: string
  readonly table: Readonly<Record<string, unknown>>
}

/** Throws UserError `CODE_UNREADABLE`, or `CODE_SYNTAX` with the place: `FILE:LINE:COLUMN: what is wrong`. */
export async function readToml(file: string, code: string): Promise<TomlFile> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EISDIR', 'ENOENT')) throw error
    throw new UserError(`${code}_UNREADABLE`, `cannot read ${file}: ${error.code}`, { cause: error })
  }
  return { file, text, table: await parseToml(text, file, code) }
}

export async function parseToml(text: string, file: string, code: string): Promise<Record<string, unknown>> {
  const { parse, TomlError } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [what = '', ...shown] = error.message.split('\n\n')
    const message = what.replace(/^Invalid TOML document: /, '')
    const place = `${file}:${error.line}:${error.column}`
    throw new UserError(`${code}_SYNTAX`, [`${place}: ${message}`, ...shown].join('\n').trimEnd(), { cause: error })
  }
}

/** What is wrong with the value of a key, or with the key itself. */
export function tomlMistake(
  { file, text }: Pick<TomlFile, 'file' | 'text'>,
  path: readonly string[],
  code: string,
  message: string,
  hint?: string,
): UserError {
  const { line, column } = placeOfKey(text, path)
  return new UserError(code, `${file}:${line}:${column}: ${message}`, hint === undefined ? {} : { hint })
}
