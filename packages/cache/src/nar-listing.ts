/**
 * Listings of archives (`DIGEST.ls`), which let readers take single files out of an archive:
 *
 *     {"version":1,"root":{"type":"directory","entries":{"x":{"type":"regular","size":12,"executable":true,"narOffset":384}}}}
 *
 * The order of the keys is that of Nix 2.8; `narOffset` is where the contents begin in the uncompressed archive.
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

/** The file as a byte string. Names and targets go in as they are, so that what is not UTF-8 makes no valid JSON: as in Nix. */
export function formatListing(root: ListedNode): string {
  return `{"version":1,"root":${formatNode(root)}}`
}

function formatNode(node: ListedNode): string {
  switch (node.type) {
    case 'directory': {
      const entries = Array.from(node.entries, ([name, child]) => `${quote(name)}:${formatNode(child)}`)
      return `{"type":"directory","entries":{${entries.join(',')}}}`
    }
    case 'regular':
      return `{"type":"regular","size":${node.size}${node.executable ? ',"executable":true' : ''},"narOffset":${node.narOffset}}`
    case 'symlink':
      return `{"type":"symlink","target":${quote(node.target)}}`
  }
}

function quote(bytes: string): string {
  return `"${bytes.replace(/["\\\x00-\x1f]/g, (char) => ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
