import { openRepositorySource, receiveClosure } from '@baryon/cache'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { openNamed } from '../repository-access.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { pullOutcome } from '../transfer-outcome.ts'
import { withReporter } from '../transfer-with-progress.ts'

export async function run(context: Context): Promise<Outcome> {
  const { signal, arguments: given } = context
  const [name = '', ...operands] = given.operands
  const isAll = given.flag('all')
  if (isAll === operands.length > 0) throw new UserError('USAGE', 'give either store paths or --all')
  const repository = await openNamed(context, name)
  const store = await openStoreFor(context, operands, true)
  try {
    const source = await openRepositorySource(repository, given.value('revision'), store, signal)
    let isDone = false
    try {
      const paths = isAll
        ? await source.paths(signal)
        : (await findOperands(context, store, operands)).map(({ path }) => path)
      const jobs = given.number('jobs') ?? 4
      const report = await withReporter(context, (onEvent) =>
        receiveClosure(store, [source], paths, { jobs, onEvent, signal }),
      )
      isDone = true
      return pullOutcome(store, source.name, paths, report)
    } finally {
      await source.close(isDone)
    }
  } finally {
    store.close()
  }
}
