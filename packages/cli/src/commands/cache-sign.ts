import { pathFingerprint, sign } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatCount } from '../format-quantity.ts'
import { UsageError } from '../parse-arguments.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { readSecretKey } from '../transfer-with-progress.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const files = given.values('key')
  if (files.length === 0) throw new UsageError('--key FILE is missing')
  const keys = files.map(readSecretKey)
  const store = await openStoreFor(context, given.operands, true)
  try {
    const operands = (await findOperands(context, store, given.operands)).map(({ path }) => path)
    const paths = given.flag('recursive') ? store.computeClosure(operands) : operands
    const records = paths.map((path) => {
      const info = store.pathInfo(path)
      const fingerprint = pathFingerprint(store.storeDirectory, info)
      const signatures = keys.map((key) => sign(key, fingerprint))
      const added = signatures.filter((signature) => !info.signatures.includes(signature))
      if (added.length > 0) store.addSignatures(path, added)
      return { path: store.format(path), added }
    })
    const count = records.filter(({ added }) => added.length > 0).length
    return {
      data: { paths: records },
      text: `${formatCount(count, 'path')} signed, ${records.length - count} had the signature`,
    }
  } finally {
    store.close()
  }
}
