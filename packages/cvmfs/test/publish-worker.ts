/** Publishes again and again until it is killed: `publish-worker.ts REPOSITORY KEYS CACHE TREE`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directoryStorage, openPreparedCatalogs, publish, readKeys } from '../index.ts'

const [directory = '', keyDirectory = '', cacheDirectory = '', tree = ''] = process.argv.slice(2)
const { publicKey, privateKey } = readKeys('crash.hep.example', keyDirectory)
const options = {
  ...{ storage: directoryStorage(directory), publicKeys: [publicKey], privateKey, cacheDirectory },
  ...{ owner: { uid: 0, gid: 0 }, preparedCatalogs: openPreparedCatalogs(join(cacheDirectory, 'prepared')) },
}
/** Of what never changes, and is published ever again. */
const from = join(import.meta.dirname, '../src/compress')
const stable = { kind: 'tree', from, isNested: true, isImmutable: true } as const
process.send?.('ready')
for (let round = 0; ; round++) {
  writeFileSync(join(tree, 'nested/file'), `${process.pid} ${round}`)
  const { manifest } = await publish(options, [
    { kind: 'tree', at: '/tree', from: tree },
    { kind: 'tree', at: `/releases/${process.pid}-${round}`, from: tree, isNested: true },
    { ...stable, at: '/stable', contents: () => 'stable' },
  ])
  await publish(options, [{ kind: 'remove', at: '/stable' }])
  process.send?.(manifest.revision)
}
