/**
 * `[variables]` of a release or a project, where each is a text, or a table of what is put around the value that it has:
 *
 * ```toml
 * DATA = "/data"
 * PYTHONPATH = { prepend = ["/mine", "/ours"] }      # /mine:/ours:…
 * ROOT_INCLUDE_PATH = { append = "/more" }           # …:/more
 * OPTIONS = { append = "-v", separator = " " }
 * ```
 */
import { type DeclaredVariable, isVariableName, separators } from '@baryon/environment'
import { type Check, isTable, isText, mistake, must, record, table } from './check-toml.ts'

type WrittenVariable = string | WrittenList

interface WrittenList {
  readonly prepend?: string | readonly string[]
  readonly append?: string | readonly string[]
  readonly separator?: string
}

export type WrittenVariables = Readonly<Record<string, WrittenVariable>>

const isPart = (value: unknown): boolean => isText(value) && value !== ''
/** An empty part would be the current directory for most programs. */
const parts = must(
  (value) => (Array.isArray(value) ? value.length > 0 && value.every(isPart) : isPart(value)),
  'a text or a list of texts, none of them empty',
)
const separator = must(
  (value) => separators.includes(value as string),
  `one of ${separators.map((one) => JSON.stringify(one)).join(' ')}`,
)

const variable: Check = (value, at) => {
  if (isText(value)) return
  must(isTable, 'a text, or { prepend = "…", append = "…" }')(value, at)
  record({ prepend: parts, append: parts, separator })(value, at)
  const { prepend, append } = value as WrittenList
  if (prepend === undefined && append === undefined) {
    throw mistake(at, `'${at.path.join('.')}' has neither 'prepend' nor 'append'`)
  }
}

export const checkVariables: Check = table('texts, by names of variables', isVariableName, variable)

/** After the check. */
export function declaredVariables(written: WrittenVariables = {}): Record<string, DeclaredVariable> {
  return Object.fromEntries(Object.entries(written).map(([name, value]) => [name, declaredVariable(value)]))
}

function declaredVariable(written: WrittenVariable): DeclaredVariable {
  if (typeof written === 'string') return written
  const { prepend = [], append = [], separator = ':' } = written
  return { prepend: [prepend].flat(), append: [append].flat(), separator }
}
