import type { TreeDifference } from '../tree-difference.ts'
import { treeDifferenceText } from '../tree-difference.ts'
import type { Cause } from './find-causes.ts'
import type { CausePlaces } from './locate-causes.ts'
import { nameOf } from './match-inputs.ts'

export interface ToldCause extends Cause {
  readonly places: CausePlaces
  /** Of a source that both sides have: what differs inside; undefined when the store does not have both. */
  readonly files: readonly TreeDifference[] | undefined
}

const LINE_LIMIT = 200
const LINES_PER_CHANGE = 20
const FILES_SHOWN = 20
const NAMES_SHOWN = 3

/** A paragraph: where, what, and the two forms with only what differs. */
export function causeText(cause: ToldCause): string {
  const { at, attribute, places, also, outputsEqual } = cause
  const number = attribute.kind === 'argument' ? `argument ${attribute.name}` : undefined
  const what = number ?? (attribute.kind === attribute.name ? attribute.name : `${attribute.kind} ${attribute.name}`)
  return [
    `${at.join(' › ')} › ${what}`,
    ...placeLines(places),
    ...bodyLines(cause),
    ...(cause.mentioned.length === 0 ? [] : [`  in ${cause.mentioned.join(', ')}`]),
    ...(outputsEqual ? ['  (its outputs are the same)'] : []),
    ...(also.length === 0 ? [] : [`  (and in ${also.length} more: ${shortList(also)})`]),
  ].join('\n')
}

function shortList(names: readonly string[]): string {
  const different = [...new Set(names)]
  return different.length > NAMES_SHOWN ? `${different.slice(0, NAMES_SHOWN).join(', ')}, …` : different.join(', ')
}

function placeLines({ first, second }: CausePlaces): string[] {
  if (first === second) return first === undefined ? [] : [`  at ${first}`]
  return [...(first === undefined ? [] : [`  - at ${first}`]), ...(second === undefined ? [] : [`  + at ${second}`])]
}

function bodyLines({ attribute, before, after, changes, reordered, files }: ToldCause): string[] {
  if (attribute.kind === 'source' || attribute.kind === 'input') {
    if (changes.length === 0 && (before === undefined || after === undefined)) {
      return before === undefined ? [`  + ${after}`] : [`  - ${before}`]
    }
    if (files !== undefined) {
      const more = files.length > FILES_SHOWN ? [`  … ${files.length - FILES_SHOWN} more`] : []
      return [...files.slice(0, FILES_SHOWN).map((file) => `  ${fileText(file, after!)}`), ...more]
    }
    if (changes.length === 0) return [`  - ${before}`, `  + ${after}`]
  }
  if (before === undefined) return lines('+', [after!])
  if (after === undefined) return lines('-', [before])
  if (reordered) return ['  the same words in another order']
  return changes.flatMap(({ removed, added }) => [...lines('-', removed), ...lines('+', added)])
}

function fileText(file: TreeDifference, source: string): string {
  return treeDifferenceText(file.path === '' ? { ...file, path: nameOf(source) } : file)
}

function lines(sign: string, texts: readonly string[]): string[] {
  const all = texts.flatMap((text) => text.split('\n'))
  const shown = all.slice(0, LINES_PER_CHANGE).map((line) => {
    return `  ${sign} ${line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line}`
  })
  return all.length > LINES_PER_CHANGE ? [...shown, `  ${sign} … ${all.length - LINES_PER_CHANGE} more`] : shown
}
