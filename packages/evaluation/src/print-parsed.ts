import { type Evaluator, flatten, parseSyntax, printSyntax, symbolText, syntaxFeatures } from '@baryon/language'
import { bytesOf } from './dependencies.ts'
import type { EvaluationRequest } from './request.ts'

/** The source after parsing, in Nix's normal form (`nix-instantiate --parse`). */
export function printParsed(evaluator: Evaluator, request: EvaluationRequest): string {
  const { io } = evaluator
  const base = bytesOf(request.workingDirectory ?? process.cwd())
  const { source } = request
  let name = source.kind === 'stdin' ? '«stdin»' : '«string»'
  let directory = base
  let text: string
  if (source.kind === 'file') {
    const path = bytesOf(source.path)
    name = path.startsWith('/') ? path : `${base}/${path}`
    if (io.fileType(name) === 'directory') name = `${name}/default.nix`
    directory = name.slice(0, name.lastIndexOf('/'))
    text = io.readFile(name)
  } else {
    text = bytesOf(source.text)
  }
  const builtinNames = new Set<string>()
  for (const key of evaluator.builtins.keys) {
    builtinNames.add(symbolText(key))
    builtinNames.add(`__${symbolText(key)}`)
  }
  const features = syntaxFeatures(evaluator.settings, evaluator.io)
  const file = { name, source: () => text }
  const expr = parseSyntax(file, text, features)
  // Undefined variables are errors of this step, too.
  flatten(file, expr, builtinNames, undefined, features.newer)
  const home = (): string => io.getEnvironment('HOME')
  return printSyntax(expr, { base: { directory, home }, builtinNames, newer: features.newer })
}
