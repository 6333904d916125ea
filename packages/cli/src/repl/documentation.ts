import { readFileSync } from 'node:fs'
import { isSystemError, UserError } from '@baryon/format'
import { BUILTIN_DOCUMENTATION } from './builtin-documentation.ts'
import { docCommentAt } from './doc-comment.ts'
import type { Session } from './session.ts'

/** What is written about a builtin, or about the attribute that an expression like `lib.map` names. */
export async function documentationOf(session: Session, expression: string): Promise<string> {
  const builtin = /^(?:builtins\.)?([A-Za-z']+)$/.exec(expression)?.[1]
  const known =
    builtin === undefined || isShadowed(session, expression) ? undefined : BUILTIN_DOCUMENTATION.get(builtin)
  if (known !== undefined) return `builtins.${known.call}\n\n${known.text}`
  const [, set, name] = /^(?:(.*)\.)?([A-Za-z_][\w'-]*|"[^"]*")$/s.exec(expression) ?? []
  if (name === undefined) {
    throw new UserError('REPL_COMMAND', ':doc takes the name of a builtin or of an attribute', {
      hint: 'such as :doc map, or :doc lib.strings.concatMapStrings',
    })
  }
  const position = await positionOf(session, set === undefined ? session.sets.toReversed() : [set], name)
  if (position === undefined) {
    // Says what is wrong with the name, if that is all.
    await session.textOf(expression)
    throw new UserError('NO_DOCUMENTATION', `nothing is known about '${expression}'`)
  }
  const { file, line, column } = position
  const text = docCommentAt(sourceOf(file), line, column)
  if (text === undefined) {
    throw new UserError('NO_DOCUMENTATION', `'${expression}' has no documentation comment`, {
      hint: `it is defined at ${file}:${line}:${column}`,
    })
  }
  return `${expression}, defined at ${file}:${line}:${column}\n\n${Buffer.from(text, 'latin1').toString('utf8')}`
}

function isShadowed(session: Session, name: string): boolean {
  return session.definition(name) !== undefined
}

interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

async function positionOf(session: Session, sets: readonly string[], name: string): Promise<Position | undefined> {
  const quoted = name.startsWith('"') ? name : `"${name}"`
  for (const set of sets) {
    const position = await session.jsonOf(`builtins.unsafeGetAttrPos ${quoted} (${set}\n)`)
    if (position !== null) return position as Position
  }
  return undefined
}

/** Columns count bytes, and so does a text of one character for each. */
function sourceOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR', 'EISDIR')) return ''
    throw error
  }
}
