/**
 * `derivationStrict`: from an attribute set to a derivation in the store and the paths of its outputs.
 *
 * The ATerm is needed in up to three variants: with the own outputs masked and inputs replaced by their hashes (makes
 * the output paths), as it is (the file), and with real outputs but replaced inputs (the hash that dependents use).
 * They share the text from the builder to the arguments, and nearly all of the environment.
 */

import {
  ChangingText,
  escapeTerm,
  fixedOutputPath,
  formatHash,
  formatStorePath,
  outputNameEnd,
  quoteTerm,
  storePathText,
} from '@baryon/format'
import { listTerm, type OutputTerm, outputsTerm } from './aterm.ts'
import { attributePosition } from './attribute-position.ts'
import { createKeyOrdering, getAttribute, nameOrder, selectSlots } from './attrs.ts'
import { coerceToString } from './coerce.ts'
import { ContextCollector, deepElement, outputElement } from './context.ts'
import { collectInputs, type Inputs, type ModuloInputs, replaceInputs } from './derivation-inputs.ts'
import { deferredHash, derivationRegistry, fixedDerivationHash, type KnownDerivation } from './derivation-registry.ts'
import { EvaluationError, locatedAt, ValueError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import { forceBool, forceList, forceString, forceStringNoContext } from './force.ts'
import { jsonString, jsonText } from './json.ts'
import { parseOutputHash } from './output-hash.ts'
import { downstreamPlaceholder, outputPlaceholder } from './placeholder.ts'
import type { Position } from './position.ts'
import { checkStoreName } from './store-name.ts'
import { intern, symbolText } from './symbols.ts'
import { force } from './thunk.ts'
import { Attrs, NixString, type Slot } from './value.ts'

/** Makes the derivation, writes it to the store, and gives `drvPath` and a string per output. */
export function derivationStrict(evaluator: Evaluator, attrs: Attrs): Attrs {
  const position = namePosition(attrs)
  const draft = collectDraft(evaluator, attrs, position)
  try {
    return finish(evaluator, draft, attrs)
  } catch (error) {
    throw locatedAt(error, position)
  }
}

interface Draft {
  readonly name: string
  readonly context: ContextCollector
  builder: string
  system: string
  readonly args: string[]
  /** Sorted by name, parallel to `envValues`. */
  readonly envNames: string[]
  readonly envValues: string[]
  /** Sorted. */
  outputs: readonly string[]
  outputHash: string | undefined
  outputHashAlgo: string
  recursive: boolean | undefined
  contentAddressed: boolean
  impure: boolean
}

const ONLY_OUT: readonly string[] = ['out']
const NAME = intern('name')
const STRUCTURED_ATTRS = intern('__structuredAttrs')
const IGNORE_NULLS = intern('__ignoreNulls')
const DRV_PATH = intern('drvPath')

function collectDraft(evaluator: Evaluator, attrs: Attrs, position: Position | undefined): Draft {
  const nameSlot = getAttribute(attrs, NAME)
  if (nameSlot === undefined)
    throw new ValueError("attribute 'name' missing for call to 'derivationStrict'").inToday(
      () => "attribute 'name' missing",
    )
  const name = forceName(evaluator, nameSlot, position)
  checkStoreName(evaluator.settings, name, invalidName)
  const structured = isTrue(attrs, STRUCTURED_ATTRS)
  const ignoreNulls = isTrue(attrs, IGNORE_NULLS)
  const draft: Draft = {
    name,
    context: new ContextCollector(),
    builder: '',
    system: '',
    args: [],
    envNames: [],
    envValues: [],
    outputs: ONLY_OUT,
    outputHash: undefined,
    outputHashAlgo: '',
    recursive: undefined,
    contentAddressed: false,
    impure: false,
  }
  let json = ''
  const order = nameOrder(attrs)
  for (let i = 0; i < order.length; i++) {
    const index = order[i]!
    if (attrs.keys[index] === IGNORE_NULLS) continue
    const key = symbolText(attrs.keys[index]!)
    const slot = attrs.slots[index]!
    try {
      if (ignoreNulls && force(slot) === null) continue
      if (key === '__contentAddressed') draft.contentAddressed = forceBool(slot)
      else if (key === '__impure') draft.impure = forceBool(slot)
      else if (key === 'args') {
        const items = forceList(slot)
        for (let n = 0; n < items.length; n++) {
          draft.args.push(coerceToString(evaluator, items[n]!, draft.context, true, true))
        }
      } else if (structured) {
        if (attrs.keys[index] === STRUCTURED_ATTRS) continue
        // The text enters hashes: its form is that of 2.8 in any language.
        json += `${json === '' ? '{' : ','}${jsonString(key)}:${jsonText(evaluator, slot, draft.context)}`
        takeStructured(draft, key, slot, evaluator.settings.newerFeatures)
      } else {
        const text = coerceVariable(evaluator, attrs, index, draft.context)
        draft.envNames.push(key)
        draft.envValues.push(text)
        takeSpecial(draft, key, text, evaluator.settings.newerFeatures)
      }
    } catch (error) {
      if (evaluator.settings.showTrace && error instanceof EvaluationError) {
        error.addFrame(`while evaluating the attribute '${key}' of the derivation '${name}'`, position)
      }
      throw locatedAt(error, position)
    }
  }
  if (structured) {
    draft.envNames.push('__json')
    draft.envValues.push(json === '' ? '{}' : `${json}}`)
  }
  return draft
}

function takeSpecial(draft: Draft, key: string, text: string, newer: boolean): void {
  switch (key) {
    case 'builder':
      draft.builder = text
      break
    case 'system':
      draft.system = text
      break
    case 'outputHash':
      draft.outputHash = text
      break
    case 'outputHashAlgo':
      draft.outputHashAlgo = text
      break
    case 'outputHashMode':
      takeHashMode(draft, text, newer)
      break
    case 'outputs':
      takeOutputs(
        draft,
        text.split(/[ \t\n\r]+/).filter((word) => word !== ''),
        newer,
      )
      break
  }
}

/** With structured attributes the special ones must be of the right type; nothing is coerced. */
function takeStructured(draft: Draft, key: string, slot: Slot, newer: boolean): void {
  switch (key) {
    case 'builder': {
      const builder = forceString(slot)
      if (builder instanceof NixString) draft.context.add(builder.context)
      draft.builder = builder instanceof NixString ? builder.text : builder
      break
    }
    case 'system':
    case 'outputHash':
    case 'outputHashAlgo':
    case 'outputHashMode':
      takeSpecial(draft, key, forceStringNoContext(slot), newer)
      break
    case 'outputs':
      takeOutputs(draft, forceList(slot).map(forceStringNoContext), newer)
      break
  }
}

function takeHashMode(draft: Draft, mode: string, newer: boolean): void {
  const isTree = mode === 'recursive' || (newer && mode === 'nar')
  if (!isTree && mode !== 'flat') {
    throw new ValueError(`invalid value '${mode}' for 'outputHashMode' attribute`)
  }
  draft.recursive = isTree
}

function takeOutputs(draft: Draft, names: readonly string[], newer: boolean): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw new ValueError(`duplicate derivation output '${name}'`)
    // It would have two meanings in the result. Nix 2.8 looks for the wrong name.
    const forbidden = newer ? 'drvPath' : 'drv'
    if (name === forbidden) throw new ValueError(`invalid derivation output name '${forbidden}'`)
    seen.add(name)
  }
  if (seen.size === 0) throw new ValueError('derivation cannot have an empty set of outputs')
  draft.outputs = [...seen].sort()
}

function finish(evaluator: Evaluator, draft: Draft, attrs: Attrs): Attrs {
  const { io } = evaluator
  const { storeDirectory } = io
  const registry = derivationRegistry(io)
  const { name, outputs } = draft
  const inputs = collectInputs(registry, draft.context.context)
  if (draft.builder === '') throw new ValueError("required attribute 'builder' missing")
  if (draft.system === '') throw new ValueError("required attribute 'system' missing")
  if (name.endsWith('.drv')) throw new ValueError("derivation names are not allowed to end in '.drv'")

  const text = derivationText(draft, inputs.sources)
  let terms: readonly OutputTerm[]
  // No function that is made here, which would keep all texts as well.
  let hash: KnownDerivation['hash'] = deferredHash
  let moduloInputs: ModuloInputs | undefined
  if (draft.outputHash !== undefined) {
    if (outputs.length !== 1 || outputs[0] !== 'out') {
      throw new ValueError('multiple outputs are not supported in fixed-output derivations')
    }
    const contentHash = parseOutputHash(draft.outputHash, draft.outputHashAlgo, (message) => io.log(message))
    const method = draft.recursive === true ? 'recursive' : 'flat'
    const path = formatStorePath(storeDirectory, fixedOutputPath(storeDirectory, name, { method, hash: contentHash }))
    const hashAlgo = (method === 'recursive' ? 'r:' : '') + contentHash.algorithm
    const base16 = formatHash(contentHash, 'base16', false)
    terms = [{ path, hashAlgo, hash: base16 }]
    setOutput(text, 0, path)
    hash = fixedDerivationHash(hashAlgo, base16, path)
  } else if (draft.contentAddressed || draft.impure) {
    if (draft.contentAddressed && draft.impure) {
      throw new ValueError('derivation cannot be both content-addressed and impure')
    }
    const algorithm = KNOWN_ALGORITHMS.includes(draft.outputHashAlgo) ? draft.outputHashAlgo : 'sha256'
    const hashAlgo = (draft.recursive === false ? '' : 'r:') + algorithm
    const term = { path: '', hashAlgo, hash: draft.impure ? 'impure' : '' }
    terms = outputs.map(() => term)
    for (let i = 0; i < outputs.length; i++) setOutput(text, i, outputPlaceholder(outputs[i]!))
  } else {
    moduloInputs = replaceInputs(registry, inputs.derivations)
    const known: OutputTerm[] = outputs.map(() => NO_PATH)
    if (!moduloInputs.deferred) {
      // The bytes are others after the next hash, which several outputs make.
      const passing = text.sha256(outputsTerm(outputs, known), moduloInputs.term)
      const maskedHash = outputs.length === 1 ? passing : Uint8Array.from(passing)
      for (let i = 0; i < outputs.length; i++) {
        const output = outputs[i]!
        const path = storePathText(
          storeDirectory,
          `output:${output}`,
          NO_REFERENCES,
          maskedHash,
          name,
          outputNameEnd(output),
        )
        setOutput(text, i, path)
        known[i] = { path, hashAlgo: '', hash: '' }
      }
    }
    terms = known
  }

  const outputTerm = outputsTerm(outputs, terms)
  const references = sortedReferences(inputs)
  const contentHash = text.sha256(outputTerm, inputs.term)
  const path = storePathText(storeDirectory, 'text', references, contentHash, name, '.drv')
  if (!registry.has(path)) {
    io.writeDerivation(path, text, references, attrs)
    // At once: most leaves never need it, but the text that it is made from would be kept for all.
    if (moduloInputs !== undefined && !moduloInputs.deferred) {
      hash = text.sha256Base16(outputTerm, moduloInputs.term)
    }
    registry.add(path, { outputs, references: references.length === 1 ? references[0]! : references, hash })
  }
  return result(storeDirectory, path, outputs, terms)
}

/**
 * The ATerm of a derivation from its parts; what its variants have in common is joined, and put to be hashed, once. Its head
 * are the terms of outputs and inputs, its tail texts, and between two of them the value of an output.
 */
function derivationText(draft: Draft, sources: readonly string[]): ChangingText {
  const { builder, system, args, outputs, envNames } = draft
  // Nix writes the system as it is, whatever is in it.
  let start = `,${listTerm(sources)},"${system}",${quoteTerm(builder)},${listTerm(args.map(escapeTerm))},[`
  const tail: string[] = new Array(2 * outputs.length + 1)
  let from = 0
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]!
    // Both are sorted, so what comes later goes behind.
    const at = placeOf(envNames, output)
    tail[2 * i] = joinVariables(start, draft, from, at, opening(output), i === 0)
    tail[2 * i + 1] = ''
    start = ''
    from = envNames[at] === output ? at + 1 : at
  }
  tail[2 * outputs.length] = joinVariables(start, draft, from, envNames.length, '")])', false)
  return new ChangingText(tail)
}

function setOutput(text: ChangingText, index: number, value: string): void {
  text.set(2 * index + 1, escapeTerm(value))
}

/** Some of the variables, between two texts. In an array of the right size: one that grows takes sixteen places at once. */
function joinVariables(
  start: string,
  { envNames, envValues }: Draft,
  from: number,
  to: number,
  end: string,
  areFirst: boolean,
): string {
  const texts: string[] = new Array(2 * (to - from) + 2)
  let count = 0
  texts[count++] = start
  for (let i = from; i < to; i++) {
    texts[count++] = opening(envNames[i]!)
    texts[count++] = escapeTerm(envValues[i]!)
  }
  texts[count] = end
  // Before the first there is none to end.
  if (areFirst) texts[1] = texts[1]!.slice(3)
  return texts.join('')
}

/** What stands between the value of one variable and that of the next, whose name is given. */
function opening(name: string): string {
  let text = openings.get(name)
  if (text === undefined) {
    text = ['"),("', escapeTerm(name), '","'].join('')
    openings.set(name, text)
  }
  return text
}

/** Derivations have few different names in all, and joining takes half the time with half the pieces. */
const openings = new Map<string, string>()

function result(storeDirectory: string, path: string, outputs: readonly string[], terms: readonly OutputTerm[]): Attrs {
  // With no room to spare: the slots are kept.
  const symbols: number[] = new Array(outputs.length + 1)
  const slots: Slot[] = new Array(outputs.length + 1)
  symbols[0] = DRV_PATH
  slots[0] = new NixString(path, deepElement(path))
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]!
    const known = terms[i]!.path
    const text = known === '' ? downstreamPlaceholder(storeDirectory, path, output) : known
    symbols[i + 1] = intern(output)
    slots[i + 1] = new NixString(text, outputElement(path, output))
  }
  const order = orderResult(symbols)
  return new Attrs(order.keys, selectSlots(order, slots))
}

const orderResult = createKeyOrdering(false)
const NO_REFERENCES: readonly string[] = []
const NO_PATH: OutputTerm = { path: '', hashAlgo: '', hash: '' }
const KNOWN_ALGORITHMS: readonly string[] = ['md5', 'sha1', 'sha256', 'sha512']

/** Where a variable stands in the environment, or belongs. */
function placeOf(envNames: readonly string[], name: string): number {
  let low = 0
  let high = envNames.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (envNames[middle]! < name) low = middle + 1
    else high = middle
  }
  return low
}

function sortedReferences({ sources, derivations }: Inputs): readonly string[] {
  if (derivations.length === 0) return sources
  const paths = derivations.map(({ name }) => name)
  if (sources.length === 0) return paths
  return [...new Set(sources.concat(paths))].sort()
}

function isTrue(attrs: Attrs, symbol: number): boolean {
  const slot = getAttribute(attrs, symbol)
  return slot !== undefined && forceBool(slot)
}

function namePosition(attrs: Attrs): Position | undefined {
  return attributePosition(attrs, NAME)
}

function forceName(evaluator: Evaluator, slot: Slot, position: Position | undefined): string {
  try {
    return forceStringNoContext(slot)
  } catch (error) {
    if (evaluator.settings.showTrace && error instanceof EvaluationError) {
      error.addFrame("while evaluating the derivation attribute 'name'", position)
    }
    throw error
  }
}

function invalidName(problem: string): string {
  return `invalid derivation name: ${problem}. Please pass a different 'name'.`
}

/** What cannot be a variable is reported where it is written, other errors where the derivation's name is. */
function coerceVariable(evaluator: Evaluator, attrs: Attrs, index: number, context: ContextCollector): string {
  try {
    return coerceToString(evaluator, attrs.slots[index]!, context, true, true)
  } catch (error) {
    throw locatedAt(error, attributePosition(attrs, attrs.keys[index]!))
  }
}
