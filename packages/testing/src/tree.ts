/** Trees as literals, written to disk and read back. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { nativePath, pathBytes } from '@baryon/store'

/**
 * A string or bytes is a file. Names, link targets and strings are byte strings. Modes default to 0644 and 0755;
 * they are set last, so that a directory may be unreadable.
 */
export type Tree =
  | string
  | Uint8Array
  | { readonly file: string | Uint8Array; readonly mode?: number }
  | { readonly symlink: string }
  | { readonly entries: Readonly<Record<string, Tree>>; readonly mode?: number }

/** Writes the tree to a path where nothing is. */
export function writeTree(path: string | Buffer, tree: Tree): void {
  write(pathBytes(path), tree)
}

/** Reads a tree with its modes; contents come back as byte strings. Directories and files made read-only are no hindrance to root only. */
export function readTree(path: string | Buffer): Tree {
  return read(pathBytes(path))
}

function write(path: string, tree: Tree): void {
  const native = nativePath(path)
  if (typeof tree === 'string' || tree instanceof Uint8Array) {
    write(path, { file: tree })
  } else if ('file' in tree) {
    writeFileSync(native, typeof tree.file === 'string' ? Buffer.from(tree.file, 'latin1') : tree.file, { flag: 'wx' })
    chmodSync(native, tree.mode ?? 0o644)
  } else if ('symlink' in tree) {
    symlinkSync(nativePath(tree.symlink), native)
  } else {
    mkdirSync(native)
    for (const [name, child] of Object.entries(tree.entries)) write(`${path}/${name}`, child)
    chmodSync(native, tree.mode ?? 0o755)
  }
}

function read(path: string): Tree {
  const native = nativePath(path)
  const stat = lstatSync(native)
  const mode = stat.mode & 0o7777
  if (stat.isSymbolicLink()) return { symlink: readlinkSync(native, 'latin1') }
  if (!stat.isDirectory()) return { file: readFileSync(native, 'latin1'), mode }
  const names = readdirSync(native, 'latin1').sort()
  return { entries: Object.fromEntries(names.map((name) => [name, read(`${path}/${name}`)])), mode }
}
