/** Operands that stand for store paths: texts below the store, and links that lead there (`./result`). */
import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseBaseName, type StorePath, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'

/** The store path that the operand is, lies in, or is a link to. */
export function followToStorePath(store: Store, text: string): StorePath {
  let path = resolve(text)
  for (let links = 0; links < maximalLinks; links++) {
    for (const directory of [store.storeDirectory, store.physicalDirectory]) {
      if (!path.startsWith(`${directory}/`)) continue
      return parseBaseName(path.slice(directory.length + 1).split('/', 1)[0]!)
    }
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) break
    path = resolve(dirname(path), readlinkSync(path))
  }
  throw new UserError('PATH_NOT_IN_STORE', `path '${path}' is not in the Nix store`)
}

/** `PATH!out,dev` or `PATH`: the outputs are undefined when none are named. */
export function followToOutputs(
  store: Store,
  text: string,
): { readonly path: StorePath; readonly outputs: readonly string[] | undefined } {
  const mark = text.lastIndexOf('!')
  if (mark < 0) return { path: followToStorePath(store, text), outputs: undefined }
  return { path: followToStorePath(store, text.slice(0, mark)), outputs: text.slice(mark + 1).split(',') }
}

/** Where the file that a text names really is: paths below the logical store may lie below a root. */
export function physicalLocation(store: Store, text: string): string {
  const path = resolve(text)
  if (!path.startsWith(`${store.storeDirectory}/`)) return path
  const place = store.physicalDirectory + path.slice(store.storeDirectory.length)
  return existsSync(place) || !existsSync(path) ? place : path
}

/** As many as the kernel follows. */
const maximalLinks = 40
