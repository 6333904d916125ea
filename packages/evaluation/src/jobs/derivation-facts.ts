import { type Derivation, parseDerivation } from '@baryon/format'

/** What a record tells of a derivation beside what its attributes say. */
export interface DerivationFacts {
  readonly system: string
  /** Sorted. */
  readonly requiredSystemFeatures: readonly string[]
  /** Outputs by path of the derivation, both sorted; only when asked for. */
  readonly inputs: Readonly<Record<string, readonly string[]>> | undefined
}

/**
 * Keeps the facts of each derivation that is made, without the texts: they are not read from the store again, which would
 * take longer than the rest of a record.
 */
export class FactKeeper {
  readonly #withInputs: boolean
  readonly #facts = new Map<string, DerivationFacts>()

  constructor(withInputs: boolean) {
    this.#withInputs = withInputs
  }

  note(path: string, aterm: string): void {
    this.#facts.set(path, this.#read(aterm))
  }

  /** Undefined for a derivation that was not made here. */
  get(path: string): DerivationFacts | undefined {
    return this.#facts.get(path)
  }

  #read(aterm: string): DerivationFacts {
    const mayDiffer = this.#withInputs || aterm.includes('requiredSystemFeatures') || UNKNOWN_PATH.test(aterm)
    if (!mayDiffer) {
      const system = systemOf(aterm)
      if (system !== undefined) return plainFacts(system)
    }
    return factsOf(parseDerivation(aterm), this.#withInputs)
  }
}

export function factsOf(derivation: Derivation, withInputs: boolean): DerivationFacts {
  const features = new Set(requiredFeatures(derivation))
  const hasUnknownPaths = [...derivation.outputs.values()].some((output) => output.path === '')
  if (hasUnknownPaths) features.add('ca-derivations')
  const inputs = [...derivation.inputDerivations].map(([path, outputs]) => [path, [...outputs].sort()] as const)
  return {
    system: derivation.system,
    requiredSystemFeatures: [...features].sort(),
    inputs: withInputs ? Object.fromEntries(inputs.sort(([a], [b]) => (a < b ? -1 : 1))) : undefined,
  }
}

/** An output whose path is not known, among any number of them. */
const UNKNOWN_PATH = /^Derive\(\[(?:\([^)]*\),)*\("[^"]*","",/

/** The first list that is followed by a text is that of the sources, and the text is the system. */
function systemOf(aterm: string): string | undefined {
  const start = aterm.indexOf('],"') + 3
  const end = aterm.indexOf('"', start)
  if (start < 3 || end < 0) return undefined
  const system = aterm.slice(start, end)
  return system.includes('\\') ? undefined : system
}

const plain = new Map<string, DerivationFacts>()

/** One object for all derivations of a system that have nothing special. */
function plainFacts(system: string): DerivationFacts {
  let facts = plain.get(system)
  if (facts === undefined) {
    // A copy: a slice would keep the whole text in memory.
    const copy = Buffer.from(system, 'latin1').toString('latin1')
    facts = { system: copy, requiredSystemFeatures: [], inputs: undefined }
    plain.set(copy, facts)
  }
  return facts
}

function requiredFeatures({ env }: Derivation): readonly string[] {
  const structured = env.get('__json')
  if (structured !== undefined) {
    const { requiredSystemFeatures: features } = JSON.parse(structured) as { requiredSystemFeatures?: unknown }
    return Array.isArray(features) ? features.filter((feature) => typeof feature === 'string') : []
  }
  return (env.get('requiredSystemFeatures') ?? '').split(/[ \t\n\r]+/).filter((word) => word !== '')
}
