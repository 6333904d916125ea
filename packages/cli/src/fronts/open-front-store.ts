import { UserError } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import { type FrontArguments, optionOf } from './front-arguments.ts'
import { type FrontStore, frontStore } from './front-store.ts'

/** The store of a front; one that is only read may belong to somebody else, or not be there yet. */
export async function openFrontStore(given: FrontArguments, readOnly = false): Promise<Store> {
  const selected = await frontStore(given)
  const autoOptimise = optionOf(given, 'auto-optimise-store') === 'true'
  return openSelected(
    autoOptimise ? { ...selected, options: { ...selected.options, autoOptimise } } : selected,
    readOnly,
  )
}

export function openSelected({ options, isDummy }: FrontStore, readOnly: boolean): Store {
  if (isDummy) throw new UserError('STORE_DUMMY', 'the dummy store holds nothing: unset NIX_REMOTE')
  if (readOnly) {
    try {
      return openStore({ ...options, readOnly: true })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  }
  return openStore(options)
}
