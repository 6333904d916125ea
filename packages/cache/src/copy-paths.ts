import { type StorePath, UserError } from '@baryon/format'
import { createNarReceiver, narChunks, type Store } from '@baryon/store'
import type { OnTransfer } from './transfer-event.ts'

/** Copies the closure of the paths from one local store to another of the same store directory, as far as it is missing there. */
export function copyPaths(
  from: Store,
  to: Store,
  paths: readonly StorePath[],
  options: { readonly onEvent?: OnTransfer | undefined; readonly signal?: AbortSignal | undefined } = {},
): StorePath[] {
  if (from.storeDirectory !== to.storeDirectory) {
    throw new UserError(
      'STORE_DIRECTORY_MISMATCH',
      `paths of '${from.storeDirectory}' cannot be copied to a store for '${to.storeDirectory}'`,
      { hint: 'the store directory is a part of every path: give both stores the same one' },
    )
  }
  const { onEvent, signal } = options
  if (!from.readOnly) from.addTempRoot(...paths)
  to.addTempRoot(...paths)
  const missing = from.topologicalOrder(from.computeClosure(paths).filter((path) => !to.isValid(path)))
  const infos = missing.map((path) => from.pathInfo(path))
  onEvent?.({ kind: 'planned', paths: infos.length, bytes: infos.reduce((sum, info) => sum + info.narSize, 0) })
  for (const info of infos) {
    signal?.throwIfAborted()
    const location = to.reservePlace(info.path)
    if (location === undefined) continue
    const begin = performance.now()
    onEvent?.({ kind: 'started', path: info.path })
    const receiver = createNarReceiver(location, info)
    try {
      for (const chunk of narChunks(from.physicalPath(info.path))) receiver.write(chunk)
      receiver.finish()
    } catch (error) {
      receiver.abort()
      throw error
    }
    const { ultimate: _built, registrationTime: _then, ...copied } = info
    to.placeReceived([{ info: copied, location }])
    onEvent?.({ kind: 'finished', path: info.path, seconds: (performance.now() - begin) / 1000 })
  }
  return missing
}
