import type { FlatFile } from './flat.ts'
import { flatten } from './flatten.ts'
import { parseSyntax } from './parser.ts'
import type { Expr } from './syntax.ts'
import type { SyntaxFeatures } from './syntax-features.ts'
import type { SourceFile } from './value.ts'

export interface ParseOptions {
  /** Names outside of all scopes: `true`, `builtins`, `map`, … */
  readonly globals: ReadonlySet<string>
  /** Further variables, in slots from 1 of the environment that the code will run in (`scopedImport`). */
  readonly scope?: readonly string[]
  /** Default: those of 2.8. */
  readonly features?: SyntaxFeatures
}

/**
 * Parses a text (bytes) and resolves its variables. `name` is the absolute path, `«string»` or `«stdin»`.
 * Throws `ParseError` or `UndefinedVariableError`.
 */
export function parseFile(source: string, name: string, options: ParseOptions): FlatFile {
  return parseSource({ name, source: () => source }, source, options)
}

/** `parseFile` for a given file object, which the positions of errors will carry. */
export function parseSource(file: SourceFile, source: string, options: ParseOptions): FlatFile {
  const syntax: Expr = parseSyntax(file, source, options.features)
  return flatten(file, syntax, options.globals, options.scope, options.features?.newer)
}
