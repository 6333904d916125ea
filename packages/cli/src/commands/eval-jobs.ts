import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'
import {
  type EvaluationRequest,
  type EvaluationSettings,
  evaluateJobs,
  type JobsProgress,
  type JobsRequest,
  parseCallDepth,
  parseLints,
  parseNixVersion,
} from '@baryon/evaluation'
import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import { createProgressLine } from '../progress/progress-line.ts'
import type { Settings } from '../settings.ts'
import { evaluationRequest, selectedPlatform, stackSettings } from '../stack-evaluation.ts'

const DEFAULT_MEMORY = 4096

/** Streams one record per job; its only form is JSON, with `--json` or without. */
export async function run(context: Context): Promise<Outcome> {
  const { terminal } = context
  const settings = await jobsSettings(context)
  const request = jobsRequest(context, settings)
  const cache = context.arguments.flag('check-cache-status')
    ? await (await import('../cache-status.ts')).openCacheStatus(context, settings)
    : undefined
  const line = createProgressLine(terminal)
  try {
    const progress = await evaluateJobs(
      request,
      {
        onRecords: (lines) => {
          if (cache === undefined) terminal.out(Buffer.from(lines, 'latin1'))
          else cache.add(lines)
        },
        onFailure: (record) => {
          line.close()
          terminal.err(`${terminal.foreign(failureText(record, context.verbose))}\n`)
        },
        onLog: (message) => {
          line.close()
          terminal.err(`${terminal.foreign(textOf(message))}\n`)
        },
        onProgress: (progress) => line.show(() => progressText(progress)),
      },
      context.signal,
    )
    await cache?.finish()
    return { status: progress.fatal > 0 ? 1 : 0 }
  } finally {
    line.close()
    cache?.close()
  }
}

async function jobsSettings(context: Context): Promise<Settings> {
  const given = context.arguments
  const [operand] = given.operands
  const sources = [operand, given.value('file'), given.value('expr'), given.value('flake')]
  if (sources.filter((source) => source !== undefined).length > 1) {
    throw new UsageError('FILE, --file, --expr and --flake exclude each other')
  }
  if (given.flag('no-instantiate')) {
    const impossible = ['show-input-drvs', 'check-cache-status'].filter((name) => given.flag(name))
    if (impossible.length > 0) throw new UsageError(`--no-instantiate excludes --${impossible.join(' and --')}`)
  }
  if (operand !== undefined) return await context.settings({ stack: operand, needsStack: true })
  return given.value('flake') === undefined ? await stackSettings(context) : await context.settings({})
}

function jobsRequest(context: Context, settings: Settings): JobsRequest {
  const given = context.arguments
  const flake = given.value('flake')
  const [reference, fragment] = flake === undefined ? [] : splitReference(flake)
  const { onLog: _, ...evaluation } = evaluationRequest(context, settings, {
    output: 'derivations',
    attributePaths: [[fragment, given.value('attr')].filter((part) => part !== undefined && part !== '').join('.')],
    write: !given.flag('no-instantiate'),
    platform: selectedPlatform(given.value('platform')),
    ...(reference === undefined ? {} : { expression: `builtins.getFlake ${JSON.stringify(reference)}` }),
  })
  const maxMemory = positive(given.value('max-memory-size'), '--max-memory-size') ?? DEFAULT_MEMORY
  return {
    evaluation: { ...evaluation, settings: { ...evaluation.settings, ...optionSettings(context, evaluation) } },
    workers: positive(given.value('workers'), '--workers') ?? defaultWorkers(maxMemory),
    maxMemory,
    forceRecurse: given.flag('force-recurse'),
    meta: given.flag('meta'),
    inputDerivations: given.flag('show-input-drvs'),
    select: given.value('select'),
    apply: given.value('apply'),
    rootDirectory: absolute(given.value('gc-roots-dir')),
  }
}

/** `DIR#ATTR`; a directory that is not absolute starts here. */
function splitReference(text: string): [reference: string, fragment: string] {
  const hash = text.indexOf('#')
  const reference = hash < 0 ? text : text.slice(0, hash)
  const isPath = !/^[a-z][a-z0-9+.-]*:/.test(reference)
  return [isPath ? resolve(reference) : reference, hash < 0 ? '' : decodeURIComponent(text.slice(hash + 1))]
}

/** What `--option NAME VALUE` says of the evaluation; other settings of Nix are understood and mean nothing here. */
function optionSettings(
  context: Context,
  { settings }: Pick<EvaluationRequest, 'settings'>,
): Partial<EvaluationSettings> {
  const result: { -readonly [Name in keyof EvaluationSettings]?: EvaluationSettings[Name] } = {}
  const features = [...(settings?.experimentalFeatures ?? [])]
  for (const [name, value] of context.arguments.pairs('option')) {
    switch (name) {
      case 'nix-version':
        result.nixVersion = parseNixVersion(value)
        break
      case 'max-call-depth':
        result.maxCallDepth = parseCallDepth(value)
        break
      case 'pure-eval':
        result.pureEval = value === 'true'
        break
      case 'restrict-eval':
        result.restrictEval = value === 'true'
        break
      case 'allow-import-from-derivation':
        result.allowImportFromDerivation = value !== 'false'
        break
      case 'system':
        result.currentSystem = value
        break
      case 'experimental-features':
      case 'extra-experimental-features':
        features.push(...value.split(/\s+/).filter((word) => word !== ''))
        break
    }
  }
  if (context.arguments.flag('show-trace')) result.showTrace = true
  const lints = parseLints((name) => context.arguments.pairs('option').findLast(([option]) => option === name)?.[1])
  return { ...result, experimentalFeatures: features, lints }
}

function defaultWorkers(maxMemory: number): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 1_048_576 / maxMemory)))
}

function positive(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0
  if (number < 1) throw new UsageError(`${option} wants a number, not '${text}'`)
  return number
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path)
}

/** One line for each, or with `--verbose` all of the error. */
function failureText(record: string, verbose: boolean): string {
  const { attr, error } = JSON.parse(textOf(record)) as { readonly attr: string; readonly error: string }
  return `${attr}: ${verbose ? error : error.split('\n')[0]}`
}

function progressText({ done, known, derivations, failed }: JobsProgress): string {
  return `evaluated ${done} of ${known} attributes, ${derivations} derivations${failed === 0 ? '' : `, ${failed} failed`}`
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
