import {
  compareStorePaths,
  formatStorePath,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { type Store, scanForReferences } from '@baryon/store'
import { type DerivationOptions, isJsonObject, type Json, type JsonObject, stringList } from './derivation-options.ts'

/** What a finished output is, before it is registered. */
export interface OutputFacts {
  readonly name: string
  readonly path: StorePath
  readonly references: readonly StorePath[]
  readonly narSize: number
  /** Where its tree can be read. */
  readonly location: string
}

/**
 * Applies `allowedReferences`, `allowedRequisites`, `disallowedReferences`, `disallowedRequisites` and, with structured
 * attributes, `outputChecks` (also `maxSize`, `maxClosureSize`). Throws `OUTPUT_REFERENCES` or `OUTPUT_TOO_LARGE`.
 */
export function checkOutputs(store: Store, options: DerivationOptions, outputs: readonly OutputFacts[]): void {
  for (const output of outputs) {
    const checks = checksFor(options, output.name)
    checkReferences(store, checks, output, outputs)
    checkSizes(store, checks, output, outputs)
  }
}

/** Outputs in an order in which each comes after those that it refers to. Throws `OUTPUT_CYCLE`. */
export function orderOutputs<O extends OutputFacts>(storeDirectory: string, outputs: readonly O[]): O[] {
  const byName = new Map(outputs.map((output) => [storePathBaseName(output.path), output]))
  const ordered: O[] = []
  const state = new Map<O, 'open' | 'done'>()
  const visit = (output: O, from: O | undefined) => {
    if (state.get(output) === 'done') return
    if (state.get(output) === 'open') {
      throw new UserError(
        'OUTPUT_CYCLE',
        `outputs '${from!.name}' and '${output.name}' refer to each other: ${formatStorePath(storeDirectory, from!.path)} and ${formatStorePath(storeDirectory, output.path)}${cyclePlaces(outputs, ordered)}`,
        { hint: 'move the file that refers back into the other output, or remove the reference' },
      )
    }
    state.set(output, 'open')
    for (const reference of output.references) {
      const other = byName.get(storePathBaseName(reference))
      if (other !== undefined && other !== output) visit(other, output)
    }
    state.set(output, 'done')
    ordered.push(output)
  }
  for (const output of outputs) visit(output, undefined)
  return ordered
}

/** What stands where, between the outputs that have no order. */
function cyclePlaces(outputs: readonly OutputFacts[], ordered: readonly OutputFacts[]): string {
  const open = outputs.filter((output) => !ordered.includes(output))
  const others = (output: OutputFacts) => open.filter((other) => other !== output).map(({ path }) => path)
  return open.map((output) => placesOf(output, others(output))).join('')
}

/** Lines that name the files of an output in which the paths stand; scanned again, because that is only for errors. */
function placesOf({ name, location }: OutputFacts, paths: readonly StorePath[]): string {
  const { positions } = scanForReferences(
    location,
    paths.map(({ digest }) => digest),
  )
  const lines = positions.slice(0, MOST_PLACES).map(({ path, places: [first] }) => {
    const target = paths.find(({ digest }) => digest === first!.digest)!
    return `\n  ${name}${path === '' ? '' : `/${Buffer.from(path, 'latin1')}`}, byte ${first!.offset}: ${target.name}`
  })
  const more = positions.length - lines.length
  return lines.join('') + (more > 0 ? `\n  … and ${more} more files of ${name}` : '')
}

const MOST_PLACES = 5

interface OutputChecks {
  readonly lists: ReadonlyMap<ListName, readonly string[]>
  readonly maxSize: number | undefined
  readonly maxClosureSize: number | undefined
  /** Closures then do not count the output itself, as Nix has it for everything but structured attributes. */
  readonly ignoreSelf: boolean
}

const LISTS = ['allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites'] as const
type ListName = (typeof LISTS)[number]

function checksFor(options: DerivationOptions, output: string): OutputChecks {
  const lists = new Map<ListName, readonly string[]>()
  if (options.structured === undefined) {
    for (const name of LISTS) {
      const words = options.words(name)
      if (words !== undefined) lists.set(name, words)
    }
    return { lists, maxSize: undefined, maxClosureSize: undefined, ignoreSelf: true }
  }
  const all = options.structured.get('outputChecks')
  const own = isJsonObject(all) ? all.get(output) : undefined
  const checks: JsonObject = isJsonObject(own) ? own : new Map()
  for (const name of LISTS) {
    const value = checks.get(name)
    if (value !== undefined) lists.set(name, stringList(value, `outputChecks.${output}.${name}`))
  }
  return {
    lists,
    maxSize: size(checks.get('maxSize')),
    maxClosureSize: size(checks.get('maxClosureSize')),
    ignoreSelf: false,
  }
}

function checkReferences(
  store: Store,
  checks: OutputChecks,
  output: OutputFacts,
  outputs: readonly OutputFacts[],
): void {
  for (const [name, words] of checks.lists) {
    const recursive = name.endsWith('Requisites')
    const allowed = name.startsWith('allowed')
    const listed = new Set(words.map((word) => storePathBaseName(specified(store, word, outputs))))
    const used = recursive ? closure(store, output, outputs) : [...output.references]
    const bad = used.filter((path) => {
      const base = storePathBaseName(path)
      if (recursive && checks.ignoreSelf && base === storePathBaseName(output.path)) return false
      return listed.has(base) !== allowed
    })
    if (bad.length === 0) continue
    const paths = bad.sort(compareStorePaths).map((path) => formatStorePath(store.storeDirectory, path))
    throw new UserError(
      'OUTPUT_REFERENCES',
      `output '${output.name}' is not allowed to ${recursive ? 'need' : 'refer to'} ${paths.join(', ')} (${name})${recursive ? '' : placesOf(output, bad)}`,
      { hint: 'remove them there, or change the attribute' },
    )
  }
}

function checkSizes(store: Store, checks: OutputChecks, output: OutputFacts, outputs: readonly OutputFacts[]): void {
  const tooLarge = (what: string, bytes: number, limit: number) =>
    new UserError('OUTPUT_TOO_LARGE', `${what} of output '${output.name}' has ${bytes} bytes, ${limit} are allowed`)
  if (checks.maxSize !== undefined && output.narSize > checks.maxSize)
    throw tooLarge('the NAR', output.narSize, checks.maxSize)
  if (checks.maxClosureSize === undefined) return
  const own = new Map(outputs.map((other) => [storePathBaseName(other.path), other.narSize]))
  let total = 0
  for (const path of closure(store, output, outputs)) {
    total += own.get(storePathBaseName(path)) ?? store.queryPathInfo(path)?.narSize ?? 0
  }
  if (total > checks.maxClosureSize) throw tooLarge('the closure', total, checks.maxClosureSize)
}

/** Of an output that is not registered yet; with itself. */
function closure(store: Store, top: OutputFacts, outputs: readonly OutputFacts[]): StorePath[] {
  const unregistered = new Map(outputs.map((output) => [storePathBaseName(output.path), output]))
  const seen = new Map<string, StorePath>([[storePathBaseName(top.path), top.path]])
  const registered: StorePath[] = []
  const open = [top]
  for (let output = open.pop(); output !== undefined; output = open.pop()) {
    for (const reference of output.references) {
      const base = storePathBaseName(reference)
      if (seen.has(base)) continue
      seen.set(base, reference)
      const other = unregistered.get(base)
      if (other === undefined) registered.push(reference)
      else open.push(other)
    }
  }
  for (const path of store.computeClosure(registered)) seen.set(storePathBaseName(path), path)
  return [...seen.values()]
}

function specified(store: Store, word: string, outputs: readonly OutputFacts[]): StorePath {
  const output = outputs.find(({ name }) => name === word)
  if (output !== undefined) return output.path
  if (word.startsWith(`${store.storeDirectory}/`)) return parseStorePath(store.storeDirectory, word)
  throw new UserError('DERIVATION_INVALID', `'${word}' names neither an output nor a store path`, {
    hint: 'the lists of allowed and disallowed references hold output names and store paths',
  })
}

function size(value: Json | undefined): number | undefined {
  return value !== null && typeof value === 'object' && 'number' in value ? Number(value.number) : undefined
}
