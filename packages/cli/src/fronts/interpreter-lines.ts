/** Scripts that are run by `nix-shell`: their first lines hold its arguments. */
import { readFileSync } from 'node:fs'
import { quotePosix } from '@baryon/environment'
import { UserError } from '@baryon/format'

export interface InterpreterLines {
  /** Arguments of the lines `#! nix-shell …`. */
  readonly words: readonly string[]
  /** The command that runs the script with its own arguments. */
  command(interpreter: string): string
}

/** Undefined unless the first word names a file that begins with `#!`. */
export function readInterpreterLines(words: readonly string[]): InterpreterLines | undefined {
  const [script, ...own] = words
  const text = script === undefined || script.startsWith('-') ? undefined : read(script)
  if (script === undefined || text?.startsWith('#!') !== true) return undefined
  const lines = text.split('\n').slice(1)
  return {
    words: lines.flatMap((line) => splitWords(/^#!\s*nix-shell\s+(.*)$/.exec(line.trimEnd())?.[1] ?? '')),
    // Perl would look at the first line again, and start nix-shell once more, if its name had no "perl" in it.
    command: (interpreter) =>
      `exec ${/perl/.test(interpreter) ? '-a PERL ' : ''}${interpreter} ${[script, ...own].map(quotePosix).join(' ')}`,
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** Words of a line, with quotes and backslashes as in a shell. */
function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let index = 0; index < line.length; index++) {
    const char = line[index]!
    if (char === '\\' && quote !== "'" && index + 1 < line.length) word = (word ?? '') + line[++index]
    else if (quote !== '' && char === quote) quote = ''
    else if (quote !== '') word += char
    else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (quote !== '') throw new UserError('USAGE', 'unterminated quote in shebang line')
  if (word !== undefined) words.push(word)
  return words
}
