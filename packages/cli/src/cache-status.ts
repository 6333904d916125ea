/** `--check-cache-status`: whether what a record names is here, in a binary cache, or to be built. */
import { type BuildEvent, planRealise, type RealiseTarget } from '@baryon/build'
import { formatStorePath } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import type { Context } from './command.ts'
import type { Settings } from './settings.ts'
import { contextSubstituters } from './substituters.ts'

export interface CacheStatus {
  /** Takes lines of records (bytes); they are printed when their status is known. */
  readonly add: (lines: string) => void
  /** Settles when all are printed. */
  readonly finish: () => Promise<void>
  readonly close: () => void
}

interface JobRecord {
  readonly drvPath?: string
  readonly [field: string]: unknown
}

export async function openCacheStatus(context: Context, settings: Settings): Promise<CacheStatus> {
  const store = openStore({ storeDirectory: settings.storeDirectory, root: settings.root })
  const onEvent = (event: BuildEvent): void => {
    if (event.kind === 'notice') context.terminal.err(`${context.terminal.errPaint.yellow('note:')} ${event.message}\n`)
  }
  const substituters = await contextSubstituters(context, store, onEvent)
  let work = Promise.resolve()
  let failure: { readonly error: unknown } | undefined
  const print = async (lines: string): Promise<void> => {
    for (const line of lines.trimEnd().split('\n')) {
      const record = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as JobRecord
      const status = record.drvPath === undefined ? {} : await statusOf(record.drvPath)
      context.terminal.out(`${JSON.stringify(sorted({ ...record, ...status }))}\n`)
    }
  }
  const statusOf = async (drvPath: string): Promise<object> => {
    const plan = await planRealise(store, targets(store, drvPath), { substituters, onEvent })
    const tasks = [...plan.tasks.values()]
    const path = (task: (typeof tasks)[number]): string => formatStorePath(store.storeDirectory, task.path)
    const builds = tasks.filter((task) => task.activity !== 'substitute')
    const neededSubstitutes = tasks.filter((task) => task.activity === 'substitute').map(path)
    // That it is to be built itself is told by the status.
    const neededBuilds = builds.map(path).filter((needed) => needed !== drvPath)
    const cacheStatus = builds.length > 0 ? 'notBuilt' : neededSubstitutes.length > 0 ? 'cached' : 'local'
    return { cacheStatus, isCached: cacheStatus !== 'notBuilt', neededBuilds, neededSubstitutes }
  }
  return {
    add: (lines) => {
      work = work
        .then(() => (failure === undefined ? print(lines) : undefined))
        .catch((error: unknown) => {
          failure ??= { error }
        })
    },
    finish: async () => {
      await work
      if (failure !== undefined) throw failure.error
    },
    close: () => store.close(),
  }
}

function targets(store: Store, drvPath: string): readonly RealiseTarget[] {
  return [{ derivation: store.parse(drvPath), outputs: 'all' }]
}

function sorted(record: JobRecord): JobRecord {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
