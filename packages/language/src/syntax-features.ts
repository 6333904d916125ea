import { formatError } from './error-text.ts'
import type { ParseError } from './errors.ts'
import type { EvalIo } from './eval-io.ts'
import type { EvalSettings } from './evaluator.ts'

/** Where the syntax of today differs from that of Nix 2.8. */
export interface SyntaxFeatures {
  /** No NUL in strings, positions and merged sets as today. */
  readonly newer: boolean
  /** `x |> f` and `f <| x` (`pipe-operators`). */
  readonly pipes: boolean
  readonly lints: Lints
  /** Takes what a lint says that only warns. */
  warn?(error: ParseError): void
}

/** Nix's settings for literals that are discouraged. */
export type LintName = 'lint-url-literals' | 'lint-absolute-path-literals' | 'lint-short-path-literals'
export type LintLevel = 'ignore' | 'warn' | 'fatal'
/** Those that are missing are ignored. */
export type Lints = Readonly<Partial<Record<LintName, LintLevel>>>

export const SYNTAX_OF_2_8: SyntaxFeatures = { newer: false, pipes: false, lints: {} }

export function syntaxFeatures(
  settings: Pick<EvalSettings, 'newerFeatures' | 'experimentalFeatures' | 'lints'>,
  io: Pick<EvalIo, 'log'>,
): SyntaxFeatures {
  const { newerFeatures: newer, lints } = settings
  return {
    newer,
    pipes: newer && settings.experimentalFeatures.includes('pipe-operators'),
    lints,
    warn: (error) => io.log(formatError(error, { showTrace: false, newer }).replace(/^error/, 'warning')),
  }
}
