/** Binary caches of the command line, opened for a build. Loaded only when something is to be built. */
import type { BuildReporter, Substituter } from '@baryon/build'
import { openLookupCache, openSubstituters } from '@baryon/cache'
import { parsePublicKey } from '@baryon/format'
import type { Store } from '@baryon/store'
import { type ChosenCaches, chooseCaches } from './chosen-caches.ts'
import type { Context } from './command.ts'
import { stackSettings } from './stack-evaluation.ts'

export type { ChosenCaches }

export async function contextSubstituters(
  context: Context,
  store: Store,
  report: BuildReporter,
): Promise<readonly Substituter[]> {
  const hasStack = context.command.options.some((option) => option.name === 'file')
  const settings = hasStack ? await stackSettings(context) : await context.settings({ needsStack: true })
  const chosen = chooseCaches(context, settings)
  return chosen === undefined ? [] : openChosen(chosen, store.storeDirectory, report, context.signal)
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
