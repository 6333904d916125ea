import { formatContentHash, publish } from '@baryon/cvmfs'
import type { Context, Outcome } from '../command.ts'
import { ownRepository } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const [directory = '', base = 'trunk-previous'] = context.arguments.operands
  const { storage, keys, cacheDirectory } = ownRepository(context, directory)
  const { publicKey, privateKey } = keys
  const options = { storage, publicKeys: [publicKey], privateKey, cacheDirectory, base, signal: context.signal }
  const { manifest } = await publish(options, [])
  const { name, revision } = manifest
  return {
    data: { name, revision, of: base, rootCatalog: formatContentHash(manifest.rootCatalog) },
    text: `${name}: revision ${revision} has the contents of ${base}`,
  }
}
