/**
 * `baryon build`. An unchanged stack must cost next to nothing: the answer of the evaluation comes from its cache, and
 * what builds is loaded only when an output is not valid.
 */
import { resolve } from 'node:path'
import type { BuildEvent, RealiseTarget } from '@baryon/build'
import type { FoundDerivation } from '@baryon/evaluation'
import { formatStorePath, parseStorePath, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { type BuildSummary, emptySummary, summaryText } from '../build-summary.ts'
import type { Context, Outcome } from '../command.ts'
import { formatCount } from '../format-quantity.ts'
import { openToLook } from '../open-to-look.ts'
import { UsageError } from '../parse-arguments.ts'
import type { Settings } from '../settings.ts'
import { evaluateStack, selectedPlatform, stackSettings } from '../stack-evaluation.ts'

interface Wanted {
  readonly platform: string | undefined
  readonly attribute: string
  readonly derivation: FoundDerivation
}

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  if (given.flag('no-link') && given.value('out-link') !== undefined) {
    throw new UsageError('--out-link and --no-link exclude each other')
  }
  const settings = await stackSettings(context)
  const started = performance.now()
  const wanted = await findWanted(context, settings)
  const evaluation = (performance.now() - started) / 1000

  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    if (given.flag('dry-run')) return await dryRun(context, store, wanted)
    const missing = given.flag('check') ? wanted : wanted.filter((one) => !isBuilt(store, one.derivation))
    const targets = missing.map((one): RealiseTarget => targetOf(store, one.derivation))
    const summary = targets.length === 0 ? emptySummary(wanted.length) : await realiseTargets(context, store, targets)
    const links = given.flag('no-link') ? [] : makeLinks(store, wanted, given.value('out-link') ?? 'result', settings)
    if (summary.worked) context.terminal.err(`${summaryText({ ...summary, evaluation }, context.terminal.errPaint)}\n`)
    return {
      text: wanted.map((one) => outputPath(one.derivation)).join('\n'),
      data: {
        results: wanted.map((one, index) => ({
          attribute: one.attribute,
          ...(one.platform === undefined ? {} : { platform: one.platform }),
          name: one.derivation.name,
          derivation: one.derivation.drvPath,
          output: one.derivation.outputName,
          path: outputPath(one.derivation),
          outputs: one.derivation.outputs,
          ...(links[index] === undefined ? {} : { link: links[index] }),
        })),
        ...summary.record,
        seconds: { ...summary.seconds, evaluation, total: (performance.now() - started) / 1000 },
      },
    }
  } finally {
    store.close()
  }
}

async function findWanted(context: Context, settings: Settings): Promise<Wanted[]> {
  const given = context.arguments
  const platforms = given.values('platform')
  const attributes = given.operands.length > 0 ? given.operands : ['']
  const wanted: Wanted[] = []
  for (const platform of platforms.length > 0 ? platforms : [selectedPlatform(undefined)]) {
    for (const attribute of attributes) {
      const { derivations } = await evaluateStack(context, settings, {
        output: 'derivations',
        attributePaths: [attribute],
        write: true,
        platform,
      })
      if (derivations.length === 0) {
        throw new UserError(
          'NOTHING_TO_BUILD',
          `${attribute === '' ? 'the expression' : `'${attribute}'`} holds no derivation`,
          {
            hint: 'baryon stack list shows what a stack has',
          },
        )
      }
      for (const derivation of derivations) {
        const below = derivation.attributePath
        wanted.push({ platform, derivation, attribute: [attribute, below].filter((part) => part !== '').join('.') })
      }
    }
  }
  return wanted
}

async function realiseTargets(
  context: Context,
  store: Store,
  targets: readonly RealiseTarget[],
): Promise<BuildSummary> {
  const { realiseWithProgress } = await import('../realise-with-progress.ts')
  return realiseWithProgress(context, store, targets, { check: context.arguments.flag('check') })
}

function isBuilt(store: Store, { outputs, outputName }: FoundDerivation): boolean {
  const path = outputs[outputName]
  return path !== undefined && store.isValid(store.parse(path))
}

function targetOf(store: Store, found: FoundDerivation): RealiseTarget {
  return { derivation: store.parse(found.drvPath), outputs: [found.outputName] }
}

function outputPath(found: FoundDerivation): string {
  return found.outputs[found.outputName] ?? found.drvPath
}

/** `result`, `result-2`, … as nix-build names them; with several platforms the tag is added instead of a number. */
function makeLinks(store: Store, wanted: readonly Wanted[], base: string, settings: Settings): string[] {
  const several = new Set(wanted.map((one) => one.platform)).size > 1
  const counts = new Map<string, number>()
  return wanted.map(({ derivation, platform }) => {
    const tag = several && platform !== undefined ? `-${platform}` : ''
    const count = (counts.get(tag) ?? 0) + 1
    counts.set(tag, count)
    const output = derivation.outputName === 'out' ? '' : `-${derivation.outputName}`
    const link = resolve(`${base}${tag}${count > 1 ? `-${count}` : ''}${output}`)
    store.addPermanentRoot(link, parseStorePath(settings.storeDirectory, outputPath(derivation)), { reachable: true })
    return link
  })
}

async function dryRun(context: Context, store: Store, wanted: readonly Wanted[]): Promise<Outcome> {
  const [{ planRealise }, { contextSubstituters }] = await Promise.all([
    import('@baryon/build'),
    import('../substituters.ts'),
  ])
  const onEvent = (event: BuildEvent): void => {
    if (event.kind === 'notice') context.terminal.err(`${context.terminal.errPaint.yellow('note:')} ${event.message}\n`)
  }
  const plan = await planRealise(
    store,
    wanted.map((one) => targetOf(store, one.derivation)),
    { substituters: await contextSubstituters(context, store, onEvent), onEvent },
  )
  const tasks = [...plan.tasks.values()]
  const list = (activity: string): string[] =>
    tasks.filter((task) => task.activity === activity).map((task) => formatStorePath(store.storeDirectory, task.path))
  const record = {
    build: list('build'),
    fetch: list('fetch'),
    substitute: list('substitute'),
    present: plan.present,
    expectedSeconds: plan.totalSeconds,
  }
  const section = (title: string, paths: readonly string[]): string[] =>
    paths.length === 0 ? [] : [`${formatCount(paths.length, 'path')} to ${title}:`, ...paths.map((path) => `  ${path}`)]
  const lines = [
    ...section('build', record.build),
    ...section('fetch', record.fetch),
    ...section('copy', record.substitute),
  ]
  return { data: record, text: lines.length === 0 ? 'nothing to do: everything is there' : lines.join('\n') }
}
