/**
 * `manifest.json` at the top of a release for one platform: what it is made of, by hash.
 *
 * ```json
 * { "format": 1, "name": "HEP", "version": "1.0", "platform": "x86_64-debian12-gcc12-opt", "view": "/cvmfs/…/…-view",
 *   "packages": [{ "attribute": "zlib", "name": "zlib", "version": "1.3", "derivation": "…", "paths": ["/cvmfs/…"],
 *                  "dependencies": [] }],
 *   "variables": {}, "tasks": {}, "changes": […], "closure": [{ "path": "/cvmfs/…", "narHash": "sha256:…", "narSize": 112 }] }
 * ```
 */
import { readFileSync } from 'node:fs'
import { isSystemError, UserError } from '@baryon/format'
import { type Change, mistakeInChange } from '../change.ts'
import type { DeclaredVariable } from '../declared-variable.ts'
import type { ReleaseName } from './release-name.ts'

export interface ReleaseManifest extends ReleaseName {
  readonly format: 1
  /** Tag. */
  readonly platform: string
  /** One phrase; may be empty. */
  readonly description: string
  readonly storeDirectory: string
  /** The tree of links to the packages, with the tasks among the programs: what the variables point into. */
  readonly view: string
  /** What runs when no command is said. */
  readonly program?: string
  readonly packages: readonly ReleasePackage[]
  /** As they were declared; `changes` holds them as well. */
  readonly variables: Readonly<Record<string, DeclaredVariable>>
  /** Commands of the shell by name. */
  readonly tasks: Readonly<Record<string, string>>
  /** What activation does to the variables of a process. */
  readonly changes: readonly Change[]
  /** Of the view, sorted. */
  readonly closure: readonly ClosurePath[]
}

export interface ReleasePackage {
  readonly attribute: string
  readonly name: string
  readonly version: string
  /** Full path of the derivation that it was built from: the lock. */
  readonly derivation: string
  /** Outputs that the environment has of it, the one that was meant first. */
  readonly paths: readonly string[]
  /** Names of those packages of the release that it needs, directly or not. */
  readonly dependencies: readonly string[]
}

export interface ClosurePath {
  readonly path: string
  readonly narHash: string
  readonly narSize: number
}

export function formatManifest(manifest: ReleaseManifest): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`
}

/** Reads the manifest of the release that lies at `directory`; undefined when nothing is there. Throws `RELEASE_MANIFEST`. */
export function readManifest(directory: string): ReleaseManifest | undefined {
  const file = `${directory}/manifest.json`
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
  return parseManifest(text, file)
}

/** Throws UserError `RELEASE_MANIFEST`; `source` is named in it. */
export function parseManifest(text: string, source: string): ReleaseManifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new UserError('RELEASE_MANIFEST', `${source} is not JSON: ${(cause as Error).message}`, { cause })
  }
  const record = value as Partial<ReleaseManifest> | null
  const isRight =
    typeof record === 'object' &&
    record !== null &&
    record.format === 1 &&
    [record.name, record.version, record.platform, record.description, record.storeDirectory, record.view].every(
      (field) => typeof field === 'string',
    ) &&
    [record.packages, record.changes, record.closure].every(Array.isArray) &&
    [record.variables, record.tasks].every((field) => typeof field === 'object' && field !== null)
  const wrong = isRight ? mistakeInChanges(record.changes!) : ''
  if (wrong === undefined) return record as ReleaseManifest
  const message = `${source} is not the manifest of a release that this program knows${wrong}`
  throw new UserError('RELEASE_MANIFEST', message, { hint: 'it may be of a newer Baryon' })
}

function mistakeInChanges(changes: readonly unknown[]): string | undefined {
  for (const [index, change] of changes.entries()) {
    const mistake = mistakeInChange(change)
    if (mistake !== undefined) return `: 'changes.${index}' ${mistake}`
  }
  return undefined
}
