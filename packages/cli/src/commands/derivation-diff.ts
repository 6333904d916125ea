import { existsSync } from 'node:fs'
import { nativePath, pathBytes, type Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { causeText, type ToldCause } from '../derivation-difference/cause-text.ts'
import { type Cause, findCauses } from '../derivation-difference/find-causes.ts'
import { type EvaluatedOperand, locateCauses } from '../derivation-difference/locate-causes.ts'
import { UsageError } from '../parse-arguments.ts'
import { selectedPlatform } from '../stack-evaluation.ts'
import { findOperands, isAttribute, openStoreFor } from '../store-operands.ts'
import { compareTrees, type TreeDifference } from '../tree-difference.ts'
import { derivationOf } from './derivation-show.ts'

/** Says why two derivations differ: the attributes in which their graphs begin to differ, each once. */
export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const platforms = given.values('platform')
  const operands = given.operands.length === 1 ? [given.operands[0]!, given.operands[0]!] : given.operands
  if (given.operands.length === 1 && platforms.length !== 2) {
    throw new UsageError('one attribute needs two platforms to differ: --platform TAG --platform TAG')
  }
  const store = await openStoreFor(context, operands, true)
  try {
    const ofOperands = [platforms[0], platforms[1] ?? platforms[0]]
    const found = await findOperands(context, store, operands, 'derivation', ofOperands)
    const [first, second] = found.map(({ path }) => derivationOf(store, path))
    if (first === undefined || second === undefined || found.length !== 2) {
      throw new UsageError('each operand must be one derivation')
    }
    const causes = findCauses(store.format(first), store.format(second), (path) => {
      return store.readDerivation(store.parse(path))
    })
    const evaluated = operands.map((operand, i): EvaluatedOperand | undefined =>
      isAttribute(store, operand)
        ? { attribute: operand, platform: ofOperands[i] ?? selectedPlatform(platforms[0]) }
        : undefined,
    )
    const places = await locateCauses(context, [evaluated[0], evaluated[1]], causes)
    const told = causes.map(
      (cause, i): ToldCause => inText({ ...cause, places: places[i]!, files: filesOf(store, cause) }),
    )
    return {
      data: { equal: told.length === 0, first: store.format(first), second: store.format(second), differences: told },
      text: told.length === 0 ? `equal: ${store.format(first)}` : told.map(causeText).join('\n\n'),
      status: told.length === 0 ? 0 : 1,
    }
  } finally {
    store.close()
  }
}

/** What differs inside a source that both sides have. */
function filesOf(store: Store, { attribute, before, after }: Cause): readonly TreeDifference[] | undefined {
  if (attribute.kind !== 'source' || before === undefined || after === undefined) return undefined
  const [a, b] = [before, after].map((path) => pathBytes(store.physicalPath(store.parse(path)))) as [string, string]
  return existsSync(nativePath(a)) && existsSync(nativePath(b)) ? compareTrees(a, b) : undefined
}

/** Derivations hold bytes; what is told is text. */
function inText(cause: ToldCause): ToldCause {
  const text = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
  const optional = (bytes: string | undefined): string | undefined => (bytes === undefined ? undefined : text(bytes))
  return {
    ...cause,
    attribute: { ...cause.attribute, name: text(cause.attribute.name) },
    before: optional(cause.before),
    after: optional(cause.after),
    changes: cause.changes.map(({ removed, added }) => ({ removed: removed.map(text), added: added.map(text) })),
    mentioned: cause.mentioned.map(text),
  }
}
