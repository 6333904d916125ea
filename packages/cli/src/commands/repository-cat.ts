import type { Context, Outcome } from '../command.ts'
import { openNamed } from '../repository-access.ts'
import { noEntry, pathBytes } from './repository-list.ts'

export async function run(context: Context): Promise<Outcome> {
  const [name = '', ...paths] = context.arguments.operands
  const repository = await openNamed(context, name)
  const revision = await repository.revision(context.arguments.value('revision'), context.signal)
  try {
    for (const path of paths.map(pathBytes)) {
      const entry = await revision.entry(path, context.signal)
      if (entry === undefined) throw noEntry(path)
      for await (const piece of revision.read(entry, context.signal)) context.terminal.out(piece)
    }
    return {}
  } finally {
    await revision.close()
  }
}
