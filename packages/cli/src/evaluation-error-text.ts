/** How an error of a recipe is told: message and place as Nix prints them, and what to do about it. */
import type { EvaluationFailure } from '@baryon/evaluation'

export interface EvaluationErrorText {
  /** The message alone. */
  readonly message: string
  /** The message with the place and an excerpt of the source below it. */
  readonly report: string
  readonly hint: string
}

/** Undefined for errors of another kind. The class is told by what it has: its package may not have been loaded. */
export function evaluationErrorText(error: unknown): EvaluationErrorText | undefined {
  if (!(error instanceof Error) || error.name !== 'EvaluationFailure') return undefined
  const { code, message, report, hint } = error as EvaluationFailure
  const body = decode(report)
    .replace(/^error: /, '')
    .replace(/\n\(use '--show-trace' to show detailed location information\)$/, '')
  const suggestion = /\n *(Did you mean .*\?)$/.exec(body)
  return {
    message: decode(message),
    report: suggestion === null ? body : body.slice(0, suggestion.index),
    hint: hint ?? suggestion?.[1]?.replace('Did', 'did') ?? hints[code] ?? 'say -v to see what was being evaluated',
  }
}

const hints: Readonly<Record<string, string>> = {
  PARSE: 'the text is understood up to the place that is shown: what is wrong is there or just before',
  ATTRIBUTE_MISSING: 'baryon stack list shows what a stack has',
  EVAL_UNDEFINED_VARIABLE: 'a name is an argument, is bound by let or with, or is an attribute of a rec set',
  EVAL_INFINITE_RECURSION: 'a value needs itself to be computed; say -v to see by which way',
  EVAL_STACK_OVERFLOW:
    'a function calls itself without an end, or more than a million levels deep: look for what should end it',
  EVAL_FILE: 'check the path: relative ones start at the file that names them, or at the current directory',
  EVAL_SEARCH_PATH: 'add its place with -I NAME=PATH or NIX_PATH',
}

/** Texts of the evaluator are bytes. */
function decode(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
