import type { Lints } from '@baryon/language'
import type { StoreOptions } from '@baryon/store'
import type { Dependencies } from './dependencies.ts'
import { NEWEST_NIX_VERSION, type NixVersion } from './language-settings.ts'

/** What is to be evaluated, and what is wanted of it. All texts are texts of the system (UTF-8). */
export interface EvaluationRequest {
  readonly source: EvaluationSource
  /** Attribute paths into the value (`a.b."c d".0`); default: the value itself. */
  readonly attributePaths?: readonly string[] | undefined
  /** Arguments for functions at the top and on the way to the attribute (`--arg`, `--argstr`). */
  readonly arguments?: Readonly<Record<string, EvaluationArgument>> | undefined
  /** Search path entries (`-I`), before those of `NIX_PATH`. */
  readonly searchPath?: readonly string[] | undefined
  readonly output: OutputKind
  /** Evaluates values completely before they are printed. */
  readonly strict?: boolean | undefined
  /** With `xml`: where things come from; default true. */
  readonly locations?: boolean | undefined
  /** With `derivations`: adds `meta` of each. */
  readonly meta?: boolean | undefined
  /** Attributes of derivations that the evaluation makes: where were they written? Not to be combined with the cache of answers. */
  readonly attributePositions?: readonly DerivationAttributeName[] | undefined
  readonly store: EvaluationStore
  readonly settings?: Partial<EvaluationSettings> | undefined
  /** Default: `process.env`. */
  readonly environment?: Readonly<NodeJS.ProcessEnv> | undefined
  /** Relative paths start here; default: the current directory. */
  readonly workingDirectory?: string | undefined
  /** Default: `$XDG_CACHE_HOME/baryon` or `~/.cache/baryon`; null keeps nothing on disk between runs. */
  readonly cacheDirectory?: string | null | undefined
  /** Gives a former answer when nothing that it depends on has changed; default true. */
  readonly answerCache?: boolean | undefined
  /**
   * Who builds what the evaluation must read: a module (file URL) that exports
   * `realiseOutputs(call, report): Promise<void>`, and data for it that survives structured cloning.
   */
  readonly realise?: { readonly module: string; readonly data: unknown } | undefined
  /** Traces and warnings; default: standard error. */
  readonly onLog?: ((message: string) => void) | undefined
  /** Events of builds in the middle of the evaluation. */
  readonly onBuildEvent?: ((event: unknown) => void) | undefined
}

export type EvaluationSource =
  /** A file, the `default.nix` of a directory, `<name>` of the search path, or the URL of a tarball. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'expression'; readonly text: string }
  /** Text of the standard input: as an expression, with another name in messages. */
  | { readonly kind: 'stdin'; readonly text: string }

export type EvaluationArgument =
  | { readonly kind: 'expression'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }

export type OutputKind = 'value' | 'json' | 'xml' | 'derivations' | 'parse'

export type EvaluationStore =
  /** Nothing is read from or written to a store (`NIX_REMOTE=dummy://`). */
  | { readonly kind: 'none'; readonly storeDirectory: string }
  /** What is there may be read; paths are computed and not added (`nix-instantiate --eval`). */
  | { readonly kind: 'read'; readonly options: StoreOptions }
  | { readonly kind: 'write'; readonly options: StoreOptions }

export interface EvaluationSettings {
  /** Whose language is spoken, and what `builtins.nixVersion` says. */
  readonly nixVersion: NixVersion
  readonly currentSystem: string
  readonly pureEval: boolean
  readonly restrictEval: boolean
  readonly allowImportFromDerivation: boolean
  /** `pipe-operators`, `parse-toml-timestamps`, …: what today's language has only when it is asked for. */
  readonly experimentalFeatures: readonly string[]
  readonly lints: Lints
  /** How deep calls may nest; undefined: as deep as the stack allows. */
  readonly maxCallDepth: number | undefined
  readonly showTrace: boolean
  readonly traceVerbose: boolean
  readonly abortOnWarn: boolean
}

export interface DerivationAttributeName {
  /** Full text of the derivation's path. */
  readonly derivation: string
  readonly attribute: string
}

export interface EvaluationResult {
  /** `value`, `json`, `xml`, `parse`: one text (bytes) per attribute path, without a final line break but for `xml`. */
  readonly texts: readonly string[]
  readonly derivations: readonly FoundDerivation[]
  /** `file:line:column` (bytes) for each of `attributePositions`, as far as it is known. */
  readonly positions?: readonly (string | undefined)[] | undefined
  /** A former answer that still holds. */
  readonly fromCache: boolean
  /** How many derivations were taken over from the last evaluation of the same, because nothing behind them has changed. */
  readonly takenOver?: number | undefined
  /**
   * What the answer depends on, for those who keep something that they made of it; undefined when it must not be kept.
   * `dependenciesHold` tells whether it still holds.
   */
  readonly dependencies?: Dependencies | undefined
}

export interface FoundDerivation {
  /** Where it was found, below the requested attribute path. */
  readonly attributePath: string
  readonly name: string
  readonly system: string
  /** Full text. */
  readonly drvPath: string
  /** The output that the value stands for. */
  readonly outputName: string
  /** Paths by output name; an output whose path is not known before the build is missing. */
  readonly outputs: Readonly<Record<string, string>>
  /** With `meta` in the request. */
  readonly meta?: unknown
}

export const DEFAULT_SETTINGS: EvaluationSettings = {
  nixVersion: NEWEST_NIX_VERSION,
  currentSystem: process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux',
  pureEval: false,
  restrictEval: false,
  allowImportFromDerivation: true,
  experimentalFeatures: [],
  lints: {},
  maxCallDepth: undefined,
  showTrace: false,
  traceVerbose: false,
  abortOnWarn: false,
}

/** The logical store directory of a request. */
export function storeDirectoryOf(store: EvaluationStore): string {
  return store.kind === 'none' ? store.storeDirectory : store.options.storeDirectory
}
