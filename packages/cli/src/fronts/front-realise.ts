/** Builds as Nix's programs do: what builds and its log on standard error. */
import {
  type BuildReport,
  planRealise,
  RealiseError,
  type RealiseOptions,
  type RealiseTarget,
  type RepairOutcome,
  realise,
  repairPaths,
  type Substituter,
} from '@baryon/build'
import { type StorePath, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { sandboxChoice } from '../realise-options.ts'
import type { Terminal } from '../terminal.ts'
import { type FrontArguments, frontSandbox, optionOf } from './front-arguments.ts'
import { frontCaches } from './front-caches.ts'

export async function frontRealise(
  given: FrontArguments,
  store: Store,
  targets: readonly RealiseTarget[],
  terminal: Terminal,
  more: RealiseOptions = {},
): Promise<BuildReport> {
  return interruptible(given, store, terminal, async (options) => {
    try {
      return await realise(store, targets, { ...options, ...more })
    } catch (error) {
      if (error instanceof RealiseError) {
        for (const failure of error.failures.slice(1)) terminal.err(`error: ${failure.message}\n`)
      }
      throw error
    }
  })
}

export async function frontRepair(
  given: FrontArguments,
  store: Store,
  paths: readonly StorePath[],
  terminal: Terminal,
): Promise<readonly RepairOutcome[]> {
  return interruptible(given, store, terminal, (options) => repairPaths(store, paths, options))
}

/** Runs `work` with what the command line says; the first Ctrl-C asks it to stop, the second ends the process. */
async function interruptible<T>(
  given: FrontArguments,
  store: Store,
  terminal: Terminal,
  work: (options: RealiseOptions) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const stop = (): void => (controller.signal.aborted ? process.exit(130) : controller.abort())
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const quiet = given.has('--no-build-output') || given.has('--quiet')
  try {
    const substituters = await frontSubstituters(given, store, terminal)
    return await work({
      ...frontOptions(given),
      substituters,
      signal: controller.signal,
      onEvent(event) {
        if (event.kind === 'started' && event.activity === 'substitute') {
          terminal.err(`copying path '${store.storeDirectory}/${event.task}'...\n`)
        } else if (event.kind === 'started' && event.derivation !== undefined) {
          terminal.err(`building '${store.format(event.derivation)}'...\n`)
        } else if (event.kind === 'log' && !quiet) {
          for (const line of event.lines) terminal.err(`${terminal.foreign(line)}\n`)
        } else if (event.kind === 'notice') terminal.err(`warning: ${event.message}\n`)
      },
    })
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

/** `these N derivations will be built:` and so on, as `--dry-run` prints. */
export async function printPlan(
  given: FrontArguments,
  store: Store,
  targets: readonly RealiseTarget[],
  terminal: Terminal,
): Promise<void> {
  const plan = await planRealise(store, targets, { substituters: await frontSubstituters(given, store, terminal) })
  const tasks = [...plan.tasks.values()]
  const say = (activities: readonly string[], one: string, many: (count: number) => string): void => {
    const paths = tasks.filter((task) => activities.includes(task.activity)).map((task) => store.format(task.path))
    if (paths.length === 0) return
    terminal.err(`${paths.length === 1 ? one : many(paths.length)}\n${paths.map((path) => `  ${path}\n`).join('')}`)
  }
  say(['build', 'fetch'], 'this derivation will be built:', (count) => `these ${count} derivations will be built:`)
  say(['substitute'], 'this path will be fetched:', (count) => `these ${count} paths will be fetched:`)
}

async function frontSubstituters(
  given: FrontArguments,
  store: Store,
  terminal: Terminal,
): Promise<readonly Substituter[]> {
  const caches = frontCaches(given)
  if (caches === undefined) return []
  const { openChosen } = await import('../substituters.ts')
  return openChosen(caches, store.storeDirectory, (event) => {
    if (event.kind === 'notice') terminal.err(`warning: ${event.message}\n`)
  })
}

function frontOptions(given: FrontArguments): RealiseOptions {
  const number = (option: string, setting: string): number | undefined => {
    const text = given.last(option) ?? optionOf(given, setting)
    if (text === undefined || text === 'auto') return undefined
    if (!/^\d+$/.test(text)) throw new UserError('USAGE', `'${text}' is not a number`)
    return Number(text)
  }
  const jobs = number('--max-jobs', 'max-jobs')
  const cores = number('--cores', 'cores')
  const timeout = number('--timeout', 'timeout')
  const maxSilent = number('--max-silent-time', 'max-silent-time')
  return {
    ...(jobs === undefined ? {} : { jobs }),
    ...(cores ? { cores } : {}),
    ...(timeout ? { timeout } : {}),
    ...(maxSilent ? { maxSilent } : {}),
    keepGoing: given.has('--keep-going'),
    keepFailed: given.has('--keep-failed'),
    offline: given.has('--offline'),
    sandbox: sandboxChoice(frontSandbox(given)),
  }
}
