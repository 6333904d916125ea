/**
 * What the name of a store path says of a package: `hepmc3-3.2.6-dev` is the output `dev` of `hepmc3`, version `3.2.6`.
 *
 * As in Nix, the version starts after the first dash that no letter follows, and a last part of small letters (or `lib32`,
 * `lib64`) is taken for an output: a guess, since a version may end in such a word as well.
 */
export interface PackageName {
  readonly name: string
  /** `''` when there is none. */
  readonly version: string
  /** `''` for the first output, which names no output. */
  readonly output: string
}

export function parsePackageName(text: string): PackageName {
  const match = OUTPUT.exec(text)
  const rest = match === null ? text : match[1]!
  const dash = VERSION_START.exec(rest)
  return {
    name: dash === null ? rest : rest.slice(0, dash.index),
    version: dash === null ? '' : rest.slice(dash.index + 1),
    output: match === null ? '' : match[2]!,
  }
}

const OUTPUT = /^(.*)-([a-z]+|lib32|lib64)$/s
const VERSION_START = /-[^A-Za-z]/
