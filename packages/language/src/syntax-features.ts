import type { EvalSettings } from './evaluator.ts'

/** Where the syntax of today differs from that of Nix 2.8. */
export interface SyntaxFeatures {
  /** No NUL in strings, positions and merged sets as today. */
  readonly newer: boolean
  /** `x |> f` and `f <| x` (`pipe-operators`). */
  readonly pipes: boolean
}

export const SYNTAX_OF_2_8: SyntaxFeatures = { newer: false, pipes: false }

export function syntaxFeatures(settings: Pick<EvalSettings, 'newerFeatures' | 'experimentalFeatures'>): SyntaxFeatures {
  const newer = settings.newerFeatures
  return { newer, pipes: newer && settings.experimentalFeatures.includes('pipe-operators') }
}
