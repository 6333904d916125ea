/**
 * Listings of archives (`DIGEST.ls`), which let readers take single files out of an archive:
 *
 *     {"root":{"entries":{"x":{"executable":true,"narOffset":384,"size":12,"type":"regular"}},"type":"directory"},"version":1}
 *
 * Keys are sorted, as Nix writes them; `narOffset` is where the contents begin in the uncompressed archive.
 */
import type { NarObserver } from '@baryon/store'

export type ListedNode =
  | { readonly type: 'directory'; readonly entries: Map<string, ListedNode> }
  | { readonly type: 'regular'; readonly size: number; readonly executable: boolean; readonly narOffset: number }
  | { readonly type: 'symlink'; readonly target: string }

export interface ListingBuilder extends NarObserver {
  /** The tree, when all of it was seen. */
  root(): ListedNode
}

export function createListingBuilder(): ListingBuilder {
  const open: Map<string, ListedNode>[] = []
  let name = ''
  let root: ListedNode | undefined
  const add = (node: ListedNode): void => {
    const directory = open.at(-1)
    if (directory === undefined) root = node
    else directory.set(name, node)
  }
  return {
    startDirectory: () => {
      const entries = new Map<string, ListedNode>()
      add({ type: 'directory', entries })
      open.push(entries)
    },
    entry: (next) => {
      name = next
    },
    endDirectory: () => {
      open.pop()
    },
    startFile: (size, executable, narOffset) => add({ type: 'regular', size, executable, narOffset }),
    endFile: () => undefined,
    symlink: (target) => add({ type: 'symlink', target }),
    root: () => {
      if (root === undefined) throw new Error('the listing has no root yet')
      return root
    },
  }
}

/** The text of the file. Names and targets are byte strings; bytes that are not UTF-8 are replaced, for JSON cannot hold them. */
export function formatListing(root: ListedNode): string {
  return `{"root":${formatNode(root)},"version":1}`
}

function formatNode(node: ListedNode): string {
  switch (node.type) {
    case 'directory': {
      const entries = Array.from(node.entries, ([name, child]) => `${quote(name)}:${formatNode(child)}`)
      return `{"entries":{${entries.join(',')}},"type":"directory"}`
    }
    case 'regular':
      return `{${node.executable ? '"executable":true,' : ''}"narOffset":${node.narOffset},"size":${node.size},"type":"regular"}`
    case 'symlink':
      return `{"target":${quote(node.target)},"type":"symlink"}`
  }
}

function quote(bytes: string): string {
  return JSON.stringify(Buffer.from(bytes, 'latin1').toString('utf8'))
}
