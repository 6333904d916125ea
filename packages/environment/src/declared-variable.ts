/** Variables as people declare them, for a release or a project. */
import type { Change } from './change.ts'

/** What the variable becomes, or what is put around its value. */
export type DeclaredVariable = string | DeclaredList

export interface DeclaredList {
  readonly prepend: readonly string[]
  readonly append: readonly string[]
  /** One of `separators`. */
  readonly separator: string
}

/**
 * The changes that the declarations ask for, in their order. `expand` puts directories for words of a text; a part of a
 * list that is empty then is left out, since an empty element means the current directory.
 */
export function declaredChanges(
  variables: Readonly<Record<string, DeclaredVariable>>,
  expand: (text: string) => string,
): Change[] {
  return Object.entries(variables).flatMap(([variable, declared]): Change[] => {
    if (typeof declared === 'string') return [{ kind: 'set', variable, value: expand(declared) }]
    return (['prepend', 'append'] as const).flatMap((kind) => {
      const values = declared[kind].map(expand).filter((value) => value !== '')
      return values.length === 0 ? [] : [{ kind, variable, values, separator: declared.separator }]
    })
  })
}

/** On one line for people: `"a"`, or `append "a:b"`. */
export function showDeclared(declared: DeclaredVariable): string {
  if (typeof declared === 'string') return JSON.stringify(declared)
  return (['prepend', 'append'] as const)
    .filter((kind) => declared[kind].length > 0)
    .map((kind) => `${kind} ${JSON.stringify(declared[kind].join(declared.separator))}`)
    .join(', ')
}
