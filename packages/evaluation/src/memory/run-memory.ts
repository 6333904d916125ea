/** Memory of one evaluation: takes over what a former run of the same request computed, and keeps what this one did. */
import { rmSync } from 'node:fs'
import {
  type Attrs,
  contextElements,
  DependencySets,
  derivationRegistry,
  type EvalIo,
  type Evaluated,
  findKey,
  getAttribute,
  intern,
  NixString,
  Thunk,
  Tracker,
  trackThunks,
} from '@baryon/language'
import {
  answerNow,
  type Dependencies,
  dependenciesHold,
  type Item,
  type ItemKind,
  type TrackedItems,
} from '../dependencies.ts'
import { type Entry, FormerRun } from './former-run.ts'
import { type MemoryFile, type MemoryPlace, NO_LINES, readMemoryFile, writeMemoryFile } from './memory-file.ts'
import { type FormerNumbers, ValueWriter } from './value-writer.ts'

export class RunMemory implements TrackedItems {
  readonly #place: MemoryPlace
  readonly #tracker: Tracker
  readonly #items: (Item | null)[] = []
  readonly #numbers = new Map<string, number>()
  readonly #former: FormerRun | undefined
  readonly #formerFile: MemoryFile | undefined
  readonly #formerCount: number

  /** With `fresh` nothing is taken over. */
  constructor(place: MemoryPlace, environment: Readonly<NodeJS.ProcessEnv>, fresh: boolean) {
    this.#place = place
    const sets = new DependencySets()
    this.#tracker = new Tracker(sets, isDerivationShape)
    const read = fresh ? undefined : readMemoryFile(place)
    // What no longer holds stays in the file until it is made anew.
    if (read !== undefined && read.size < 4 * read.file.firstSize && dependenciesHold(read.file.global, environment)) {
      const { file } = read
      this.#formerFile = file
      for (const item of file.items)
        this.#restore(item !== null && answerNow(item[0], item[1]) === item[2] ? item : null)
      for (let i = 0; i < file.sets.length; i += 2) sets.restore(file.sets[i]!, file.sets[i + 1]!)
      this.#former = new FormerRun(file, (item) => this.#items[item] !== null)
      this.#tracker.memory = this.#former
    }
    this.#formerCount = this.#items.length
  }

  /** How many values were taken over. */
  get takenOver(): number {
    return this.#former?.hits ?? 0
  }

  /** What the former run asked of the world outside of any thunk of its own: whoever takes something over depends on it. */
  get formerGlobal(): Dependencies | undefined {
    return this.#formerFile?.global
  }

  /** Starts: all thunks made from now on are tracked. */
  open(io: EvalIo): void {
    trackThunks(this.#tracker)
    const registry = derivationRegistry(io)
    const former = this.#former
    if (former === undefined) return
    registry.remembered = (path) => former.knownDerivation(path)
    for (const [path, references] of Object.entries(this.#formerFile!.texts)) registry.addText(path, references)
  }

  /** What was asked until now decided on settings, on which everything depends. */
  begin(): void {
    this.#tracker.common = this.#tracker.dependencies
  }

  note(kind: ItemKind, path: string, answer: string | null): boolean {
    const key = `${kind}\0${path}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#items.length
      this.#items.push([kind, path, answer])
      this.#numbers.set(key, number)
    } else if (this.#items[number]![2] !== answer) {
      return false
    }
    this.#tracker.note(number)
    return true
  }

  giveUp(): void {
    this.#tracker.isIncomplete = true
  }

  /** What the evaluation depends on by what it took over. */
  formerItems(): readonly Item[] {
    const { sets, dependencies } = this.#tracker
    const result: Item[] = []
    for (let i = 0; i < this.#formerCount; i++) if (sets.has(dependencies, i)) result.push(this.#items[i]!)
    return result
  }

  /** Keeps what was computed. `global` is what all of it depends on. */
  keep(io: EvalIo, global: Dependencies): void {
    const tracker = this.#tracker
    if (tracker.isIncomplete) return
    const evaluated = outermost(tracker.evaluated)
    // What is not kept costs the next run as much again; to keep it costs reading and writing all.
    if (evaluated.length === 0 || evaluated.length * WORTH_KEEPING < (this.#former?.entryCount ?? 0)) return
    const former: FormerNumbers = this.#former ?? NOTHING
    const registry = derivationRegistry(io)
    const writer = new ValueWriter(former, registry, isWanted)
    const names = new Set(evaluated.map(({ thunk }) => thunk.name1))
    const entries: Entry[] = []
    for (const entry of this.#former?.entries() ?? []) if (!names.has(entry[0])) entries.push(entry)
    for (const { thunk, attrs } of evaluated) {
      entries.push([thunk.name1, thunk.name2, thunk.dependencies, writer.number(attrs)])
    }
    writer.finish()
    const { sets } = tracker
    const setParts = new Int32Array(2 * (sets.count - 1))
    for (let i = 1; i < sets.count; i++) setParts.set(sets.partsOf(i), 2 * (i - 1))
    writeMemoryFile(this.#place, {
      global,
      items: this.#items,
      sets: setParts,
      entries: Int32Array.from(entries.flat()),
      shapes: writer.shapes,
      values: (this.#formerFile?.values ?? NO_LINES).with(writer.values),
      derivations: (this.#formerFile?.derivations ?? NO_LINES).with(writer.derivations),
      texts: Object.fromEntries(registry.textReferences),
      firstSize: this.#formerFile?.firstSize ?? 0,
    })
  }

  /** Removes what is kept: it would not be used. */
  forget(): void {
    rmSync(this.#place.path, { force: true })
  }

  /** Ends tracking. */
  close(): void {
    trackThunks(undefined)
  }

  #restore(item: Item | null): void {
    if (item !== null) this.#numbers.set(`${item[0]}\0${item[1]}`, this.#items.length)
    this.#items.push(item)
  }
}

const NOTHING: FormerNumbers = {
  shapes: [],
  values: 0,
  derivations: 0,
  valueOf: () => undefined,
  nestedNumberOf: () => undefined,
  derivationOf: () => undefined,
}

const DRV_PATH = intern('drvPath')
const OUT_PATH = intern('outPath')
const TYPE = intern('type')

/** One part in so many of what is known, or more, is worth a new file. */
const WORTH_KEEPING = 16

/** Derivations of which somebody wanted a path. */
function isWanted(attrs: Attrs): boolean {
  return isDerivationShape(attrs.keys) && derivationPath(attrs) !== undefined
}

function isDerivationShape(keys: readonly number[]): boolean {
  return findKey(keys, DRV_PATH) >= 0 && findKey(keys, TYPE) >= 0
}

/**
 * Of the evaluated derivations those that were not evaluated in the course of a value of the same derivation: a package
 * is made in five or ten steps, each of which adds attributes, and only the last is asked for by others. A value that is
 * kept for one thunk is kept for all, so that it stays one. In the order in which they were finished.
 */
function outermost(all: readonly Evaluated[]): Evaluated[] {
  const kept = new Set<Attrs>()
  // The ones around the present one, with the path of each.
  const around: { readonly start: number; readonly path: string }[] = []
  for (let i = all.length - 1; i >= 0; i--) {
    const { attrs, start } = all[i]!
    const path = derivationPath(attrs)
    if (path === undefined) continue
    while (around.length > 0 && around[around.length - 1]!.start > i) around.pop()
    if (!around.some((outer) => outer.path === path)) kept.add(attrs)
    around.push({ start, path })
  }
  return all.filter(({ attrs }) => kept.has(attrs))
}

/** The derivation's path; undefined when nobody asked for it or for the path of an output. */
function derivationPath(attrs: Attrs): string | undefined {
  for (const symbol of [OUT_PATH, DRV_PATH]) {
    const slot = getAttribute(attrs, symbol)
    const value = slot instanceof Thunk ? (slot.code === null ? slot.second : undefined) : slot
    if (value instanceof NixString) return contextElements(value.context)[0]!.path
  }
  return undefined
}
