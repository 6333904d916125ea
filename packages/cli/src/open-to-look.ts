import { UserError } from '@baryon/format'
import { openStore, type Store, type StoreOptions } from '@baryon/store'

/**
 * Opens a store for a command that may find that it has nothing to write. One that cannot be written (a read-only mount,
 * the store of somebody else) is opened for reading: changes then fail with `STORE_READ_ONLY`.
 */
export function openToLook(options: StoreOptions): Store {
  try {
    return openStore(options)
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'STORE_READ_ONLY')) throw error
    return openStore({ ...options, readOnly: true })
  }
}
