/**
 * Output paths of derivations: the hash "modulo fixed outputs".
 *
 * An output path is made from the derivation's ATerm with its own outputs masked and each input derivation replaced
 * by *its* hash; a fixed-output derivation stands for its result alone, so that a new mirror rebuilds nothing.
 */
import { type Derivation, type DerivationOutput, formatDerivation } from './derivation.ts'
import { type Hash, hashBytesBase16, parseHash } from './hash.ts'
import { fixedOutputPath, type HashMethod, inputAddressedPath, outputPathName } from './path-kinds.ts'
import { quoteBytes } from './quote-bytes.ts'
import { formatStorePath, type StorePath } from './store-path.ts'
import { UserError } from './user-error.ts'

export interface DerivationHash {
  /**
   * `fixed`: made from the output's path and hash; `input-addressed`: made from all inputs;
   * `deferred`: a content-addressed derivation, or one that depends on it, whose output paths are not known before a build.
   */
  readonly kind: 'fixed' | 'input-addressed' | 'deferred'
  /** SHA-256 in base 16. */
  readonly base16: string
}

/**
 * The hash modulo fixed outputs. `lookup` gives the hash of an input derivation (full path text) and should remember it:
 * see `createDerivationHasher`.
 */
export function hashDerivationModulo(derivation: Derivation, lookup: (path: string) => DerivationHash): DerivationHash {
  const fixed = fixedOutput(derivation)
  if (fixed !== undefined) {
    const base16 = hashBytesBase16('sha256', `fixed:out:${fixed.hashAlgo}:${fixed.hash}:${fixed.path}`)
    return { kind: 'fixed', base16 }
  }
  let kind: DerivationHash['kind'] = 'input-addressed'
  for (const output of derivation.outputs.values()) if (output.hashAlgo !== '') kind = 'deferred'
  const inputs = new Map<string, readonly string[]>()
  const paths = [...derivation.inputDerivations.keys()]
  // When two inputs have the same hash, Nix keeps the outputs of the one whose path sorts last.
  for (const path of paths.length > 1 ? paths.sort() : paths) {
    const input = lookup(path)
    if (input.kind === 'deferred') kind = 'deferred'
    inputs.set(input.base16, input.kind === 'fixed' ? ['out'] : derivation.inputDerivations.get(path)!)
  }
  return { kind, base16: hashBytesBase16('sha256', formatDerivation(derivation, { maskOutputs: true, inputs })) }
}

/** A lookup that reads derivations on demand and remembers their hashes. Depth costs no stack; cycles are refused. */
export function createDerivationHasher(
  read: (path: string) => Derivation,
  known: Map<string, DerivationHash> = new Map(),
): (path: string) => DerivationHash {
  return (top) => {
    const open = new Map<string, Derivation>()
    const stack = [top]
    while (stack.length > 0) {
      const path = stack.at(-1)!
      const opened = open.get(path)
      if (known.has(path)) {
        stack.pop()
      } else if (opened === undefined) {
        const derivation = read(path)
        open.set(path, derivation)
        if (fixedOutput(derivation) !== undefined) continue
        for (const input of derivation.inputDerivations.keys()) {
          if (known.has(input)) continue
          // Only ancestors are open and unknown.
          if (open.has(input)) throw cycle(input)
          stack.push(input)
        }
      } else {
        known.set(
          path,
          hashDerivationModulo(opened, (input) => knownHash(known, input)),
        )
        open.delete(path)
        stack.pop()
      }
    }
    return knownHash(known, top)
  }
}

export interface FilledDerivation {
  /** The derivation with the paths in its outputs and in the variables of their names (added where missing). */
  readonly derivation: Derivation
  /** Stays valid for the filled derivation: remember it for those that depend on it. */
  readonly hash: DerivationHash
}

/**
 * Computes the output paths of a derivation (`name` without `.drv`) whose outputs still have an empty `path`, and writes
 * them into its outputs and environment. A deferred derivation is given back as it is.
 */
export function fillOutputPaths(
  storeDirectory: string,
  name: string,
  derivation: Derivation,
  lookup: (path: string) => DerivationHash,
): FilledDerivation {
  const fixed = fixedOutput(derivation)
  if (fixed !== undefined) {
    const path = formatStorePath(storeDirectory, fixedDerivationOutputPath(storeDirectory, name, 'out', fixed))
    const filled = withPaths(derivation, () => path)
    return { derivation: filled, hash: hashDerivationModulo(filled, lookup) }
  }
  // The masked form does not hold the paths, so that the hash taken before they are known is the one taken after.
  // The variables of the outputs must be there all the same: masking empties them, it does not add them.
  const hash = hashDerivationModulo(
    withPaths(derivation, () => ''),
    lookup,
  )
  if (hash.kind === 'deferred') return { derivation, hash }
  const filled = withPaths(derivation, (output) =>
    formatStorePath(storeDirectory, inputAddressedPath(storeDirectory, name, output, hash.base16)),
  )
  return { derivation: filled, hash }
}

/** The `out` of a fixed-output derivation, or undefined for every other derivation. */
export function fixedOutput(derivation: Derivation): DerivationOutput | undefined {
  if (derivation.outputs.size !== 1) return undefined
  const output = derivation.outputs.get('out')
  return output !== undefined && output.hashAlgo !== '' && output.hash !== '' ? output : undefined
}

/** Method and hash of an output whose hash is fixed. */
export function fixedOutputHash(output: DerivationOutput): {
  readonly method: HashMethod
  readonly hash: Hash
} {
  const recursive = output.hashAlgo.startsWith('r:')
  const algorithm = recursive ? output.hashAlgo.slice(2) : output.hashAlgo
  if (output.hash.includes(':') || output.hash.includes('-')) {
    throw new UserError('DERIVATION_INVALID', `output hash ${quoteBytes(output.hash)} must be bare digits`)
  }
  return { method: recursive ? 'recursive' : 'flat', hash: parseHash(`${algorithm}:${output.hash}`) }
}

function fixedDerivationOutputPath(
  storeDirectory: string,
  name: string,
  outputName: string,
  output: DerivationOutput,
): StorePath {
  return fixedOutputPath(storeDirectory, outputPathName(name, outputName), fixedOutputHash(output))
}

function withPaths(derivation: Derivation, pathOf: (output: string) => string): Derivation {
  const outputs = new Map<string, DerivationOutput>()
  const env = new Map(derivation.env)
  for (const [name, output] of derivation.outputs) {
    const path = pathOf(name)
    outputs.set(name, { ...output, path })
    env.set(name, path)
  }
  return { ...derivation, outputs, env }
}

function knownHash(known: ReadonlyMap<string, DerivationHash>, path: string): DerivationHash {
  const hash = known.get(path)
  if (hash === undefined) throw cycle(path)
  return hash
}

function cycle(path: string): UserError {
  return new UserError('DERIVATION_CYCLE', `derivation ${quoteBytes(path)} depends on itself`)
}
