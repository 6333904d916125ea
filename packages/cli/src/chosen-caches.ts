/** Which binary caches a command asks, and whom it believes. */
import type { Context } from './command.ts'
import type { Settings } from './settings.ts'

/** As data, so that it can be handed to a worker. */
export interface ChosenCaches {
  readonly urls: readonly string[]
  readonly publicKeys: readonly string[]
  /** Nobody's signature is asked for. */
  readonly trustAll?: boolean
}

/** What the options say, each kind by itself; else what the settings say. Undefined when no cache is to be asked. */
export function chooseCaches(context: Context, settings: Settings): ChosenCaches | undefined {
  const declared = (name: string): boolean => context.command.options.some((option) => option.name === name)
  const given = context.arguments
  if (!declared('substituter') || given.flag('no-substitute')) return undefined
  const urls = given.values('substituter')
  const chosen = urls.length > 0 ? urls : settings.substituters
  if (chosen.length === 0) return undefined
  const isOffline = declared('offline') && given.flag('offline')
  return {
    urls: isOffline ? chosen.filter((url) => !/^(https?|s3):/i.test(url)) : chosen,
    publicKeys: trustedKeys(context, settings),
  }
}

/** Whose signatures are believed, of caches and of neighbours. */
export function trustedKeys(context: Context, settings: Settings): readonly string[] {
  const isDeclared = context.command.options.some((option) => option.name === 'trusted-public-key')
  const given = isDeclared ? context.arguments.values('trusted-public-key') : []
  return given.length > 0 ? given : settings.trustedPublicKeys
}
