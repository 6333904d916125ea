import { collectGarbage } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount } from '../format-quantity.ts'
import { ownRepository, repositoryName } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const directory = given.operands[0]!
  const keep = given.value('keep') ?? '0'
  if (!/^\d{1,9}$/.test(keep)) throw new UserError('USAGE', `--keep ${keep}: expected a whole number`)
  const isDryRun = given.flag('dry-run')
  const result = await collectGarbage({
    ...(await ownRepository(context, directory)),
    keep: Number(keep),
    isDryRun,
  })
  const { keptRevisions, removedRevisions, removedObjects, removedBytes } = result
  return {
    data: result,
    text:
      `${await repositoryName(directory)}: ${isDryRun ? 'would remove' : 'removed'} ${formatCount(removedRevisions, 'revision')}, ` +
      `${formatCount(removedObjects, 'object')} of ${formatBytes(removedBytes)}; ${formatCount(keptRevisions, 'revision')} kept`,
  }
}
