import { readLog } from '@baryon/build'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { derivationOf } from './derivation-show.ts'

export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, context.arguments.operands)
  const [operand] = await findOperands(context, store, context.arguments.operands)
  if (operand === undefined) throw new Error('the operands were checked')
  const derivation = derivationOf(store, operand.path)
  const log = await readLog(store, derivation)
  if (log === undefined) {
    throw new UserError('NO_LOG', `there is no log of '${store.format(derivation)}'`, {
      hint: 'it was not built here, or its builder printed nothing',
    })
  }
  if (context.json) {
    return { data: { derivation: store.format(derivation), log: Buffer.from(log).toString('utf8') } }
  }
  context.terminal.out(log)
  return {}
}
