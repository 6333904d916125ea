import { type DerivationAttributeName, evaluate } from '@baryon/evaluation'
import type { Context } from '../command.ts'
import { evaluationRequest, stackSettings } from '../stack-evaluation.ts'
import type { Cause } from './find-causes.ts'
import type { DerivationAttribute } from './own-differences.ts'

/** Where the attribute was written that makes a difference: `file:line:column`, as far as the evaluator knows it. */
export interface CausePlaces {
  readonly first?: string
  readonly second?: string
}

/** An operand that was evaluated, by its attribute path; undefined for one that was given as a path. */
export interface EvaluatedOperand {
  readonly attribute: string
  readonly platform: string | undefined
}

/** Evaluates both sides once more, and looks where the differing attributes come from. */
export async function locateCauses(
  context: Context,
  operands: readonly [EvaluatedOperand | undefined, EvaluatedOperand | undefined],
  causes: readonly Cause[],
): Promise<CausePlaces[]> {
  const [first, second] = await Promise.all([
    placesOf(
      context,
      operands[0],
      causes.map((cause) => ({ derivation: cause.first, attribute: attributeOf(cause) })),
    ),
    placesOf(
      context,
      operands[1],
      causes.map((cause) => ({ derivation: cause.second, attribute: attributeOf(cause) })),
    ),
  ])
  return causes.map((_, i) => ({
    ...(first[i] === undefined ? {} : { first: first[i] }),
    ...(second[i] === undefined ? {} : { second: second[i] }),
  }))
}

async function placesOf(
  context: Context,
  operand: EvaluatedOperand | undefined,
  names: readonly DerivationAttributeName[],
): Promise<readonly (string | undefined)[]> {
  if (operand === undefined || names.length === 0) return []
  const { positions } = await evaluate({
    ...evaluationRequest(context, await stackSettings(context), {
      output: 'derivations',
      attributePaths: [operand.attribute],
      platform: operand.platform,
      write: true,
    }),
    attributePositions: names,
    answerCache: false,
    // What is traced was shown when the operands were evaluated.
    onLog: () => {},
  })
  return (positions ?? []).map((position) => position && Buffer.from(position, 'latin1').toString('utf8'))
}

/** The attribute in the recipe; of a source or an input one that mentions it. */
function attributeOf({ attribute, mentioned }: Cause): string {
  const names: Readonly<Record<DerivationAttribute['kind'], string>> = {
    system: 'system',
    builder: 'builder',
    argument: 'args',
    output: 'outputs',
    variable: attribute.name,
    source: mentioned[0] ?? '',
    input: mentioned[0] ?? '',
  }
  return names[attribute.kind].split('.')[0]!
}
