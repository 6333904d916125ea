import { readFileSync } from 'node:fs'
import { isSystemError, UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, context.arguments.operands)
  const [operand] = await findOperands(context, store, context.arguments.operands)
  if (operand === undefined) throw new Error('the operands were checked')
  store.pathInfo(operand.path)
  const file = `${store.physicalPath(operand.path)}${operand.inside}`
  try {
    context.terminal.out(readFileSync(file))
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error
    throw new UserError('NO_SUCH_FILE', `'${file}' is not a file that can be printed (${error.code})`, { cause: error })
  }
  return {}
}
