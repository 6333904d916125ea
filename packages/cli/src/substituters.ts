/** Binary caches of the command line, opened for a build. Loaded only when something is to be built. */
import type { BuildReporter, Substituter } from '@baryon/build'
import { openLookupCache, openSubstituters } from '@baryon/cache'
import { parsePublicKey } from '@baryon/format'
import type { Store } from '@baryon/store'
import { type ChosenCaches, chooseCaches, trustedKeys } from './chosen-caches.ts'
import type { Context } from './command.ts'
import { openNeighbours } from './neighbours.ts'
import { stackSettings } from './stack-evaluation.ts'

export type { ChosenCaches }

/** Neighbours first: they are on this machine. Caches only for commands that have `substituterOptions`. */
export async function contextSubstituters(
  context: Context,
  store: Store,
  report: BuildReporter,
): Promise<readonly Substituter[]> {
  const declared = (name: string): boolean => context.command.options.some((option) => option.name === name)
  if (declared('no-substitute') && context.arguments.flag('no-substitute')) return []
  const settings = declared('file') ? await stackSettings(context) : await context.settings({ needsStack: true })
  const keys = trustedKeys(context, settings).map(parsePublicKey)
  const neighbours = openNeighbours(context, store.storeDirectory, keys, (message) => {
    report({ kind: 'notice', message })
  })
  const chosen = chooseCaches(context, settings)
  const caches = chosen === undefined ? [] : await openChosen(chosen, store.storeDirectory, report, context.signal)
  return [...neighbours, ...caches]
}

/** Opens them in the order of their priorities. What cannot be had, and the first path that is not believed, are told as notices. */
export async function openChosen(
  { urls, publicKeys, trustAll = false }: ChosenCaches,
  storeDirectory: string,
  report: BuildReporter,
  signal?: AbortSignal,
): Promise<readonly Substituter[]> {
  let refusals = 0
  const notice = (message: string): void => report({ kind: 'notice', message })
  return openSubstituters(
    urls.map((url) => ({ url, options: { storeDirectory } })),
    {
      trust: { keys: publicKeys.map(parsePublicKey), trustAll },
      lookups: openLookupCache(),
      onNotice: notice,
      onRefusal: (error) => {
        if (refusals++ === 0) notice(`${error.message}: ${error.hint}; such paths are not taken`)
      },
    },
    signal,
  )
}
