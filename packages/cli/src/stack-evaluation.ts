/** Evaluations that the command line asks for: a stack or an expression, called with the arguments that were given. */
import { resolve } from 'node:path'
import {
  type EvaluationArgument,
  type EvaluationRequest,
  type EvaluationResult,
  type EvaluationSettings,
  evaluate,
  lintNames,
  type OutputKind,
  parseCallDepth,
  parseLints,
  parseNixVersion,
} from '@baryon/evaluation'
import { UserError } from '@baryon/format'
import { chooseCaches } from './chosen-caches.ts'
import type { Context } from './command.ts'
import { UsageError } from './parse-arguments.ts'
import type { RealiseData } from './realise-during-evaluation.ts'
import type { Settings } from './settings.ts'

export interface StackRequest {
  readonly output: OutputKind
  readonly attributePaths?: readonly string[]
  readonly strict?: boolean
  readonly meta?: boolean
  /** Derivations are written to the store, so that they can be built. */
  readonly write?: boolean
  readonly platform?: string | undefined
  /** Instead of what `-f` and `--expr` say. */
  readonly expression?: string
  /** Wraps the value: `stack: …`, an expression that is applied to what the source evaluates to. */
  readonly apply?: string
}

/** The settings for a command that works on a stack or an expression. */
export function stackSettings(context: Context): Promise<Settings> {
  const given = context.arguments
  if (given.value('file') !== undefined && given.value('expr') !== undefined) {
    throw new UsageError('--file and --expr exclude each other')
  }
  return context.settings(given.value('expr') === undefined ? { stack: given.value('file'), needsStack: true } : {})
}

export async function evaluateStack(
  context: Context,
  settings: Settings,
  request: StackRequest,
): Promise<EvaluationResult> {
  return evaluate(evaluationRequest(context, settings, request))
}

export function evaluationRequest(context: Context, settings: Settings, request: StackRequest): EvaluationRequest {
  const given = context.arguments
  const expression = request.expression ?? given.value('expr')
  const platform = request.platform ?? settings.platform
  const args: Record<string, EvaluationArgument> = {}
  if (platform !== undefined) args.platform = { kind: 'string', text: platform }
  for (const [name, text] of given.pairs('arg')) args[name] = { kind: 'expression', text }
  for (const [name, text] of given.pairs('argstr')) args[name] = { kind: 'string', text }
  const storeOptions = { storeDirectory: settings.storeDirectory, root: settings.root }
  return {
    source:
      request.apply !== undefined
        ? {
            kind: 'expression',
            text: applied(request.apply, expression ?? `import (/. + ${nixString(stackFile(settings))})`, args),
          }
        : expression === undefined
          ? { kind: 'file', path: stackFile(settings) }
          : { kind: 'expression', text: expression },
    attributePaths: request.attributePaths,
    arguments: request.apply === undefined ? args : {},
    searchPath: given.values('include'),
    output: request.output,
    strict: request.strict,
    meta: request.meta,
    store: { kind: request.write ? 'write' : 'read', options: storeOptions },
    settings: { showTrace: context.verbose, ...languageSettings(context, settings) },
    realise: {
      module: new URL('./realise-during-evaluation.ts', import.meta.url).href,
      data: realiseData(context, settings),
    },
    onLog: (message) =>
      context.terminal.err(context.terminal.foreign(Buffer.from(`${message}\n`, 'latin1').toString('utf8'))),
  }
}

function languageSettings(context: Context, settings: Settings): Partial<EvaluationSettings> {
  // Commands that work on the configured stack alone have no such options.
  const declared = (name: string): boolean => context.command.options.some((option) => option.name === name)
  const value = (name: string): string | undefined => (declared(name) ? context.arguments.value(name) : undefined)
  const version = value('nix-version') ?? settings.nixVersion
  const depth = value('max-call-depth')
  return {
    ...(version === undefined ? {} : { nixVersion: parseNixVersion(version) }),
    ...(depth === undefined ? {} : { maxCallDepth: parseCallDepth(depth) }),
    experimentalFeatures: declared('experimental-feature') ? context.arguments.values('experimental-feature') : [],
    ...(declared('lint') ? { lints: lintsOf(context.arguments.pairs('lint')) } : {}),
  }
}

function lintsOf(given: readonly (readonly [name: string, level: string])[]): EvaluationSettings['lints'] {
  const known = lintNames.map((name) => name.replace(/^lint-/, ''))
  for (const [name] of given) {
    if (!known.includes(name))
      throw new UsageError(`--lint knows no '${name}'`, { hint: `known are ${known.join(', ')}` })
  }
  return parseLints((name) => given.findLast(([one]) => `lint-${one}` === name)?.[1])
}

/** `wrapper` of what `source` evaluates to, which is called first with those of the arguments that it takes. */
function applied(wrapper: string, source: string, args: Readonly<Record<string, EvaluationArgument>>): string {
  const given = Object.entries(args).map(
    ([name, { kind, text }]) => `${nixString(name)} = ${kind === 'string' ? nixString(text) : `(${text}\n)`};`,
  )
  return `let
      value = ${source};
      called =
        if builtins.isFunction value
        then value (builtins.intersectAttrs (builtins.functionArgs value) { ${given.join(' ')} })
        else value;
    in (${wrapper}) called`
}

function nixString(text: string): string {
  return `"${text.replace(/["\\$]/g, '\\$&')}"`
}

/** The variant to use where only one makes sense: `-c`, else what the tools of the experiments set, else nothing. */
export function selectedPlatform(
  given: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (given !== undefined) return given
  const { BINARY_TAG: tag, CMTCONFIG: old } = environment
  if (tag && old && tag !== old) {
    throw new UsageError(`inconsistent BINARY_TAG and CMTCONFIG values (${tag} != ${old})`, {
      hint: 'unset CMTCONFIG, give both the same value, or say -c TAG',
    })
  }
  return tag || old || undefined
}

export function stackFile(settings: Settings): string {
  if (settings.stack === undefined) throw new Error('the settings were made without a stack')
  return resolve(settings.stack)
}

/** The value of a text that `evaluate` returned: bytes, as they go to the terminal. */
export function textBytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** The value of a `json` answer. */
export function parseAnswer<T>(result: EvaluationResult): T {
  const [text] = result.texts
  if (text === undefined) throw new UserError('NO_ANSWER', 'the evaluation gave nothing')
  return JSON.parse(textBytes(text).toString('utf8')) as T
}

function realiseData(context: Context, settings: Settings): RealiseData {
  const declared = (name: string): boolean => context.command.options.some((option) => option.name === name)
  return {
    offline: declared('offline') && context.arguments.flag('offline'),
    sandbox: (declared('sandbox') ? context.arguments.value('sandbox') : undefined) ?? process.env.BARYON_SANDBOX,
    caches: chooseCaches(context, settings),
  }
}
