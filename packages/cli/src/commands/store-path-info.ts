import { formatHash } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatBytes } from '../format-quantity.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const cache = given.value('store')
  if (cache !== undefined) return (await import('../cache-path-info.ts')).cachePathInfo(context, cache)
  const store = await openStoreFor(context, given.operands)
  const operands = await findOperands(context, store, given.operands)
  const paths = operands.map(({ path }) => {
    const info = store.pathInfo(path)
    const closure = given.flag('closure-size') ? store.computeClosure([path]) : undefined
    return {
      path: store.format(path),
      narHash: formatHash(info.narHash, 'sri'),
      narSize: info.narSize,
      references: info.references.map((reference) => store.format(reference)),
      ...(info.deriver === undefined ? {} : { deriver: store.format(info.deriver) }),
      registrationTime: info.registrationTime,
      ultimate: info.ultimate,
      signatures: info.signatures,
      ...(info.contentAddress === undefined ? {} : { ca: info.contentAddress }),
      ...(closure === undefined
        ? {}
        : { closureSize: closure.reduce((sum, member) => sum + store.pathInfo(member).narSize, 0) }),
    }
  })
  const text = paths.map((info) =>
    [
      info.path,
      `  hash        ${info.narHash}`,
      `  size        ${formatBytes(info.narSize)}`,
      ...(info.closureSize === undefined ? [] : [`  closure     ${formatBytes(info.closureSize)}`]),
      ...info.references.map((reference, index) => `${index === 0 ? '  references  ' : '              '}${reference}`),
      ...(info.deriver === undefined ? [] : [`  deriver     ${info.deriver}`]),
    ].join('\n'),
  )
  return { data: { paths }, text: text.join('\n') }
}
