/** What an activation does to one variable of a process. */

export type Change =
  | { readonly kind: 'set'; readonly variable: string; readonly value: string }
  | { readonly kind: 'unset'; readonly variable: string }
  | ListChange

/** Values that are put before or behind what the variable holds, with the separator between all of them. */
export interface ListChange {
  readonly kind: 'prepend' | 'append'
  readonly variable: string
  readonly values: readonly string[]
  /** One of `separators`. */
  readonly separator: string
}

/** None of them means anything between the double quotes of a shell. */
export const separators: readonly string[] = [':', ';', ',', '|', ' ']

export function isVariableName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text)
}

/** The texts that it brings into the variable. */
export function valuesOfChange(change: Change): readonly string[] {
  switch (change.kind) {
    case 'set':
      return [change.value]
    case 'unset':
      return []
    case 'prepend':
    case 'append':
      return change.values
  }
}

/** The change with other texts. */
export function mapChange(change: Change, replace: (text: string) => string): Change {
  switch (change.kind) {
    case 'set':
      return { ...change, value: replace(change.value) }
    case 'unset':
      return change
    case 'prepend':
    case 'append':
      return { ...change, values: change.values.map(replace) }
  }
}

/** What is wrong with a change that was read from a file, in a few words; undefined: nothing. */
export function mistakeInChange(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'is not an object'
  const change = value as Partial<Record<string, unknown>>
  if (!isText(change.variable) || !isVariableName(change.variable)) return 'has no variable'
  switch (change.kind as Change['kind']) {
    case 'set':
      return isText(change.value) ? undefined : 'has no value'
    case 'unset':
      return undefined
    case 'prepend':
    case 'append':
      if (!Array.isArray(change.values) || !change.values.every(isText)) return 'has no values'
      return separators.includes(change.separator as string) ? undefined : 'has a separator that is not known'
    default:
      return `is of the kind ${JSON.stringify(change.kind)}, which is not known`
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}
