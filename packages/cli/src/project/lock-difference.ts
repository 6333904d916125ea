/** What differs between two locks, for people: a line each. */
import { isDeepStrictEqual } from 'node:util'
import type { LockedPackage, LockedPlatform, LockRequest, ProjectLock } from '@baryon/environment'

export interface LockChange {
  readonly kind: 'release' | 'package' | 'stack' | 'store' | 'platform'
  /** Undefined: of all platforms. */
  readonly platform?: string
  /** `zlib 1.2.13 → 1.3` */
  readonly text: string
}

/** Between what a lock was made from and what a `baryon.toml` asks for now. */
export function requestChanges(before: LockRequest, after: LockRequest): LockChange[] {
  return [
    ...(before.release === after.release
      ? []
      : [{ kind: 'release', text: arrow('release', before.release, after.release) } as const]),
    ...(before.stack === after.stack
      ? []
      : [{ kind: 'stack', text: arrow('stack', before.stack, after.stack) } as const]),
    ...onlyIn(before.packages, after.packages).map((name) => ({ kind: 'package', text: `- ${name}` }) as const),
    ...onlyIn(after.packages, before.packages).map((name) => ({ kind: 'package', text: `+ ${name}` }) as const),
  ]
}

/** Between what a lock holds and what would be locked now. Platforms that are not locked any more are no change. */
export function lockChanges(before: ProjectLock, after: ProjectLock): LockChange[] {
  const store = before.storeDirectory !== after.storeDirectory
  return [
    ...(store ? [{ kind: 'store', text: arrow('store', before.storeDirectory, after.storeDirectory) } as const] : []),
    ...Object.entries(after.platforms).flatMap(([tag, one]) => {
      const former = before.platforms[tag]
      // Of another store all is another, which is said already.
      if (store) return []
      if (former !== undefined) return platformChanges(tag, former, one)
      return [{ kind: 'platform', platform: tag, text: `+ platform ${tag}` } as const]
    }),
  ]
}

function platformChanges(platform: string, before: LockedPlatform, after: LockedPlatform): LockChange[] {
  const changes: LockChange[] = []
  const add = (kind: LockChange['kind'], text: string): number => changes.push({ kind, platform, text })
  if (before.release?.path !== after.release?.path) add('release', releaseText(before, after))
  const former = new Map(before.packages.map((one) => [one.attribute, one]))
  for (const one of after.packages) {
    const other = former.get(one.attribute)
    if (other === undefined) add('package', `+ ${nameOf(one)}`)
    else if (other.version !== one.version) add('package', `${one.attribute} ${other.version} → ${one.version}`)
    else if (other.derivation !== one.derivation)
      add('package', `${nameOf(one)}: built otherwise, ${difference(other, one)}`)
    else if (!isDeepStrictEqual(other, one)) add('package', `${nameOf(one)}: says something else of itself`)
    former.delete(one.attribute)
  }
  for (const one of former.values()) add('package', `- ${nameOf(one)}`)
  return changes
}

function releaseText({ release: before }: LockedPlatform, { release: after }: LockedPlatform): string {
  const [a, b] = [before, after].map((one) => (one === undefined ? undefined : `${one.name}/${one.version}`))
  return a === b ? `release ${a}: its contents, ${before!.path} → ${after!.path}` : arrow('release', a, b)
}

function difference(a: LockedPackage, b: LockedPackage): string {
  return `${baseName(a.derivation)} → ${baseName(b.derivation)}`
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function nameOf({ attribute, version }: LockedPackage): string {
  return version === '' ? attribute : `${attribute} ${version}`
}

function arrow(what: string, before: string | undefined, after: string | undefined): string {
  if (before === undefined) return `+ ${what} ${after}`
  return after === undefined ? `- ${what} ${before}` : `${what} ${before} → ${after}`
}

function onlyIn(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((one) => !others.includes(one))
}

/** A line each, those of one platform below its name. */
export function changesText(changes: readonly LockChange[]): string {
  const tags = [...new Set(changes.map(({ platform }) => platform))]
  return tags
    .map((tag) => {
      const lines = changes.filter(({ platform }) => platform === tag).map(({ text }) => `  ${text}\n`)
      return tag === undefined ? lines.join('') : `${tag}\n${lines.join('')}`
    })
    .join('')
}
