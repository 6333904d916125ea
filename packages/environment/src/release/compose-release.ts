/** From packages that are built to a release of them for one platform: three paths of the store at most, made from content. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { formatHash, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import { activationOf, type Prefix } from '../activation.ts'
import { environmentClosure } from '../environment-closure.ts'
import { storePrefix } from '../store-prefix.ts'
import { writeView } from '../view.ts'
import { releaseChanges } from './activation-script.ts'
import type { ReleaseManifest, ReleasePackage } from './release-manifest.ts'
import { formatReleaseName } from './release-name.ts'
import { sharedDirectories, writeRelease } from './write-release.ts'

export interface ReleasePlan
  extends Pick<ReleaseManifest, 'name' | 'version' | 'platform' | 'description' | 'program' | 'variables' | 'tasks'> {
  readonly packages: readonly PlannedPackage[]
}

export interface PlannedPackage extends Omit<ReleasePackage, 'dependencies'> {
  /** As in `ViewTree`. */
  readonly priority?: number
}

export interface ComposedRelease {
  readonly path: StorePath
  readonly manifest: ReleaseManifest
}

/**
 * Adds the release to the store, where all its packages must be valid; the same plan gives the same path. Throws `VIEW_CONFLICT`.
 * Nothing but the open store keeps the result from being collected.
 */
export function composeRelease(store: Store, plan: ReleasePlan): ComposedRelease {
  const scratch = mkdtempSync(join(tmpdir(), 'baryon-release-'))
  try {
    return compose(store, plan, scratch)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function compose(store: Store, plan: ReleasePlan, scratch: string): ComposedRelease {
  const label = `${plan.name}-${plan.version}-${plan.platform}`
  const prefixAt = (logical: string) => storePrefix(store, logical)
  const priorities = new Map(plan.packages.flatMap(({ paths, priority }) => paths.map((path) => [path, priority])))
  const named = [...priorities.keys()].map((path) => prefixAt(path)!)
  const tasks = addTasks(store, plan, join(scratch, 'tasks'))
  const prefixes = [...environmentClosure(named, 'develop', prefixAt), ...(tasks === undefined ? [] : [tasks])]

  const viewTree = join(scratch, 'view')
  writeView(
    viewTree,
    // What is only propagated gives way to what was asked for.
    prefixes.map((prefix) => ({ ...prefix, priority: priorityOf(prefix, priorities, tasks) })),
    { physicalOf: (logical) => prefixAt(logical)?.physical ?? logical, filled: sharedDirectories },
  )
  const references = prefixes.map(({ logical }) => store.parse(logical))
  const view = store.addPath(`${label}-view`, viewTree, { references })

  const logicalView = store.format(view)
  const found = activationOf(
    prefixes.map(({ physical }) => ({ logical: logicalView, physical })),
    'develop',
  )
  const closure = store.computeClosure([view])
  const { packages, ...rest } = plan
  const manifest: ReleaseManifest = {
    format: 1,
    ...rest,
    storeDirectory: store.storeDirectory,
    view: logicalView,
    packages: withDependencies(store, packages),
    changes: releaseChanges({ ...plan, view: logicalView }, found),
    closure: closure
      .map((path) => {
        const { narHash, narSize } = store.pathInfo(path)
        return { path: store.format(path), narHash: formatHash(narHash, 'base16', true), narSize }
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  }
  const tree = join(scratch, 'release')
  writeRelease(tree, manifest, viewTree)
  // The manifest names every path of the closure; `release affected` relies on their being references.
  return { path: store.addPath(label, tree, { references: closure }), manifest }
}

function priorityOf(
  prefix: Prefix,
  priorities: ReadonlyMap<string, number | undefined>,
  tasks: Prefix | undefined,
): number {
  if (prefix === tasks) return 5
  return priorities.has(prefix.logical) ? (priorities.get(prefix.logical) ?? 5) : 10
}

/** A program for each task: found like those of the packages. */
function addTasks(store: Store, plan: ReleasePlan, directory: string): Prefix | undefined {
  const tasks = Object.entries(plan.tasks)
  if (tasks.length === 0) return undefined
  makeDirectories(join(directory, 'bin'))
  for (const [name, command] of tasks) {
    const text = `#!/bin/sh\n# A task of ${formatReleaseName(plan)}.\n${command} "$@"\n`
    writeFileSync(join(directory, 'bin', name), text, { mode: 0o755 })
  }
  return storePrefix(store, store.format(store.addPath(`${plan.name}-${plan.version}-tasks`, directory)))
}

function withDependencies(store: Store, packages: readonly PlannedPackage[]): ReleasePackage[] {
  const owners = new Map(packages.flatMap(({ name, paths }) => paths.map((path) => [path, name])))
  return packages.map(({ priority: _, ...one }) => {
    const needed = store.computeClosure(one.paths.map((path) => store.parse(path)))
    const names = new Set(needed.flatMap((path) => owners.get(store.format(path)) ?? []))
    names.delete(one.name)
    return { ...one, dependencies: [...names].sort() }
  })
}
