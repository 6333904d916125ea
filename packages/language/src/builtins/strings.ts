import { attrsFromEntries } from '../attrs.ts'
import { coerceToString, coerceToStringValue } from '../coerce.ts'
import { ContextCollector, contextOf, makeString } from '../context.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceList, forceString, forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { forceIndex } from '../integer.ts'
import { LongText } from '../long-text.ts'
import { compileRegex, type Regex } from '../regex.ts'
import { RegexSyntaxError } from '../regex-syntax.ts'
import { intern } from '../symbols.ts'
import type { NixString, Slot, Value } from '../value.ts'
import { compareVersions, parseDerivationName, splitVersion } from '../version.ts'
import { hashText } from './hashing.ts'

/** Strings, regular expressions and versions. Positions and lengths count bytes. */
export const stringBuiltins: readonly Builtin[] = [
  { name: 'toString', arity: 1, code: (evaluator, slot) => coerceToStringValue(evaluator, slot, true, false) },
  { name: '__substring', arity: 3, code: substring },
  {
    name: '__stringLength',
    arity: 1,
    code: (evaluator, slot) => coerceToString(evaluator, slot, new ContextCollector(), false, true).length,
  },
  { name: '__concatStringsSep', arity: 2, code: concatStringsSep },
  { name: '__replaceStrings', arity: 3, code: replaceStrings },
  {
    name: '__hashString',
    arity: 2,
    code: (_, algorithm, slot) => hashText(forceStringNoContext(algorithm), textOf(forceString(slot))),
  },
  { name: '__match', arity: 2, code: match },
  { name: '__split', arity: 2, code: split },
  {
    name: '__compareVersions',
    arity: 2,
    code: (_, a, b) => compareVersions(forceStringNoContext(a), forceStringNoContext(b)),
  },
  { name: '__splitVersion', arity: 1, code: (_, version) => splitVersion(forceStringNoContext(version)) },
  {
    name: '__parseDrvName',
    arity: 1,
    code: (_, slot) => {
      const { name, version } = parseDerivationName(forceStringNoContext(slot))
      return attrsFromEntries(NAME_AND_VERSION, [name, version])
    },
  },
]

const NAME_AND_VERSION = [intern('name'), intern('version')]
const regexes = new Map<string, Regex>()

function textOf(value: string | NixString): string {
  return typeof value === 'string' ? value : value.text
}

function substring(evaluator: Evaluator, startSlot: Slot, lengthSlot: Slot, slot: Slot): Value {
  const start = forceIndex(evaluator, startSlot)
  const length = forceIndex(evaluator, lengthSlot)
  const context = new ContextCollector()
  const text = coerceToString(evaluator, slot, context, false, true)
  if (start < 0) throw new ValueError("negative start position in 'substring'")
  return makeString(length < 0 ? text.slice(start) : text.slice(start, start + length), context.context)
}

function concatStringsSep(evaluator: Evaluator, separatorSlot: Slot, listSlot: Slot): Value {
  const separator = forceString(separatorSlot)
  const list = forceList(listSlot)
  const context = new ContextCollector()
  context.add(contextOf(separator))
  const between = textOf(separator)
  const text = new LongText()
  for (let i = 0; i < list.length; i++) {
    if (i > 0) text.add(between)
    text.add(coerceToString(evaluator, list[i]!, context, false, true))
  }
  return makeString(text.text, context.context)
}

/** At each place the first of `from` that fits wins; an empty one puts its replacement before each byte and at the end. */
function replaceStrings(evaluator: Evaluator, fromSlot: Slot, toSlot: Slot, slot: Slot): Value {
  const fromList = forceList(fromSlot)
  const toList = forceList(toSlot)
  if (fromList.length !== toList.length) {
    throw new ValueError("'from' and 'to' arguments to 'replaceStrings' have different lengths").inToday(
      () => "'from' and 'to' arguments passed to builtins.replaceStrings have different lengths",
    )
  }
  const from = fromList.map((item) => textOf(forceString(item)))
  // Today a replacement is only looked at where it is needed.
  const to = evaluator.settings.newerFeatures ? toList : toList.map(forceString)
  const subject = forceString(slot)
  const text = textOf(subject)
  const context = new ContextCollector()
  context.add(contextOf(subject))
  const single = from.length === 1 ? from[0]! : ''
  if (single !== '') {
    if (!text.includes(single)) return subject
    const replacement = forceString(to[0]!)
    context.add(contextOf(replacement))
    return makeString(
      text.replaceAll(single, () => textOf(replacement)),
      context.context,
    )
  }
  // Candidates by first byte: most places have none.
  const byFirst: (number[] | undefined)[] = new Array(256).fill(undefined)
  let anywhere = NONE
  for (let i = 0; i < from.length; i++) {
    if (from[i] === '') {
      if (anywhere === NONE) anywhere = i
      continue
    }
    const code = from[i]!.charCodeAt(0)
    const candidates = byFirst[code]
    if (candidates === undefined) byFirst[code] = [i]
    else candidates.push(i)
  }
  const result = new LongText()
  /** Of those that were found. */
  const replacements: (string | undefined)[] = new Array(from.length).fill(undefined)
  let copied = 0
  for (let at = 0; at <= text.length; ) {
    const candidates = at < text.length ? byFirst[text.charCodeAt(at)] : undefined
    const hit = candidates === undefined ? anywhere : firstHit(candidates, from, text, at, anywhere)
    if (hit === NONE) {
      at++
      continue
    }
    let replacement = replacements[hit]
    if (replacement === undefined) {
      const forced = forceString(to[hit]!)
      context.add(contextOf(forced))
      replacement = textOf(forced)
      replacements[hit] = replacement
    }
    if (copied < at) result.add(text.slice(copied, at))
    result.add(replacement)
    copied = at
    if (from[hit] === '') at++
    else {
      at += from[hit]!.length
      copied = at
    }
  }
  result.add(text.slice(copied))
  return makeString(result.text, context.context)
}

/** Instead of an index. With `undefined` V8 compiles the loop above again and again. */
const NONE = -1

function firstHit(
  candidates: readonly number[],
  from: readonly string[],
  text: string,
  at: number,
  anywhere: number,
): number {
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!
    if (anywhere !== NONE && anywhere < candidate) return anywhere
    const wanted = from[candidate]!
    if (wanted.length === 1 || text.startsWith(wanted, at)) return candidate
  }
  return anywhere
}

function match(_: Evaluator, patternSlot: Slot, slot: Slot): Value {
  const regex = regexOf(forceStringNoContext(patternSlot))
  return regex.match(textOf(forceString(slot))) ?? null
}

function split(_: Evaluator, patternSlot: Slot, slot: Slot): Value {
  const regex = regexOf(forceStringNoContext(patternSlot))
  const parts = regex.split(textOf(forceString(slot)))
  // Without a match it is the text itself; parts of it have no context.
  return parts.length === 1 ? [slot] : parts
}

function regexOf(pattern: string): Regex {
  let regex = regexes.get(pattern)
  if (regex === undefined) {
    try {
      regex = compileRegex(pattern)
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw error
      throw new ValueError(
        error.tooLarge
          ? `memory limit exceeded by regular expression '${pattern}'`
          : `invalid regular expression '${pattern}'`,
      )
    }
    regexes.set(pattern, regex)
  }
  return regex
}
