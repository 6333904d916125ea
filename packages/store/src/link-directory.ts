/**
 * `.links`, Nix's directory of what was deduplicated: one hard link per distinct file or symbolic link of the store,
 * named after the nix32 SHA-256 of its NAR (so an executable is another file than its plain copy).
 *
 *     .links/0c5mz0d1cj4xdhqlk1q1v5yhj30dmqb2lh2pppb0qhw6xkfrxz7m
 */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs'
import { formatHash, type Hash, isNix32, UserError } from '@baryon/format'
import { hashPath } from './nar-tree.ts'

export function linkDirectory(store: { readonly physicalDirectory: string }): string {
  return `${store.physicalDirectory}/.links`
}

export function linkName(hash: Hash): string {
  return formatHash(hash, 'nix32', false)
}

/** Names of the links; nothing else that may lie there. */
export function listLinks(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory).filter((name) => name.length === 52 && isNix32(name))
}

/** Links whose contents are not what their names say. */
export function damagedLinks(directory: string): string[] {
  return listLinks(directory).filter((name) => {
    const file = `${directory}/${name}`
    try {
      return linkName(hashPath(file).hash) !== name
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      // Unreadable is damaged; gone (collected meanwhile) is nothing.
      return lstatSync(file, { throwIfNoEntry: false }) !== undefined
    }
  })
}

/** Files of the store that are linked to them keep what they have; only no more are linked. */
export function removeLinks(directory: string, names: readonly string[]): void {
  for (const name of names) rmSync(`${directory}/${name}`, { force: true })
}
