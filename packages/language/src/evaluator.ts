import type { CallDepth } from './call-depth.ts'
import type { EvalIo } from './eval-io.ts'
import type { Position } from './position.ts'
import type { Lints } from './syntax-features.ts'
import type { Attrs, Slot, Value } from './value.ts'

/**
 * What a builtin may use of the evaluator it runs in. Forcing and calling are plain functions (`force.ts`, `thunk.ts`,
 * `function.ts`): they need no evaluator.
 *
 * The core brings the builtins `import`, `scopedImport`, `__findFile`, `__nixPath`, `__unsafeGetAttrPos`, `builtins`,
 * `true`, `false`, `null` (`core-builtins.ts`); all others come from `allBuiltins: readonly Builtin[]` of
 * `builtins/all.ts`.
 */
export interface Evaluator {
  readonly io: EvalIo
  readonly settings: EvalSettings
  /** The set `builtins`. */
  readonly builtins: Attrs
  /** Undefined: calls are not counted. */
  readonly callDepth: CallDepth | undefined
  /** The names that are there without any scope: `true`, `map`, `__add`, … */
  readonly globalNames: ReadonlySet<string>
  /** Evaluates a file, or the `default.nix` of a directory; each file once. The path is absolute. */
  importFile(path: string): Value
  /** Like `importFile` with the attributes of `scope` as further variables; not cached. */
  importScoped(scope: Attrs, path: string): Value
  /** The absolute path of `<name>`; throws `SearchPathError`, which `tryEval` catches. */
  findFile(entries: readonly SearchPathEntry[], name: string): string
  /** Parses and evaluates a text. Relative paths in it start at `basePath`; `name` is for messages (`«string»`). */
  evaluateText(source: string, basePath: string, name: string): Value
  /** `{ file, line, column }`, or null. */
  positionValue(position: Position | undefined): Slot
}

export interface EvalSettings {
  /** What `builtins.nixVersion` says. */
  readonly nixVersion: string
  readonly currentSystem: string
  readonly searchPath: readonly SearchPathEntry[]
  /** No environment, no current time, no unhashed fetches, no search path. */
  readonly pureEval: boolean
  /** Only files below the search path may be read (enforced by `EvalIo`). */
  readonly restrictEval: boolean
  readonly allowImportFromDerivation: boolean
  /** The language of today (builtins, syntax, values, errors) instead of that of 2.8. */
  readonly newerFeatures: boolean
  /** What today's language has only when it is asked for: `pipe-operators`, `parse-toml-timestamps`. */
  readonly experimentalFeatures: readonly string[]
  readonly lints: Lints
  /** How deep calls may nest; undefined: as deep as the stack allows. */
  readonly maxCallDepth: number | undefined
  /** How deep data may nest that is evaluated completely or written as JSON. */
  readonly maxDataDepth: number
  /** Collect frames while an error passes by (`--show-trace`). */
  readonly showTrace: boolean
  /** `--trace-verbose`. */
  readonly traceVerbose: boolean
  /** `builtins.warn` is an error, whose trace tells where the warning comes from. */
  readonly abortOnWarn: boolean
}

/** `prefix=path`, or a directory to look into (`prefix` empty). `path` may be a URL of a tarball. */
export interface SearchPathEntry {
  readonly prefix: string
  readonly path: string
}
