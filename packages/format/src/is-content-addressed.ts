import type { ContentAddress } from './content-address.ts'
import { contentAddressedPath } from './content-address.ts'
import { formatStorePath, type StorePath, storePathsEqual } from './store-path.ts'
import { UserError } from './user-error.ts'

/**
 * Whether the name of a path follows from its content address, so that nobody needs to be trusted who compares the contents
 * with that address.
 */
export function isContentAddressed(
  storeDirectory: string,
  info: {
    readonly path: StorePath
    readonly references: readonly StorePath[]
    readonly contentAddress?: ContentAddress | undefined
  },
): boolean {
  const { path, contentAddress, references } = info
  if (contentAddress === undefined) return false
  const others = references.filter((reference) => !storePathsEqual(reference, path))
  const refersToItself = others.length < references.length
  try {
    const texts = others.map((reference) => formatStorePath(storeDirectory, reference))
    const named = contentAddressedPath(storeDirectory, path.name, contentAddress, texts, refersToItself)
    return storePathsEqual(named, path)
  } catch (error) {
    // Addresses that no path may have (a flat one with references).
    if (error instanceof UserError) return false
    throw error
  }
}
