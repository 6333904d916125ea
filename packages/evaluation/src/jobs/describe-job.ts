import { parseDerivation } from '@baryon/format'
import {
  Attrs,
  ContextCollector,
  EvaluationError,
  type Evaluator,
  Float,
  findAttribute,
  force,
  getAttribute,
  intern,
  jsonText,
  NixString,
  nameOrder,
  type Slot,
  symbolText,
  type Value,
} from '@baryon/language'
import { drvPathOf, nameOf, outputsOf, systemOf } from '../derivation-attributes.ts'
import { type FactKeeper, factsOf } from './derivation-facts.ts'
import type { JobPath } from './job-request.ts'
import { type JobReply, joinPath } from './protocol.ts'

export interface DescribeOptions {
  readonly facts: FactKeeper
  /** False: derivations are only computed, and what only they say is left out. */
  readonly instantiates: boolean
  readonly meta: boolean
  readonly inputDerivations: boolean
  /** Makes the extra value, which must be a set. */
  readonly apply: ((attrs: Attrs) => Value) | undefined
}

/** The record of a derivation, with the names and the order of `nix-eval-jobs`. */
export function describeJob(evaluator: Evaluator, attrs: Attrs, path: JobPath, options: DescribeOptions): JobReply {
  const extraValue = options.apply === undefined ? undefined : extraText(evaluator, options.apply(attrs))
  const name = nameOf(attrs)
  const outputs = Object.fromEntries([...outputsOf(evaluator, attrs, 'out')].sort(([a], [b]) => (a < b ? -1 : 1)))
  const drvPath = drvPathOf(evaluator, attrs)
  const facts =
    options.facts.get(drvPath) ??
    (options.instantiates
      ? factsOf(parseDerivation(evaluator.io.readDerivation(drvPath)), options.inputDerivations)
      : undefined)
  const system = options.instantiates && facts !== undefined ? facts.system : systemOf(attrs)
  const fields: (string | undefined)[] = [
    field('attr', joinPath(path)),
    field('attrPath', path),
    field('drvPath', drvPath),
    extraValue === undefined ? undefined : `"extraValue":${extraValue}`,
    options.inputDerivations && facts?.inputs !== undefined ? field('inputDrvs', facts.inputs) : undefined,
    options.meta ? `"meta":${metaText(evaluator, attrs)}` : undefined,
    field('name', name),
    field('outputs', outputs),
    options.instantiates && facts !== undefined
      ? field('requiredSystemFeatures', facts.requiredSystemFeatures)
      : undefined,
    field('system', system),
  ]
  return { kind: 'derivation', record: `{${fields.filter((text) => text !== undefined).join(',')}}`, drvPath }
}

const OUT_PATH = intern('outPath')
const META = intern('meta')

function field(name: string, value: unknown): string {
  return `"${name}":${JSON.stringify(value)}`
}

/** `meta` without what cannot be told as data: functions, derivations, paths, null. */
function metaText(evaluator: Evaluator, attrs: Attrs): string {
  const slot = getAttribute(attrs, META)
  const meta = slot === undefined ? undefined : force(slot)
  if (!(meta instanceof Attrs)) return 'null'
  const items: string[] = []
  for (const i of nameOrder(meta)) {
    const item = meta.slots[i]!
    if (isPlainData(item)) items.push(`${JSON.stringify(symbolText(meta.keys[i]!))}:${json(evaluator, item)}`)
  }
  return items.length === 0 ? 'null' : `{${items.join(',')}}`
}

function isPlainData(slot: Slot): boolean {
  const value = force(slot)
  if (Array.isArray(value)) return value.every((item) => isPlainData(item))
  if (value instanceof Attrs)
    return findAttribute(value, OUT_PATH) < 0 && value.slots.every((item) => isPlainData(item))
  return (
    ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ||
    value instanceof NixString ||
    value instanceof Float
  )
}

function extraText(evaluator: Evaluator, value: Value): string {
  if (!(value instanceof Attrs)) throw new EvaluationError('EVAL_TYPE', 'apply needs to evaluate to an attrset')
  return json(evaluator, value)
}

function json(evaluator: Evaluator, slot: Slot): string {
  return jsonText(evaluator, slot, new ContextCollector(), { newer: evaluator.settings.newerFeatures })
}
