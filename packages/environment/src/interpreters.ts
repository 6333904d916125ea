/**
 * Pythons inside a view, as many as there are: each finds the packages that the view has for it, and no others, without a
 * variable and without a change to any package.
 *
 * A Python looks for its libraries beside its own executable, links followed: `bin/python3.11` of a view is therefore a copy
 * of the small executable and not a link. Programs that were installed for that Python name the one in the store as their
 * interpreter; in the view stands a script that starts them with the view's.
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { listDirectory } from '@baryon/files'
import type { Prefix } from './activation.ts'
import { quotePosix } from './shell.ts'

/** Interpreters of a tree by their own name, `python3.11`: what has its standard library as `lib/NAME`. */
export function interpretersOf(physical: string): string[] {
  return listDirectory(join(physical, 'bin')).filter((name) => {
    if (!/^(python|pypy)\d/.test(name) || !isFile(join(physical, 'lib', name, 'os.py'))) return false
    return lstatSync(join(physical, 'bin', name), { throwIfNoEntry: false })?.isFile() ?? false
  })
}

/** An interpreter of one of the trees that a view merges. */
export interface TreeInterpreter {
  readonly tree: Prefix
  readonly name: string
}

/** What stands for an entry of `bin` in a view. */
export type ProgramEntry =
  | { readonly kind: 'copy'; readonly of: string }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'script'; readonly text: string }

export interface Program {
  /** Where it is in the store, and where it can be read. */
  readonly logical: string
  readonly physical: string
}

/**
 * For the programs of a view, by name: which are to be something else than a link to the store. Two trees may have an
 * interpreter of the same name: the one that the view has under that name is meant.
 */
export function settleInterpreters(
  programs: ReadonlyMap<string, Program>,
  interpreters: readonly TreeInterpreter[],
): Map<string, ProgramEntry> {
  const settled = new Map<string, ProgramEntry>()
  const nameByFile = new Map<string, string>()
  const nameByLogical = new Map<string, string>()
  for (const { tree, name } of interpreters) {
    const bin = join(tree.physical, 'bin')
    const file = realpathSync(join(bin, name))
    const program = programs.get(name)
    if (program === undefined || realPath(program.physical) !== file) continue
    settled.set(name, { kind: 'copy', of: file })
    nameByFile.set(file, name)
    for (const other of readdirSync(bin))
      if (realPath(join(bin, other)) === file) nameByLogical.set(`${tree.logical}/bin/${other}`, name)
  }
  if (settled.size === 0) return settled
  for (const [name, { logical, physical }] of programs) {
    if (settled.has(name)) continue
    const own = nameByFile.get(realPath(physical) ?? '')
    if (own !== undefined) {
      settled.set(name, { kind: 'link', target: own })
      continue
    }
    const [interpreter = '', ...flags] = interpreterLine(physical)
    const chosen = nameByLogical.get(interpreter)
    if (chosen !== undefined) settled.set(name, { kind: 'script', text: starter(chosen, flags, logical) })
  }
  return settled
}

/** `site-packages` directories that an interpreter at the same place finds by itself: no variable may name them. */
export function ownPackageDirectories(prefixes: readonly Prefix[]): Set<string> {
  return new Set(
    prefixes.flatMap(({ logical, physical }) =>
      interpretersOf(physical).map((name) => `${logical}/lib/${name}/site-packages`),
    ),
  )
}

/** Works from any directory that the view is seen at, and through links to the script. */
function starter(interpreter: string, flags: readonly string[], program: string): string {
  const words = [...flags, program].map(quotePosix).join(' ')
  return `#!/bin/sh
case $0 in */*) self=$0 ;; *) self=./$0 ;; esac
[ ! -L "$self" ] || self=$(readlink -f -- "$self")
exec "\${self%/*}/${interpreter}" ${words} "$@"
`
}

/** Words of a script's first line; Linux gives all after the interpreter as one argument. */
function interpreterLine(file: string): string[] {
  if (!isFile(file)) return []
  const head = Buffer.alloc(LONGEST_LINE)
  const descriptor = openSync(file, 'r')
  try {
    const text = head.toString('latin1', 0, readSync(descriptor, head, 0, LONGEST_LINE, 0))
    const [, interpreter, flags] = /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*?)[ \t]*\n/.exec(text) ?? []
    return interpreter === undefined ? [] : [interpreter, ...(flags ? [flags] : [])]
  } finally {
    closeSync(descriptor)
  }
}

/** As much as Linux reads of it. */
const LONGEST_LINE = 256

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

/** Undefined for a link that leads nowhere, such as one to a part of the store that is not seen here. */
function realPath(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : realpathSync(path)
}
