import { UserError } from '@baryon/format'
// Types only: settings are read before it is known whether the language is needed.
import type { LintLevel, LintName, Lints } from '@baryon/language'

/** What `builtins.nixVersion` says, and with it whose language is spoken: that of today, or that of 2.8. */
export type NixVersion = '2.36.0' | '2.8.0'

export const NEWEST_NIX_VERSION: NixVersion = '2.36.0'

/** `2.36.0`, `2.36`, `newest`, `2.8.0` or `2.8`; anything else is a `UserError`. */
export function parseNixVersion(text: string): NixVersion {
  switch (text) {
    case 'newest':
    case '2.36':
    case '2.36.0':
      return '2.36.0'
    case '2.8':
    case '2.8.0':
      return '2.8.0'
  }
  throw new UserError('NIX_VERSION', `there is no language of Nix '${text}' here`, {
    hint: 'the versions are 2.36.0 (the newest, the default) and 2.8.0',
  })
}

/** A number of calls that may nest, from the command line. */
export function parseCallDepth(text: string): number {
  const depth = /^[0-9]+$/.test(text) ? Number(text) : 0
  if (depth < 1 || depth > 0xffffffff) {
    throw new UserError('CALL_DEPTH', `'${text}' is no number of nested calls`, {
      hint: 'such as --max-call-depth 10000',
    })
  }
  return depth
}

/** The `lint-…` settings, from what is given for each. */
export function parseLints(given: (name: LintName) => string | undefined): Lints {
  const lints = lintNames.flatMap((name) => {
    const text = given(name)
    if (text === undefined) return []
    const level = LINT_LEVELS.find((one) => one === text)
    if (level !== undefined) return [[name, level]]
    throw new UserError('LINT_LEVEL', `'${text}' is no level of ${name}`, {
      hint: `known are ${LINT_LEVELS.join(', ')}`,
    })
  })
  return Object.fromEntries(lints)
}

export const lintNames: readonly LintName[] = [
  'lint-url-literals',
  'lint-absolute-path-literals',
  'lint-short-path-literals',
]
const LINT_LEVELS: readonly LintLevel[] = ['ignore', 'warn', 'fatal']
