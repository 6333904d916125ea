/** Generated programs through us and through Nix 2.8: the same value, or the same error at the same place. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Peer } from '@baryon/testing'
import { forceDeep, formatError, printValue, type Value } from '../index.ts'
import { errorText } from './error-text.ts'
import { generateProgram } from './generate-program.ts'
import { memoryIo, testEvaluator } from './memory-io.ts'

/** What differs is told with its number, which `generateProgram` takes. */
export function comparePrograms(nix: Peer, from: number, to: number): { values: number; different: string[] } {
  const home = mkdtempSync(join(tmpdir(), 'programs-'))
  const environment = { NIX_REMOTE: 'dummy://', NIX_PATH: '' }
  const different: string[] = []
  let values = 0
  try {
    for (let seed = from; seed < to; seed++) {
      // As bytes, which texts of the language are.
      const text = Buffer.from(generateProgram(seed), 'utf8').toString('latin1')
      const input = Buffer.from(text, 'latin1')
      const { status, stdout, stderr } = nix.run(['--eval', '--strict', '-'], { home, environment, input })
      const ours = outcomeOf(text, home)
      // A store of Nix's that keeps nothing does not have what other derivations refer to.
      if (/^error: (path '.*' is not valid|stack overflow)/m.test(stderr)) continue
      if (status === 0) values++
      const agree = status === 0 ? samePrint(ours.printed, stdout.replace(/\n$/, '')) : failsAlike(ours, stderr)
      if (!agree)
        different.push(`${seed}: ${text}\nNix: ${status === 0 ? stdout : stderr}\nwe: ${JSON.stringify(ours)}`)
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
  return { values, different }
}

interface Outcome {
  readonly printed?: string
  readonly error?: string
  /** It failed only when all of it was evaluated. */
  readonly isDeep?: boolean
}

function outcomeOf(text: string, home: string): Outcome {
  let value: Value | undefined
  try {
    value = testEvaluator(memoryIo()).evaluateText(text, home, '«stdin»')
    return { printed: printValue(forceDeep(value)) }
  } catch (error) {
    return { error: formatError(error as Error, { showTrace: false }), isDeep: value !== undefined }
  }
}

/** A list of one or two is a part of a value in Nix, so that a copy of the value has another list. */
function samePrint(ours: string | undefined, theirs: string): boolean {
  const withoutCopies = (text = ''): string =>
    text.replace(/\[ (\xc2\xabrepeated\xc2\xbb )+\]/g, '\xc2\xabrepeated\xc2\xbb')
  return withoutCopies(ours) === withoutCopies(theirs)
}

function failsAlike({ error, isDeep }: Outcome, stderr: string): boolean {
  if (error === undefined) return false
  const [theirs, theirPlace] = parted(errorText(stderr))
  const [ours, ourPlace] = parted(errorText(error))
  // Which attribute of a set is first depends on the addresses of names in Nix, on what was evaluated before here.
  if (ours !== theirs) return isDeep === true || [ours, theirs].every((one) => one.startsWith("error: assertion '"))
  // We find a place more often, and our `derivation` is not written in the language. Which variable asks, if there are
  // several, is not kept here.
  const isOpen = theirPlace === '' || theirPlace.startsWith('//builtin/') || theirs.includes('infinite recursion')
  return isOpen || ourPlace === theirPlace
}

/** The message, and where it was. */
function parted(text: string): [message: string, place: string] {
  const [message = '', ...rest] = text.split('\n\n       at ')
  // A bad name is shown with its odd characters escaped; Nix prints them.
  const shown = message.replace(/^(error: store path '\w{32})-.*/s, '$1').trimEnd()
  // Nix prints nothing of an error that says nothing.
  return [shown === '' ? 'error:' : shown, rest.join('')]
}
