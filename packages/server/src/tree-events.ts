/**
 * A tree on disk as the events of its NAR, one at a time and at the reader's pace. `walkTree` of the store cannot stop
 * half way and reads every byte; a server stops at each full buffer, and skips what a range leaves out.
 */
import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { type NativePath, nativePath } from '@baryon/store'

/** Paths, names and targets are byte strings. */
export type TreeEvent =
  | { readonly kind: 'directory' | 'end' }
  | { readonly kind: 'entry'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly executable: boolean }
  | { readonly kind: 'symlink'; readonly target: string }

/** Names are sorted by bytes. The depth of the tree costs no stack. */
export function* treeEvents(top: string): Generator<TreeEvent> {
  const root = objectAt(top)
  yield root
  const open = root.kind === 'directory' ? [directoryAt(top)] : []
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const entry = current.entries[current.next++]
    if (entry === undefined) {
      open.pop()
      yield END
      continue
    }
    yield { kind: 'entry', name: entry.name }
    const path = `${current.path}/${entry.name}`
    if (entry.isDirectory()) {
      yield DIRECTORY
      open.push(directoryAt(path))
    } else {
      yield objectAt(path)
    }
  }
}

interface OpenDirectory {
  readonly path: string
  readonly entries: readonly Dirent<string>[]
  next: number
}

function directoryAt(path: string): OpenDirectory {
  const entries = readdirSync(nativePath(path), { withFileTypes: true, encoding: 'latin1' })
  return { path, entries: entries.sort((a, b) => (a.name < b.name ? -1 : 1)), next: 0 }
}

function objectAt(path: string): TreeEvent {
  const native: NativePath = nativePath(path)
  const stat = lstatSync(native)
  if (stat.isFile()) return { kind: 'file', path, size: stat.size, executable: (stat.mode & 0o100) !== 0 }
  if (stat.isSymbolicLink()) return { kind: 'symlink', target: readlinkSync(native, { encoding: 'latin1' }) }
  if (stat.isDirectory()) return DIRECTORY
  throw new UserError('FILE_TYPE_UNSUPPORTED', `'${path}' is neither a file, a directory nor a symbolic link`)
}

const DIRECTORY: TreeEvent = { kind: 'directory' }
const END: TreeEvent = { kind: 'end' }
