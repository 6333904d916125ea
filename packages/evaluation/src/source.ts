import { canonicalPath, type EvalIo, type Evaluator, type Value } from '@baryon/language'
import { bytesOf } from './dependencies.ts'
import type { EvaluationRequest } from './request.ts'

/** Evaluates what the request names. */
export function evaluateSource(evaluator: Evaluator, request: EvaluationRequest): Value {
  const base = bytesOf(request.workingDirectory ?? process.cwd())
  const { source } = request
  switch (source.kind) {
    case 'expression':
      return evaluator.evaluateText(bytesOf(source.text), base, '«string»')
    case 'stdin':
      return evaluator.evaluateText(bytesOf(source.text), base, '«stdin»')
    case 'file':
      return evaluator.importFile(filePath(evaluator, bytesOf(source.path), base))
  }
}

function filePath(evaluator: Evaluator, path: string, base: string): string {
  const name = /^<(.+)>$/.exec(path)?.[1]
  if (name !== undefined) return evaluator.findFile(evaluator.settings.searchPath, name)
  if (isUrl(path)) return fetchedPath(evaluator.io, path)
  return canonicalPath(path.startsWith('/') ? path : `${base}/${path}`)
}

function isUrl(path: string): boolean {
  return /^(https?|file|ftp):\/\//.test(path)
}

function fetchedPath(io: EvalIo, url: string): string {
  return io.fetch({ kind: 'tarball', attributes: { url, name: 'source' } }).outPath
}
