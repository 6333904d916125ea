import {
  createDerivationHasher,
  type Derivation,
  type DerivationHash,
  hashBytesBase16,
  parseDerivation,
} from '@baryon/format'
import { ValueError } from './errors.ts'
import type { EvalIo } from './eval-io.ts'
import { pathNumber } from './path-number.ts'

/** What later derivations need to know of one that was made or read in this world. */
export interface KnownDerivation {
  /** Sorted. */
  readonly outputs: readonly string[]
  /** Full texts, sorted; of one the text itself, as most have one that nobody asks for. */
  readonly references: string | readonly string[]
  /** The hash modulo fixed outputs: of one that is input-addressed in base 16, of others what gives it. */
  readonly hash: string | (() => DerivationHash)
}

/** The derivations of one world. */
export class DerivationRegistry {
  readonly #io: EvalIo
  /** By number of the path. */
  readonly #known: (KnownDerivation | undefined)[] = []
  /** References of text files made in this world (a compute-only store cannot be asked). */
  readonly #textReferences = new Map<string, readonly string[]>()

  /** Derivations that a former run made; what they refer to is known here or there as well. */
  remembered: ((path: string) => KnownDerivation | undefined) | undefined

  constructor(io: EvalIo) {
    this.#io = io
  }

  get textReferences(): ReadonlyMap<string, readonly string[]> {
    return this.#textReferences
  }

  has(path: string): boolean {
    return this.#known[pathNumber(path)] !== undefined
  }

  add(path: string, derivation: KnownDerivation): void {
    this.#known[pathNumber(path)] = derivation
  }

  addText(path: string, references: readonly string[]): void {
    this.#textReferences.set(path, references)
  }

  /** Reads the derivation from the store when it was not made here. */
  get(path: string): KnownDerivation {
    const number = pathNumber(path)
    let known = this.#known[number]
    if (known === undefined) {
      known = this.remembered?.(path)
      if (known !== undefined) this.#known[number] = known
    }
    if (known === undefined) {
      const derivation = this.#read(path)
      known = {
        outputs: [...derivation.outputs.keys()].sort(),
        references: [...new Set([...derivation.inputDerivations.keys(), ...derivation.inputSources])].sort(),
        hash: memoised(() => this.#hashStored(path)),
      }
      this.#known[number] = known
    }
    return known
  }

  /** Full texts of what the derivation refers to, sorted. */
  referencesOf(path: string): readonly string[] {
    const { references } = this.get(path)
    return typeof references === 'string' ? [references] : references
  }

  /** The hash modulo fixed outputs. */
  hash(path: string): DerivationHash {
    return hashOf(this.get(path))
  }

  /** The path and everything it refers to, directly or not; a derivation's outputs do not count. */
  closure(path: string): Set<string> {
    const seen = new Set([path])
    const queue = [path]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const reference of this.#references(next)) {
        if (seen.has(reference)) continue
        seen.add(reference)
        queue.push(reference)
      }
    }
    return seen
  }

  #references(path: string): readonly string[] {
    if (path.endsWith('.drv')) return this.referencesOf(path)
    const text = this.#textReferences.get(path)
    if (text !== undefined) return text
    return this.#io.isValidPath(path) ? this.#io.queryReferences(path) : []
  }

  #read(path: string): Derivation {
    try {
      return parseDerivation(this.#io.readDerivation(path))
    } catch (error) {
      if (error instanceof ValueError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new ValueError(`cannot read derivation '${path}': ${reason}`)
    }
  }

  #hashStored(path: string): DerivationHash {
    const hashes = new Map<string, DerivationHash>()
    // What this world made itself is already hashed, or cheap to hash.
    for (const reference of this.closure(path)) {
      if (reference === path || !reference.endsWith('.drv')) continue
      const known = this.#known[pathNumber(reference)]
      if (known !== undefined) hashes.set(reference, hashOf(known))
    }
    return createDerivationHasher((input) => this.#read(input), hashes)(path)
  }
}

/** The registry of a world. */
export function derivationRegistry(io: EvalIo): DerivationRegistry {
  let registry = registries.get(io)
  if (registry === undefined) {
    registry = new DerivationRegistry(io)
    registries.set(io, registry)
  }
  return registry
}

function hashOf({ hash }: KnownDerivation): DerivationHash {
  return typeof hash === 'string' ? { kind: 'input-addressed', base16: hash } : hash()
}

/** Of a derivation whose output paths are not known before it is built. */
export function deferredHash(): DerivationHash {
  return DEFERRED
}

const DEFERRED: DerivationHash = { kind: 'deferred', base16: '' }

/** Hash of a fixed-output derivation: only method, hash and path count. */
export function fixedDerivationHash(hashAlgo: string, hashBase16: string, path: string): () => DerivationHash {
  return memoised(() => ({
    kind: 'fixed',
    base16: hashBytesBase16('sha256', `fixed:out:${hashAlgo}:${hashBase16}:${path}`),
  }))
}

function memoised<T>(compute: () => T): () => T {
  let value: { readonly of: T } | undefined
  let pending: (() => T) | undefined = compute
  return () => {
    if (value === undefined) {
      value = { of: (pending as () => T)() }
      // Lets go of the texts that the computation needed.
      pending = undefined
    }
    return value.of
  }
}

const registries = new WeakMap<EvalIo, DerivationRegistry>()
