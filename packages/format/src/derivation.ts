/**
 * Store derivations in ATerm, the contents of `.drv` files:
 *
 *     Derive([("out","/nix/store/…-x","","")],[("/nix/store/…-dep.drv",["out"])],["/nix/store/…-src"],
 *            "x86_64-linux","/bin/sh",["-c","…"],[("builder","/bin/sh"),("name","x"),…])
 *
 * (on one line): outputs, input derivations, input sources, system, builder, arguments, environment. Everything is
 * bytes; names are sorted bytewise; the only escapes are `\" \\ \n \r \t`. Specification: "Derivation ATerm file
 * format" in the manual of Nix.
 */
import { hashBytes } from './hash.ts'
import { textPath } from './path-kinds.ts'
import { quoteTerm } from './quote-term.ts'
import type { StorePath } from './store-path.ts'

/** All texts are byte strings, and all paths are full texts. Sets and maps need no order: it is made when formatting. */
export interface Derivation {
  readonly outputs: ReadonlyMap<string, DerivationOutput>
  /** Path of each input derivation and the names of its outputs that are used. */
  readonly inputDerivations: ReadonlyMap<string, readonly string[]>
  readonly inputSources: readonly string[]
  readonly system: string
  readonly builder: string
  readonly args: readonly string[]
  readonly env: ReadonlyMap<string, string>
}

/** As in the ATerm: `hashAlgo` is empty, or `sha256`, `r:sha256`, …; `hash` is base 16. */
export interface DerivationOutput {
  /** Empty when it is not known before the build. */
  readonly path: string
  readonly hashAlgo: string
  readonly hash: string
}

export interface FormatDerivationOptions {
  /** Leaves the output paths empty, in the outputs and in the environment: what the paths themselves are hashed from. */
  readonly maskOutputs?: boolean
  /** Stands in for the input derivations (their hashes instead of their paths). */
  readonly inputs?: ReadonlyMap<string, readonly string[]>
}

/**
 * The ATerm as a byte string.
 *
 * Nix escapes only builder, arguments and environment; the other fields are written as they are, and so here.
 */
export function formatDerivation(derivation: Derivation, options: FormatDerivationOptions = {}): string {
  const { outputs, env } = derivation
  const mask = options.maskOutputs === true
  // Adding to one string and scanning before replacing: 4.4 µs for 35 variables of distinct derivations, against
  // 6.0 µs when joining an array of pieces and 7.5 µs when always replacing.
  let text = 'Derive(['
  let comma = ''
  for (const name of sortedKeys(outputs)) {
    const output = outputs.get(name)!
    text += `${comma}("${name}","${mask ? '' : output.path}","${output.hashAlgo}","${output.hash}")`
    comma = ','
  }
  text += '],['
  comma = ''
  const inputs = options.inputs ?? derivation.inputDerivations
  for (const path of sortedKeys(inputs)) {
    text += `${comma}("${path}",${plainList(inputs.get(path)!)})`
    comma = ','
  }
  text += `],${plainList(derivation.inputSources)},"${derivation.system}",${quoteTerm(derivation.builder)},[`
  comma = ''
  for (const arg of derivation.args) {
    text += comma + quoteTerm(arg)
    comma = ','
  }
  text += '],['
  comma = ''
  for (const name of sortedKeys(env)) {
    text += `${comma}(${quoteTerm(name)},${mask && outputs.has(name) ? '""' : quoteTerm(env.get(name)!)})`
    comma = ','
  }
  return `${text}])`
}

/** Path of the derivation in the store; `name` is without `.drv`. Give the ATerm when it is at hand. */
export function derivationPath(
  storeDirectory: string,
  name: string,
  derivation: Derivation,
  aterm: string = formatDerivation(derivation),
): StorePath {
  return textPath(storeDirectory, `${name}.drv`, hashBytes('sha256', aterm), derivationReferences(derivation))
}

/** Full texts of the paths that the derivation's file refers to: its inputs, sorted. */
export function derivationReferences(derivation: Derivation): string[] {
  return [...new Set([...derivation.inputSources, ...derivation.inputDerivations.keys()])].sort()
}

/** A sorted list without duplicates, unescaped. */
function plainList(items: readonly string[]): string {
  if (items.length === 0) return '[]'
  if (items.length === 1) return `["${items[0]}"]`
  return `["${[...new Set(items)].sort().join('","')}"]`
}

function sortedKeys(map: ReadonlyMap<string, unknown>): string[] {
  const keys = [...map.keys()]
  return keys.length > 1 ? keys.sort() : keys
}
