/**
 * Nix's index of debugging information: `debuginfo/BUILDID.debug` says in which archive, and where in it, the file
 * `lib/debug/.build-id/XX/REST.debug` is:
 *
 *     {"archive":"../nar/….nar.xz","member":"lib/debug/.build-id/1b/f6….debug"}
 */
import type { ListedNode } from './nar-listing.ts'

export interface DebugLink {
  /** File of the cache. */
  readonly name: string
  readonly text: string
}

/** The index entries of an archive with that URL. */
export function debugLinks(root: ListedNode, narUrl: string): DebugLink[] {
  const links: DebugLink[] = []
  for (const [prefix, directory] of entriesOf(walk(root, ['lib', 'debug', '.build-id']))) {
    if (!/^[0-9a-f]{2}$/.test(prefix)) continue
    for (const [rest, file] of entriesOf(directory)) {
      if (file.type !== 'regular' || !/^[0-9a-f]{38}\.debug$/.test(rest)) continue
      const member = `lib/debug/.build-id/${prefix}/${rest}`
      links.push({ name: `debuginfo/${prefix}${rest}`, text: JSON.stringify({ archive: `../${narUrl}`, member }) })
    }
  }
  return links
}

function walk(root: ListedNode, names: readonly string[]): ListedNode | undefined {
  let node: ListedNode | undefined = root
  for (const name of names) node = node?.type === 'directory' ? node.entries.get(name) : undefined
  return node
}

function entriesOf(node: ListedNode | undefined): Iterable<[string, ListedNode]> {
  return node?.type === 'directory' ? node.entries : []
}
