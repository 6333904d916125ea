/** Builds in the middle of an evaluation, by the options of the command line. Loaded by the evaluator's worker. */
import { realise } from '@baryon/build'
import { openStore, type StoreOptions } from '@baryon/store'
import { sandboxChoice } from './realise-options.ts'

/** What the evaluator asks for. */
export interface RealiseCall {
  readonly store: StoreOptions
  readonly targets: readonly { readonly derivation: string; readonly outputs: readonly string[] }[]
  readonly data: unknown
}

export async function realiseOutputs(call: RealiseCall, report: (event: unknown) => void): Promise<void> {
  const store = openStore(call.store)
  try {
    const targets = call.targets.map(({ derivation, outputs }) => ({ derivation: store.parse(derivation), outputs }))
    const { offline = false, sandbox } = (call.data ?? {}) as { offline?: boolean; sandbox?: string }
    await realise(store, targets, { onEvent: report, offline, sandbox: sandboxChoice(sandbox) })
  } finally {
    store.close()
  }
}
