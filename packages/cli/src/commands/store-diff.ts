import { pathBytes } from '@baryon/store'
import { compareClosures } from '../closure-difference.ts'
import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { compareTrees, type TreeDifference, treeDifferenceText } from '../tree-difference.ts'

export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, context.arguments.operands)
  try {
    const [first, second] = await findOperands(context, store, context.arguments.operands)
    if (first === undefined || second === undefined) throw new Error('the operands were checked')
    for (const { path } of [first, second]) store.pathInfo(path)
    if (context.arguments.flag('closure')) return compareClosures(store, first.path, second.path)
    const [a, b] = [first, second].map(({ path, inside }) => pathBytes(`${store.physicalPath(path)}${inside}`))
    return describe(compareTrees(a!, b!))
  } finally {
    store.close()
  }
}

function describe(differences: readonly TreeDifference[]): Outcome {
  return {
    data: { equal: differences.length === 0, differences },
    text: differences.map(treeDifferenceText).join('\n'),
    status: differences.length === 0 ? 0 : 1,
  }
}
