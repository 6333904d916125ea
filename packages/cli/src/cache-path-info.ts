/** `store path-info --store URL`: what a binary cache says of paths. */
import { findClosure, openCache, openLookup } from '@baryon/cache'
import {
  formatContentAddress,
  formatHash,
  type Narinfo,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { Context, Outcome } from './command.ts'
import { formatBytes } from './format-quantity.ts'
import { storeDirectoryOf } from './settings.ts'
import { findOperands, openStoreFor } from './store-operands.ts'

export async function cachePathInfo(context: Context, url: string): Promise<Outcome> {
  const { storeDirectory, paths } = await wantedPaths(context)
  const cache = openCache(url, { storeDirectory })
  const lookup = await openLookup(cache, { trust: { keys: [], trustAll: true } }, context.signal)
  const found = await lookup.find(paths, context.signal)
  const missing = paths.find((path) => !found.has(storePathBaseName(path)))
  if (missing !== undefined) {
    throw new UserError('CACHE_PATH_MISSING', `'${storePathBaseName(missing)}' is not in ${cache.name}`)
  }
  const text = (path: StorePath): string => `${storeDirectory}/${storePathBaseName(path)}`
  const records = await Promise.all(
    paths.map(async (path) => {
      const record = describe(found.get(storePathBaseName(path))!, text)
      if (!context.arguments.flag('closure-size')) return record
      const closure = await findClosure([lookup], [path], () => false, context.signal)
      const members = [...closure.values()].map(({ narinfo }) => narinfo)
      return {
        ...record,
        closureSize: members.reduce((sum, { narSize }) => sum + narSize, 0),
        closureDownloadSize: members.reduce((sum, { fileSize, narSize }) => sum + (fileSize ?? narSize), 0),
      }
    }),
  )
  return { data: { cache: cache.name, paths: records }, text: records.map(asText).join('\n') }
}

async function wantedPaths(context: Context): Promise<{ storeDirectory: string; paths: readonly StorePath[] }> {
  const { operands } = context.arguments
  const directories = new Set(operands.map(storeDirectoryOf))
  const [storeDirectory] = directories
  // Full paths need no store on this machine.
  if (directories.size === 1 && storeDirectory !== undefined) {
    return { storeDirectory, paths: operands.map((operand) => parseStorePath(storeDirectory, operand)) }
  }
  const store = await openStoreFor(context, operands)
  try {
    const paths = (await findOperands(context, store, operands)).map(({ path }) => path)
    return { storeDirectory: store.storeDirectory, paths }
  } finally {
    store.close()
  }
}

function describe(narinfo: Narinfo, text: (path: StorePath) => string) {
  const { path, narHash, narSize, references, deriver, signatures, contentAddress, fileSize } = narinfo
  return {
    path: text(path),
    narHash: formatHash(narHash, 'sri'),
    narSize,
    references: references.map(text),
    ...(deriver === undefined ? {} : { deriver: text(deriver) }),
    signatures,
    ...(contentAddress === undefined ? {} : { ca: formatContentAddress(contentAddress) }),
    url: narinfo.url,
    compression: narinfo.compression,
    ...(fileSize === undefined ? {} : { downloadSize: fileSize }),
  }
}

function asText(record: ReturnType<typeof describe> & { readonly closureSize?: number }): string {
  return [
    record.path,
    `  hash        ${record.narHash}`,
    `  size        ${formatBytes(record.narSize)}`,
    ...(record.closureSize === undefined ? [] : [`  closure     ${formatBytes(record.closureSize)}`]),
    `  download    ${record.downloadSize === undefined ? 'unknown' : formatBytes(record.downloadSize)} (${record.compression})`,
    ...record.references.map((reference, index) => `${index === 0 ? '  references  ' : '              '}${reference}`),
    ...(record.deriver === undefined ? [] : [`  deriver     ${record.deriver}`]),
    ...record.signatures.map((signature) => `  signed by   ${signature.split(':', 1)[0]}`),
  ].join('\n')
}
