/**
 * What an evaluation asked of the world, so that its answer can be given again as long as the world says the same.
 * This file loads nothing of the language: checking an answer must cost next to nothing.
 */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { fileFingerprint, typeOfFile } from './fingerprint.ts'
import { shortHash } from './short-hash.ts'

/** JSON form. Paths are byte strings as on disk (store paths in their physical place). */
export interface Dependencies {
  /** Fingerprints of files whose contents were read; null: was not there. */
  readonly files: Readonly<Record<string, string | null>>
  /** Types of paths that were looked at; null: nothing there. */
  readonly types: Readonly<Record<string, string | null>>
  readonly links: Readonly<Record<string, string>>
  /** Digests of the names and types in directories. */
  readonly directories: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  /** Whether paths of the store were there. */
  readonly present: Readonly<Record<string, boolean>>
}

/** The parts of which an evaluation can tell which of its thunks depend on them. */
export type ItemKind = (typeof ITEM_KINDS)[number]
const ITEM_KINDS = ['files', 'types', 'links', 'directories'] as const

export type Item = readonly [kind: ItemKind, path: string, answer: string | null]

/** Is told of each question again whenever it is asked. */
export interface TrackedItems {
  /** False: the world has given another answer before. */
  note(kind: ItemKind, path: string, answer: string | null): boolean
  /** Some question will not be told. */
  giveUp(): void
}

/** True when everything is still as it was. `physical` says where a store path lies on disk. */
export function dependenciesHold(dependencies: Dependencies, environment: Readonly<NodeJS.ProcessEnv>): boolean {
  const { present } = dependencies
  for (const name in dependencies.environment) {
    if ((environment[name] ?? '') !== textOf(dependencies.environment[name])) return false
  }
  for (const kind of ITEM_KINDS) {
    const answers: Readonly<Record<string, string | null>> = dependencies[kind]
    for (const path in answers) if (answerNow(kind, path) !== answers[path]) return false
  }
  for (const path in present) if (exists(path) !== present[path]) return false
  return true
}

/** What the world says now. */
export function answerNow(kind: ItemKind, path: string): string | null | undefined {
  switch (kind) {
    case 'files':
      return fileFingerprint(native(path)) ?? null
    case 'types':
      return quietType(path)
    case 'links':
      return quietLink(path)
    case 'directories':
      return quietDigest(path)
  }
}

/** Collects dependencies; a second answer to the same question must be the same, or nothing is recorded. */
export class DependencyRecorder {
  readonly #files: Record<string, string | null> = {}
  readonly #types: Record<string, string | null> = {}
  readonly #links: Record<string, string> = {}
  readonly #directories: Record<string, string> = {}
  readonly #environment: Record<string, string> = {}
  readonly #present: Record<string, boolean> = {}
  readonly #items: TrackedItems | undefined
  #reason: string | undefined

  /** `known` is what it depends on from the start. */
  constructor(items?: TrackedItems, known?: Dependencies) {
    this.#items = items
    Object.assign(this.#environment, known?.environment)
    Object.assign(this.#present, known?.present)
  }

  /** Why the answer must not be kept, if so. */
  get uncacheable(): string | undefined {
    return this.#reason
  }

  giveUp(reason: string): void {
    this.#reason ??= reason
    this.#items?.giveUp()
  }

  /** Something happens that later runs need, and that only a whole evaluation does again. */
  hasEffect(): void {
    this.#items?.giveUp()
  }

  file(path: string, fingerprint: string | undefined): void {
    this.#note('files', path, fingerprint ?? null)
    const known = this.#files[path]
    if (known === undefined) this.#files[path] = fingerprint ?? null
    else if (known !== (fingerprint ?? null)) this.giveUp(`'${path}' changed during the evaluation`)
  }

  type(path: string, type: string | undefined): void {
    this.#note('types', path, type ?? null)
    this.#types[path] = type ?? null
  }

  link(path: string, target: string): void {
    this.#note('links', path, target)
    this.#links[path] = target
  }

  directory(path: string, digest: string): void {
    this.#note('directories', path, digest)
    this.#directories[path] = digest
  }

  environment(name: string, value: string): void {
    this.#environment[name] = value
  }

  /** A store path that had to be there, or was looked for. A path that the evaluation itself makes is not recorded as absent. */
  present(path: string, isPresent: boolean): void {
    if (isPresent || this.#present[path] === undefined) this.#present[path] = isPresent
  }

  #note(kind: ItemKind, path: string, answer: string | null): void {
    if (this.#items?.note(kind, path, answer) === false) this.giveUp(`'${path}' changed during the evaluation`)
  }

  /** `more` is what else it depends on, without having asked. */
  result(more: Iterable<Item> = []): Dependencies {
    const parts = { files: this.#files, types: this.#types, links: this.#links, directories: this.#directories }
    for (const [kind, path, answer] of more) {
      const part: Record<string, string | null> = parts[kind]
      part[path] ??= answer
    }
    return {
      ...parts,
      environment: this.#environment,
      present: this.#present,
    }
  }

  /** Without what is told to `TrackedItems`. */
  untracked(): Dependencies {
    const none = { files: {}, types: {}, links: {}, directories: {} }
    return { ...none, environment: this.#environment, present: this.#present }
  }
}

/** A digest of a directory's names and types. */
export function directoryDigest(entries: readonly { readonly name: string; readonly type: string }[]): string {
  const lines = entries.map((entry) => `${entry.name}\0${entry.type}`).sort()
  const text = lines.join('\n')
  // From two beginnings: nothing else holds the names, and to load node:crypto takes a sixth of checking an answer.
  return shortHash(text) + shortHash(`/${text}`)
}

/** The entries of a directory with names as bytes. */
export function listDirectory(
  path: string | Buffer,
): { name: string; type: 'regular' | 'directory' | 'symlink' | 'unknown' }[] {
  return readdirSync(path, { withFileTypes: true, encoding: 'latin1' }).map((entry) => ({
    name: entry.name,
    type: entry.isFile()
      ? 'regular'
      : entry.isDirectory()
        ? 'directory'
        : entry.isSymbolicLink()
          ? 'symlink'
          : 'unknown',
  }))
}

/** What `node:fs` takes for a byte string. */
export function native(path: string): string | Buffer {
  if (/^[\x01-\x7f]*$/.test(path)) return path
  refuseNullBytes(path)
  return Buffer.from(path, 'latin1')
}

/** The system has no names with null bytes; strings of 2.8 may have them. */
export function refuseNullBytes(path: string): void {
  if (!path.includes('\0')) return
  throw new UserError('EVAL_FILE', `the path '${path.replaceAll('\0', '\\0')}' contains a null byte`)
}

/** The bytes of a text of the system. */
export function bytesOf(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

function textOf(bytes: string | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes, 'latin1').toString('utf8')
}

function quietType(path: string): string | null {
  try {
    return typeOfFile(native(path)) ?? null
  } catch {
    return null
  }
}

function quietLink(path: string): string | undefined {
  try {
    return readlinkSync(native(path), 'latin1')
  } catch {
    return undefined
  }
}

function quietDigest(path: string): string | undefined {
  try {
    return directoryDigest(listDirectory(native(path)))
  } catch {
    return undefined
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(native(path), { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}
