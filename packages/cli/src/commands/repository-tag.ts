import { changeTags } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { ownRepository } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const [directory = '', ...names] = given.operands
  const isRemoved = given.flag('remove')
  if (isRemoved && (given.value('revision') ?? given.value('description')) !== undefined) {
    throw new UserError('USAGE', '--remove takes neither --revision nor --description')
  }
  const manifest = await changeTags(
    await ownRepository(context, directory),
    names.map((name) =>
      isRemoved
        ? { kind: 'remove', name }
        : { kind: 'add', name, description: given.value('description') ?? '', of: given.value('revision') },
    ),
  )
  return {
    data: { name: manifest.name, revision: manifest.revision, tags: names, removed: isRemoved },
    text: `${manifest.name}: ${isRemoved ? 'removed' : 'tagged'} ${names.join(', ')}`,
  }
}
