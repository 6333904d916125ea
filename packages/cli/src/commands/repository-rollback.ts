import { formatContentHash, publish } from '@baryon/cvmfs'
import type { Context, Outcome } from '../command.ts'
import { ownRepository } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const [directory = '', base = 'trunk-previous'] = context.arguments.operands
  const { manifest } = await publish({ ...(await ownRepository(context, directory)), base }, [])
  const { name, revision } = manifest
  return {
    data: { name, revision, of: base, rootCatalog: formatContentHash(manifest.rootCatalog) },
    text: `${name}: revision ${revision} has the contents of ${base}`,
  }
}
