/** What releases are called: `NAME/VERSION`, and which version is the newest. */
import { UserError } from '@baryon/format'

/** Both parts are names of files, and may be parts of a store path's name. */
export interface ReleaseName {
  readonly name: string
  readonly version: string
}

/** Reads `NAME` or `NAME/VERSION`. Throws UserError `RELEASE_NAME` with what is wrong. */
export function parseReleaseOperand(text: string): { readonly name: string; readonly version: string | undefined } {
  const slash = text.indexOf('/')
  const name = slash < 0 ? text : text.slice(0, slash)
  const version = slash < 0 ? undefined : text.slice(slash + 1)
  for (const part of version === undefined ? [name] : [name, version]) {
    if (isReleaseWord(part)) continue
    throw new UserError('RELEASE_NAME', `'${text}' is not NAME/VERSION of a release`, {
      hint: 'both are letters, digits and +-._ and begin with a letter or digit: HEP/1.0',
    })
  }
  return { name, version }
}

/** Reads `NAME/VERSION`, where the version is needed. */
export function parseReleaseName(text: string): ReleaseName {
  const { name, version } = parseReleaseOperand(text)
  if (version !== undefined) return { name, version }
  throw new UserError('RELEASE_NAME', `'${text}' has no version`, { hint: `say NAME/VERSION: ${text}/1.0` })
}

/** Reads `NAME/VERSION` of a release that is to be made: its name becomes a directory of a repository beside the others there. */
export function parseNewReleaseName(text: string): ReleaseName {
  const release = parseReleaseName(text)
  if (!reservedNames.has(release.name)) return release
  throw new UserError(
    'RELEASE_NAME',
    `a release cannot be called '${release.name}': a repository has something else there`,
  )
}

const reservedNames: ReadonlySet<string> = new Set(['nix', 'store', 'lcg', 'modulefiles'])

export function formatReleaseName({ name, version }: ReleaseName): string {
  return `${name}/${version}`
}

/** A part of a release's name, or the name of something in it. */
export function isReleaseWord(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9+._-]{0,60}$/.test(text)
}

/**
 * Orders versions as lb-run does: numbers by value, what is between them by letters, so that `v10r0` is newer than `v9r9`; a
 * longer one is newer (`1.0.1`, but `v1r0-pre1` as well).
 */
export function compareReleaseVersions(a: string, b: string): number {
  const [first, second] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? [])
  for (let index = 0; ; index++) {
    const [left, right] = [first![index], second![index]]
    if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined)
    const difference = comparePieces(left, right)
    if (difference !== 0) return difference
  }
}

/** Whether `wanted` means the version: people write `64.0` for `v64r0`, and `v1.0` for `1.0`. */
export function meansVersion(wanted: string, version: string): boolean {
  return plainVersion(wanted) === plainVersion(version)
}

function plainVersion(version: string): string {
  const [, major, minor, patch, tiny] = /^v(\d+)r(\d+)(?:p(\d+))?(?:t(\d+))?$/i.exec(version) ?? []
  if (major === undefined) return version.replace(/^v(?=\d)/i, '')
  return [major, minor, patch, tiny].filter((part) => part !== undefined).join('.')
}

function comparePieces(a: string, b: string): number {
  const [first, second] = [a, b].map((text) => (/^\d/.test(text) ? BigInt(text) : undefined))
  if (first !== undefined && second !== undefined) return first < second ? -1 : first > second ? 1 : 0
  if (first !== undefined || second !== undefined) return first === undefined ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
