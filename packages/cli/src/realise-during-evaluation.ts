/** Builds in the middle of an evaluation, by the options of the command line. Loaded by the evaluator's worker. */
import { realise } from '@baryon/build'
import { openStore, type StoreOptions } from '@baryon/store'
import { sandboxChoice } from './realise-options.ts'
import { type ChosenCaches, openChosen } from './substituters.ts'

/** What the evaluator asks for. */
export interface RealiseCall {
  readonly store: StoreOptions
  readonly targets: readonly { readonly derivation: string; readonly outputs: readonly string[] }[]
  readonly data: unknown
}

/** What the command line hands through the evaluator. */
export interface RealiseData {
  readonly offline?: boolean | undefined
  readonly sandbox?: string | undefined
  readonly caches?: ChosenCaches | undefined
}

export async function realiseOutputs(call: RealiseCall, report: (event: unknown) => void): Promise<void> {
  const store = openStore(call.store)
  try {
    const targets = call.targets.map(({ derivation, outputs }) => ({ derivation: store.parse(derivation), outputs }))
    const { offline = false, sandbox, caches } = (call.data ?? {}) as RealiseData
    const substituters = caches === undefined ? [] : await openChosen(caches, store.storeDirectory, report)
    await realise(store, targets, { onEvent: report, offline, sandbox: sandboxChoice(sandbox), substituters })
  } finally {
    store.close()
  }
}
