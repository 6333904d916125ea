import { storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Prefix } from './activation.ts'

/** A store path and where its files are; undefined for words that are no store paths (flags, paths of the host), which have no place in an environment. */
export function storePrefix(
  store: Store,
  logical: string,
  physicalDirectory = store.physicalDirectory,
): Prefix | undefined {
  try {
    const path = store.parse(logical)
    return { logical: store.format(path), physical: `${physicalDirectory}/${storePathBaseName(path)}` }
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}
