import { isNix32, parseStorePath } from '@baryon/format'
import { attrsFromEntries, getAttribute, nameOrder } from '../attrs.ts'
import { coerceToString } from '../coerce.ts'
import {
  ContextCollector,
  contextElements,
  contextOf,
  deepElement,
  isEmptyContext,
  makeString,
  outputElement,
  pathElement,
  sortedContext,
} from '../context.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceAttrs, forceBool, forceList, forceString, forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { printName } from '../print-value.ts'
import { intern, symbolText } from '../symbols.ts'
import { NixString, type Slot, type Value } from '../value.ts'

/** What strings refer to. */
export const contextBuiltins: readonly Builtin[] = [
  {
    name: '__hasContext',
    arity: 1,
    code: (_, slot) => !isEmptyContext(contextOf(forceString(slot))),
  },
  { name: '__getContext', arity: 1, code: (_, slot) => getContext(slot) },
  { name: '__appendContext', arity: 2, code: appendContext },
  {
    name: '__unsafeDiscardStringContext',
    arity: 1,
    code: (evaluator, slot) => coerceToString(evaluator, slot, new ContextCollector(), false, true),
  },
  {
    name: '__unsafeDiscardOutputDependency',
    arity: 1,
    code: (evaluator, slot) => {
      const context = new ContextCollector()
      const text = coerceToString(evaluator, slot, context, false, true)
      const weaker = new ContextCollector()
      for (const element of contextElements(context.context)) {
        weaker.add(element.kind === 'deep' ? pathElement(element.path) : element)
      }
      return makeString(text, weaker.context)
    },
  },
]

export const newerContextBuiltins: readonly Builtin[] = [
  {
    name: '__addDrvOutputDependencies',
    arity: 1,
    code: (_, slot) => {
      const value = forceString(slot)
      const context = contextElements(contextOf(value))
      const element = context[0]
      if (context.length !== 1 || element === undefined) {
        const text = value instanceof NixString ? value.text : value
        throw new ValueError(`context of string '${text}' must have exactly one element, but has ${context.length}`)
      }
      if (element.kind === 'output') {
        throw new ValueError(
          `\`addDrvOutputDependencies\` can only act on derivations, not on a derivation output such as '${element.output}'`,
        )
      }
      if (!element.path.endsWith('.drv')) throw new ValueError(`path '${element.path}' is not a derivation`)
      return makeString((value as NixString).text, [deepElement(element.path)])
    },
  },
]

const PATH = intern('path')
const ALL_OUTPUTS = intern('allOutputs')
const OUTPUTS = intern('outputs')

function getContext(slot: Slot): Value {
  const entries = new Map<string, { path: boolean; allOutputs: boolean; outputs: string[] }>()
  for (const element of sortedContext(contextOf(forceString(slot)))) {
    let entry = entries.get(element.path)
    if (entry === undefined) {
      entry = { path: false, allOutputs: false, outputs: [] }
      entries.set(element.path, entry)
    }
    if (element.kind === 'path') entry.path = true
    else if (element.kind === 'deep') entry.allOutputs = true
    else entry.outputs.push(element.output)
  }
  const symbols: number[] = []
  const slots: Slot[] = []
  for (const [path, { path: itself, allOutputs, outputs }] of entries) {
    const keys: number[] = []
    const values: Slot[] = []
    if (itself) {
      keys.push(PATH)
      values.push(true)
    }
    if (allOutputs) {
      keys.push(ALL_OUTPUTS)
      values.push(true)
    }
    if (outputs.length > 0) {
      keys.push(OUTPUTS)
      values.push(outputs.sort())
    }
    symbols.push(intern(path))
    slots.push(attrsFromEntries(keys, values))
  }
  return attrsFromEntries(symbols, slots)
}

function appendContext(evaluator: Evaluator, slot: Slot, additions: Slot): Value {
  const value = forceString(slot)
  const context = new ContextCollector()
  context.add(contextOf(value))
  const attrs = forceAttrs(additions)
  for (const i of nameOrder(attrs)) {
    const path = symbolText(attrs.keys[i]!)
    const shown = printName(path)
    if (!isStorePath(evaluator.io.storeDirectory, path)) {
      throw new ValueError(`Context key '${shown}' is not a store path`)
    }
    const entry = forceAttrs(attrs.slots[i]!)
    const isDerivation = path.endsWith('.drv')
    const itself = getAttribute(entry, PATH)
    if (itself !== undefined && forceBool(itself)) context.add(pathElement(path))
    const allOutputs = getAttribute(entry, ALL_OUTPUTS)
    if (allOutputs !== undefined && forceBool(allOutputs)) {
      if (!isDerivation) {
        throw new ValueError(`Tried to add all-outputs context of ${shown}, which is not a derivation, to a string`)
      }
      context.add(deepElement(path))
    }
    const outputsSlot = getAttribute(entry, OUTPUTS)
    if (outputsSlot === undefined) continue
    const outputs = forceList(outputsSlot)
    if (outputs.length > 0 && !isDerivation) {
      throw new ValueError(`Tried to add derivation output context of ${shown}, which is not a derivation, to a string`)
    }
    for (const output of outputs) context.add(outputElement(path, forceStringNoContext(output)))
  }
  return makeString(value instanceof NixString ? value.text : value, context.context)
}

function isStorePath(storeDirectory: string, path: string): boolean {
  if (
    !path.startsWith(`${storeDirectory}/`) ||
    !isNix32(path.slice(storeDirectory.length + 1, storeDirectory.length + 33))
  ) {
    return false
  }
  try {
    parseStorePath(storeDirectory, path)
    return true
  } catch {
    return false
  }
}
