import type { EvalSettings } from './evaluator.ts'

/**
 * How deep data may nest that is written, printed or evaluated completely. Today's Nix counts this with the calls
 * (`max-call-depth`, 10,000 unless set), 2.8 not at all.
 */
export function maxDataDepth(settings: Pick<EvalSettings, 'newerFeatures' | 'maxCallDepth'>): number {
  return settings.newerFeatures ? (settings.maxCallDepth ?? 10_000) : Number.POSITIVE_INFINITY
}
