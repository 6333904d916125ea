import {
  createDerivationHasher,
  type Derivation,
  fillOutputPaths,
  formatStorePath,
  parseStorePath,
  type StorePath,
} from '@baryon/format'
import type { Store } from '@baryon/store'

export interface DerivationSketch {
  readonly name: string
  /** Run by `/bin/sh -c`. */
  readonly script?: string
  readonly env?: Readonly<Record<string, string>>
  readonly outputs?: readonly string[]
  readonly inputs?: readonly (readonly [StorePath, ...string[]])[]
  readonly sources?: readonly StorePath[]
  readonly builder?: string
  readonly args?: readonly string[]
  readonly system?: string
  /** `sha256` or `r:sha256`, and the hash in base 16. */
  readonly fixed?: { readonly algorithm: string; readonly hash: string }
}

/** Writes a derivation by hand, as an evaluator would. */
export function makeDerivation(store: Store, sketch: DerivationSketch): StorePath {
  const {
    name,
    script = '',
    env = {},
    outputs = ['out'],
    inputs = [],
    sources = [],
    builder = '/bin/sh',
    fixed,
  } = sketch
  const system = sketch.system ?? (builder.startsWith('builtin:') ? 'builtin' : 'x86_64-linux')
  const bare: Derivation = {
    outputs: new Map(
      outputs.map((output) => [output, { path: '', hashAlgo: fixed?.algorithm ?? '', hash: fixed?.hash ?? '' }]),
    ),
    inputDerivations: new Map(
      inputs.map(([path, ...names]) => [
        formatStorePath(store.storeDirectory, path),
        names.length === 0 ? ['out'] : names,
      ]),
    ),
    inputSources: sources.map((path) => formatStorePath(store.storeDirectory, path)),
    system,
    builder,
    args: sketch.args ?? (builder === '/bin/sh' ? ['-c', script] : []),
    env: new Map(
      Object.entries({
        name,
        builder,
        system,
        PATH: '/bin',
        ...env,
        ...Object.fromEntries(outputs.map((output) => [output, ''])),
      }),
    ),
  }
  const lookup = createDerivationHasher((path) => store.readDerivation(parseStorePath(store.storeDirectory, path)))
  return store.writeDerivation(fillOutputPaths(store.storeDirectory, name, bare, lookup).derivation, name)
}

/** Full text of an output. */
export function outputText(store: Store, derivation: StorePath, output = 'out'): string {
  return store.readDerivation(derivation).outputs.get(output)!.path
}
