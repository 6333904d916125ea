/**
 * Which versions of a package are meant: `zlib`, `zlib < 1.3`, `zlib >= 1.2, < 1.3`.
 *
 *     condition  = name [ comparison { "," comparison } ]
 *     comparison = ( "<" | "<=" | "=" | "==" | "!=" | ">=" | ">" ) version
 *
 * Versions are compared as Nix compares them; all comparisons must hold.
 */
import { UserError } from '@baryon/format'
import { compareVersions } from '@baryon/language'

export interface VersionCondition {
  /** Of the package, in any case. */
  readonly name: string
  readonly comparisons: readonly { readonly operator: Operator; readonly version: string }[]
}

type Operator = '<' | '<=' | '=' | '!=' | '>=' | '>'

/** Throws UserError `CONDITION_SYNTAX`. */
export function parseCondition(text: string): VersionCondition {
  const [, name, rest] = /^\s*([A-Za-z0-9_][A-Za-z0-9+._-]*)\s*(.*?)\s*$/s.exec(text) ?? []
  if (name === undefined || rest === undefined) throw syntaxError(text)
  const comparisons = (rest === '' ? [] : rest.split(',')).map((part) => {
    const [, operator, version] = /^\s*(<=|<|==|=|!=|>=|>)\s*([A-Za-z0-9+._-]+)\s*$/.exec(part) ?? []
    if (operator === undefined || version === undefined) throw syntaxError(text)
    return { operator: (operator === '==' ? '=' : operator) as Operator, version }
  })
  return { name, comparisons }
}

/** A package without a version meets only a condition without comparisons. */
export function meets(condition: VersionCondition, name: string, version: string): boolean {
  if (name.toLowerCase() !== condition.name.toLowerCase()) return false
  return condition.comparisons.every(
    ({ operator, version: other }) => version !== '' && accepts[operator](compareVersions(version, other)),
  )
}

/** By what `compareVersions` says of the version and the one in the condition. */
const accepts: Readonly<Record<Operator, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>=': (order) => order >= 0,
  '>': (order) => order > 0,
}

function syntaxError(text: string): UserError {
  return new UserError('CONDITION_SYNTAX', `'${text}' is not a package with versions`, {
    hint: "for example 'zlib < 1.3', 'zlib >= 1.2, < 1.2.13' or only zlib",
  })
}
