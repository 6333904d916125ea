/**
 * `baryon.lock`: what a project is made of, by hash. It is written by programs and belongs under version control.
 *
 * ```json
 * { "format": 1,
 *   "request": { "release": "HEP/1.0", "packages": ["zlib"] },          what of baryon.toml it was made from
 *   "storeDirectory": "/cvmfs/lhcb.example.org/nix/store",
 *   "stack": "sha256-…",                                                the files that the stack was read from
 *   "platforms": {
 *     "x86_64-debian12-gcc12-opt": {
 *       "release": { "name": "HEP", "version": "1.0", "path": "/cvmfs/…/…-HEP-1.0-…" },
 *       "packages": [{ "attribute": "zlib", "name": "zlib", "version": "1.3", "derivation": "/cvmfs/…/….drv",
 *                      "outputs": { "out": "/cvmfs/…/…-zlib-1.3" } }] } } }
 * ```
 *
 * Store paths are hashes: of the contents for a release, of all that goes into the build for a package.
 */
import { UserError } from '@baryon/format'

export interface ProjectLock {
  readonly format: 1
  readonly request: LockRequest
  readonly storeDirectory: string
  /** SRI; undefined when nothing of the stack was needed, or what it depends on cannot be told. */
  readonly stack?: string
  /** By tag. */
  readonly platforms: Readonly<Record<string, LockedPlatform>>
}

export interface LockRequest {
  /** As it was written. */
  readonly release?: string
  readonly packages: readonly string[]
  /** The path of the stack as it was written. */
  readonly stack?: string
}

export interface LockedPlatform {
  readonly release?: LockedRelease
  readonly packages: readonly LockedPackage[]
}

export interface LockedRelease {
  readonly name: string
  readonly version: string
  readonly path: string
}

export interface LockedPackage {
  readonly attribute: string
  readonly name: string
  readonly version: string
  readonly derivation: string
  /** What the environment has of it, the output that was meant first. */
  readonly outputs: Readonly<Record<string, string>>
  /** What the package says of itself. */
  readonly priority?: number
  readonly mainProgram?: string
}

export function formatLock(lock: ProjectLock): string {
  const { platforms, ...rest } = lock
  const sorted = Object.fromEntries(Object.entries(platforms).sort(([a], [b]) => (a < b ? -1 : 1)))
  return `${JSON.stringify({ ...rest, platforms: sorted }, undefined, 2)}\n`
}

/** Throws UserError `LOCK_INVALID`; `file` is named in it. */
export function parseLock(text: string, file: string): ProjectLock {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(file, (cause as Error).message, cause)
  }
  if (!isObject(value)) throw invalid(file, 'it is not an object')
  if (value.format !== 1) throw invalid(file, `its format is ${JSON.stringify(value.format)}, and only 1 is understood`)
  const wrong = wrongField(value)
  if (wrong !== undefined) throw invalid(file, `'${wrong}' is missing or not of its form`)
  return value as unknown as ProjectLock
}

function invalid(file: string, reason: string, cause?: unknown): UserError {
  return new UserError('LOCK_INVALID', `${file} is no lock that can be used: ${reason}`, {
    hint: 'take it back from version control, or make it anew: baryon lock',
    cause,
  })
}

function wrongField({ request, storeDirectory, stack, platforms }: Record<string, unknown>): string | undefined {
  if (!isObject(request) || !isTextList(request.packages) || !isOptionalText(request.release)) return 'request'
  if (!isPath(storeDirectory)) return 'storeDirectory'
  if (!isOptionalText(stack)) return 'stack'
  if (!isObject(platforms)) return 'platforms'
  for (const [tag, one] of Object.entries(platforms)) {
    if (!isObject(one) || !Array.isArray(one.packages)) return `platforms.${tag}`
    if (one.release !== undefined && !isRelease(one.release)) return `platforms.${tag}.release`
    const index = one.packages.findIndex((each) => !isPackage(each))
    if (index >= 0) return `platforms.${tag}.packages.${index}`
  }
  return undefined
}

function isRelease(value: unknown): boolean {
  return isObject(value) && isText(value.name) && isText(value.version) && isPath(value.path)
}

function isPackage(value: unknown): boolean {
  return (
    isObject(value) &&
    [value.attribute, value.name, value.version].every(isText) &&
    isPath(value.derivation) &&
    isObject(value.outputs) &&
    Object.values(value.outputs).length > 0 &&
    Object.values(value.outputs).every(isPath) &&
    (value.priority === undefined || typeof value.priority === 'number') &&
    isOptionalText(value.mainProgram)
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || isText(value)
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}

function isPath(value: unknown): boolean {
  return isText(value) && value.startsWith('/')
}
