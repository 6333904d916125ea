/** Two closures by package, as `nix store diff-closures` compares them: `zlib: 1.2.13 → 1.3, +12.4 KiB`. */
import { parsePackageName, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Outcome } from './command.ts'

interface PackageDifference {
  readonly name: string
  /** Versions that only one of them has; `''` is that of a path without a version. */
  readonly removed: readonly string[]
  readonly added: readonly string[]
  /** Bytes of NAR in each. */
  readonly sizeBefore: number
  readonly sizeAfter: number
}

export interface SizedPath {
  readonly path: StorePath
  /** Bytes of NAR. */
  readonly narSize: number
}

export function compareClosures(store: Store, before: StorePath, after: StorePath): Outcome {
  const closure = (top: StorePath): SizedPath[] =>
    store.computeClosure([top]).map((path) => ({ path, narSize: store.pathInfo(path).narSize }))
  return comparePackages(closure(before), closure(after))
}

/** Status 1 if they differ. */
export function comparePackages(before: readonly SizedPath[], after: readonly SizedPath[]): Outcome {
  const [first, second] = [packagesOf(before), packagesOf(after)]
  const packages = [...new Set([...first.keys(), ...second.keys()])]
    .sort()
    .map((name) => difference(name, first.get(name), second.get(name)))
    .filter(({ removed, added, sizeBefore, sizeAfter }) => {
      return removed.length > 0 || added.length > 0 || Math.abs(sizeAfter - sizeBefore) >= NOTABLE_BYTES
    })
  const [sizeBefore, sizeAfter] = [first, second].map((closure) =>
    [...closure.values()].reduce((sum, { size }) => sum + size, 0),
  )
  return {
    data: { equal: packages.length === 0, packages, sizeBefore, sizeAfter },
    text: packages.map(line).join('\n'),
    status: packages.length === 0 ? 0 : 1,
  }
}

/** What Nix takes for worth a line when no version changed. */
const NOTABLE_BYTES = 8 * 1024

type Packages = ReadonlyMap<string, { readonly versions: ReadonlySet<string>; readonly size: number }>

function packagesOf(closure: readonly SizedPath[]): Packages {
  const packages = new Map<string, { versions: Set<string>; size: number }>()
  for (const { path, narSize } of closure) {
    const { name, version } = parsePackageName(path.name)
    const entry = packages.get(name) ?? { versions: new Set(), size: 0 }
    entry.versions.add(version)
    entry.size += narSize
    packages.set(name, entry)
  }
  return packages
}

type Entry = Packages extends ReadonlyMap<string, infer E> ? E : never

function difference(name: string, before: Entry | undefined, after: Entry | undefined): PackageDifference {
  const only = (one: Entry | undefined, other: Entry | undefined) =>
    [...(one?.versions ?? [])].filter((version) => other?.versions.has(version) !== true).sort()
  return {
    name,
    removed: only(before, after),
    added: only(after, before),
    sizeBefore: before?.size ?? 0,
    sizeAfter: after?.size ?? 0,
  }
}

function line({ name, removed, added, sizeBefore, sizeAfter }: PackageDifference): string {
  const delta = sizeAfter - sizeBefore
  const parts = [
    ...(removed.length + added.length > 0 ? [`${shownVersions(removed)} → ${shownVersions(added)}`] : []),
    ...(Math.abs(delta) >= NOTABLE_BYTES ? [`${delta > 0 ? '+' : ''}${(delta / 1024).toFixed(1)} KiB`] : []),
  ]
  return `${name}: ${parts.join(', ')}`
}

/** Nothing is `∅`, no version `ε`. */
function shownVersions(versions: readonly string[]): string {
  return versions.length === 0 ? '∅' : versions.map((version) => version || 'ε').join(', ')
}
