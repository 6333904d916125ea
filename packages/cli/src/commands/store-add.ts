import { basename, resolve } from 'node:path'
import type { HashAlgorithm } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import { openStoreFor } from '../store-operands.ts'

const algorithms: readonly HashAlgorithm[] = ['md5', 'sha1', 'sha256', 'sha512']

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const name = given.value('name')
  if (name !== undefined && given.operands.length > 1) throw new UsageError('--name goes with one path')
  const word = given.value('type') ?? 'sha256'
  const algorithm = algorithms.find((candidate) => candidate === word)
  if (algorithm === undefined) throw new UsageError(`--type ${word}: must be one of ${algorithms.join(', ')}`)
  const store = await openStoreFor(context, [], true)
  const paths = given.operands.map((operand) => {
    const source = resolve(operand)
    const path = store.addPath(name ?? basename(source), source, {
      method: given.flag('flat') ? 'flat' : 'recursive',
      algorithm,
    })
    return store.format(path)
  })
  store.close()
  return { data: { paths }, text: paths.join('\n') }
}
