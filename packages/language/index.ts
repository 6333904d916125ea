export { attributePosition } from './src/attribute-position.ts'
export { attrsFromEntries, EMPTY_ATTRS, findAttribute, findKey, getAttribute, nameOrder } from './src/attrs.ts'
export { coerceToString } from './src/coerce.ts'
export {
  ContextCollector,
  contextElements,
  contextOf,
  contextOfElements,
  deepElement,
  makeString,
  NO_CONTEXT,
  outputElement,
  pathElement,
} from './src/context.ts'
export { createEvaluator, type EvaluatorOptions } from './src/create-evaluator.ts'
export { forceDeep } from './src/deep-force.ts'
export { DependencySets } from './src/dependency-sets.ts'
export { type DerivationRegistry, derivationRegistry, type KnownDerivation } from './src/derivation-registry.ts'
export { isDerivation } from './src/equality.ts'
export { formatError } from './src/error-text.ts'
export {
  AbortError,
  AssertionError,
  CatchableError,
  EvaluationError,
  InfiniteRecursionError,
  ParseError,
  StackOverflowError,
  StringTooLongError,
  ThrownError,
  type TraceFrame,
  typedError,
  ValueError,
} from './src/errors.ts'
export type { AddPathRequest, Aterm, EvalIo, FetchRequest, FetchResult, FileType } from './src/eval-io.ts'
export type { EvalSettings, Evaluator, SearchPathEntry } from './src/evaluator.ts'
export type { FlatFile } from './src/flat.ts'
export { flatten } from './src/flatten.ts'
export { forceAttrs, forceBool, forceList, forceString, forceStringNoContext, typeName } from './src/force.ts'
export { callFunction, type Formals, Lambda, PartialApp, PrimOp } from './src/function.ts'
export { jsonText } from './src/json.ts'
export type { ParseCache } from './src/parse-cache.ts'
export { decodeParsedFile, encodeParsedFile } from './src/parse-cache.ts'
export { type ParseOptions, parseFile } from './src/parse-file.ts'
export { parseSyntax } from './src/parser.ts'
export { canonicalPath, directoryOf } from './src/path.ts'
export { formatPosition, type LineColumn, lineColumn, type Position } from './src/position.ts'
export { printName, printString, printValue } from './src/print-value.ts'
export { suggest } from './src/suggestion.ts'
export { intern, symbolText } from './src/symbols.ts'
export {
  type LintLevel,
  type LintName,
  type Lints,
  SYNTAX_OF_2_8,
  type SyntaxFeatures,
  syntaxFeatures,
} from './src/syntax-features.ts'
export { type PrintOptions, printSyntax } from './src/syntax-printer.ts'
export { force, lazy, namedThunk, Thunk, TrackedThunk, trackThunks } from './src/thunk.ts'
export { type Evaluated, type Memory, Tracker } from './src/tracking.ts'
export {
  Attrs,
  type Context,
  type ContextElement,
  Float,
  NixString,
  Path,
  type Slot,
  type SourceFile,
  type Value,
} from './src/value.ts'
export { compareVersions, parseDerivationName, splitVersion } from './src/version.ts'
export { xmlText } from './src/xml.ts'
