/**
 * The variables by which programs find what an environment holds.
 *
 * `LD_LIBRARY_PATH` is never among them: products carry their libraries' paths, and a variable that is seen by every
 * program of the host as well would break those.
 */
import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { listDirectory } from '@baryon/files'
import { UserError } from '@baryon/format'
import type { Change, ListChange } from './change.ts'
import { ownPackageDirectories } from './interpreters.ts'
import type { Shell } from './shell.ts'

/** A tree of an environment: where programs will see it, and where it can be read now. */
export interface Prefix {
  readonly logical: string
  readonly physical: string
}

/** `run`: what a user of programs needs; `develop`: also what a compiler and a build system look for. */
export type ActivationKind = 'run' | 'develop'

/**
 * The changes that make `prefixes` usable, the first prefix winning over later ones. Throws `PYTHONS_MIXED` for packages of
 * several Pythons that only `PYTHONPATH` would let them find, which is one for all.
 */
export function activationOf(prefixes: readonly Prefix[], kind: ActivationKind): Change[] {
  const changes: Change[] = []
  for (const rule of rules) {
    if (rule.develop && kind === 'run') continue
    const found = new Set<string>()
    for (const prefix of prefixes) for (const pattern of rule.directories) addExpanded(found, prefix, pattern)
    const values = rule.variable === 'PYTHONPATH' && found.size > 0 ? packagesToName(found, prefixes) : [...found]
    if (values.length > 0) changes.push({ kind: 'prepend', variable: rule.variable, values, separator: ':' })
  }
  const root = prefixes.find((prefix) => isFile(join(prefix.physical, 'bin/root-config')))
  if (root !== undefined) changes.push({ kind: 'set', variable: 'ROOTSYS', value: root.logical })
  return changes
}

/** Those that no interpreter of the prefixes finds by itself; of one Python. */
function packagesToName(found: ReadonlySet<string>, prefixes: readonly Prefix[]): readonly string[] {
  const directories = [...found.difference(ownPackageDirectories(prefixes))]
  const pythons = [...new Set(directories.map((path) => basename(dirname(path))))]
  if (pythons.length < 2) return directories
  throw new UserError('PYTHONS_MIXED', `packages for ${pythons.join(' and ')} cannot be found side by side`, {
    hint: 'make a project of them (baryon init, baryon add) or a release: there each Python finds its own packages',
  })
}

/** The changes as a script of the shell. */
export function formatActivation(shell: Shell, changes: readonly Change[]): string {
  return changes.map((change) => formatChange(shell, change)).join('')
}

/** The changes applied to an environment, as a shell would. */
export function applyActivation(environment: NodeJS.ProcessEnv, changes: readonly Change[]): NodeJS.ProcessEnv {
  const result = { ...environment }
  for (const change of changes) {
    switch (change.kind) {
      case 'set':
        result[change.variable] = change.value
        break
      case 'unset':
        delete result[change.variable]
        break
      case 'prepend':
      case 'append':
        result[change.variable] = joined(result[change.variable], change)
    }
  }
  return result
}

function joined(before: string | undefined, { kind, variable, values, separator }: ListChange): string {
  const middle = before === undefined || before === '' ? defaults[variable] : before
  if (middle === undefined) return values.join(separator)
  return (kind === 'prepend' ? [...values, middle] : [middle, ...values]).join(separator)
}

interface Rule {
  readonly variable: string
  readonly directories: readonly string[]
  readonly develop?: boolean
}

/** `*` stands for one name within a directory. */
const rules: readonly Rule[] = [
  { variable: 'PATH', directories: ['bin', 'sbin'] },
  { variable: 'MANPATH', directories: ['share/man', 'man'] },
  { variable: 'INFOPATH', directories: ['share/info'] },
  { variable: 'XDG_DATA_DIRS', directories: ['share'] },
  { variable: 'PYTHONPATH', directories: ['lib/python3.*/site-packages'] },
  { variable: 'ROOT_INCLUDE_PATH', directories: ['include'] },
  { variable: 'CMAKE_PREFIX_PATH', directories: ['.'], develop: true },
  { variable: 'PKG_CONFIG_PATH', directories: ['lib/pkgconfig', 'share/pkgconfig', 'lib64/pkgconfig'], develop: true },
  { variable: 'CPATH', directories: ['include'], develop: true },
  { variable: 'LIBRARY_PATH', directories: ['lib', 'lib64'], develop: true },
  { variable: 'ACLOCAL_PATH', directories: ['share/aclocal'], develop: true },
]

/**
 * What an unset variable stands for where programs have a default that our value would hide. An empty element in
 * MANPATH and INFOPATH is that default, so these end in the separator.
 */
const defaults: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  MANPATH: '',
  INFOPATH: '',
  XDG_DATA_DIRS: '/usr/local/share:/usr/share',
}

/** See `defaults`. */
export function defaultOf(variable: string): string | undefined {
  return defaults[variable]
}

function formatChange(shell: Shell, change: Change): string {
  switch (change.kind) {
    case 'set':
      return shell.set(change.variable, change.value)
    case 'unset':
      return shell.unset(change.variable)
    case 'prepend':
    case 'append': {
      const { kind, variable, values, separator } = change
      return shell[kind](variable, values.join(separator), separator, defaults[variable])
    }
  }
}

/** Prefixes can share a logical place, as those of a view do: what is known to be there is not looked for again. */
function addExpanded(found: Set<string>, prefix: Prefix, pattern: string): void {
  if (pattern === '.') {
    found.add(prefix.logical)
    return
  }
  const parts = pattern.split('/')
  const star = parts.findIndex((part) => part.includes('*'))
  if (star < 0) {
    const value = `${prefix.logical}/${pattern}`
    if (!found.has(value) && isDirectory(`${prefix.physical}/${pattern}`)) found.add(value)
    return
  }
  const above = parts.slice(0, star).join('/')
  const [start, end] = parts[star]!.split('*')
  for (const name of listDirectory(`${prefix.physical}/${above}`)) {
    if (!name.startsWith(start!) || !name.endsWith(end!)) continue
    addExpanded(found, prefix, [above, name, ...parts.slice(star + 1)].join('/'))
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
