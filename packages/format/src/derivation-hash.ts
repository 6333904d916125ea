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

export interface HashDerivationOptions {
  /** The form that the derivation's own output paths are made from; without it, the form by which others depend on it. */
  readonly maskOutputs?: boolean
}

/**
 * The hash modulo fixed outputs. `lookup` gives the (unmasked) hash of an input derivation, named by its full path text,
 * and should remember it: see `createDerivationHasher`.
 */
export function hashDerivationModulo(
  derivation: Derivation,
  lookup: (path: string) => DerivationHash,
  options: HashDerivationOptions = {},
): DerivationHash {
  const fixed = fixedOutput(derivation)
  if (fixed !== undefined) {
    const base16 = hashBytesBase16('sha256', `fixed:out:${fixed.hashAlgo}:${fixed.hash}:${fixed.path}`)
    return { kind: 'fixed', base16 }
  }
  let kind: DerivationHash['kind'] = 'input-addressed'
  for (const output of derivation.outputs.values()) if (output.hashAlgo !== '') kind = 'deferred'
  const inputs = new Map<string, readonly string[]>()
  for (const [path, outputs] of derivation.inputDerivations) {
    const { kind: inputKind, base16 } = lookup(path)
    if (inputKind === 'deferred') kind = 'deferred'
    // Inputs of equal hash (they differ in fixed outputs only) become one with the outputs of all: formatting removes doubles.
    const same = inputs.get(base16)
    inputs.set(base16, same === undefined ? outputs : [...same, ...outputs])
  }
  return { kind, base16: hashBytesBase16('sha256', formatDerivation(derivation, { ...options, inputs })) }
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
  /** The hash by which others depend on it, to be remembered for them. */
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
  // The variables of the outputs must be there all the same: masking empties them, it does not add them.
  const blank = withPaths(derivation, () => '')
  const masked = hashDerivationModulo(blank, lookup, { maskOutputs: true })
  if (masked.kind === 'deferred') return { derivation, hash: hashDerivationModulo(derivation, lookup) }
  const filled = withPaths(derivation, (output) =>
    formatStorePath(storeDirectory, inputAddressedPath(storeDirectory, name, output, masked.base16)),
  )
  return { derivation: filled, hash: hashDerivationModulo(filled, lookup) }
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
