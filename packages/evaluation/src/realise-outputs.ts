import { realise } from '@baryon/build'
import { openStore } from '@baryon/store'
import type { RealiseCall } from './blocking-call.ts'

/**
 * Builds outputs that an evaluation needs to read. A caller with settings of its own names another module with this
 * function in its request.
 */
export async function realiseOutputs(call: RealiseCall, report: (event: unknown) => void): Promise<void> {
  const store = openStore(call.store)
  try {
    const targets = call.targets.map(({ derivation, outputs }) => ({ derivation: store.parse(derivation), outputs }))
    await realise(store, targets, { onEvent: report })
  } finally {
    store.close()
  }
}
