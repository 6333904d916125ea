/** Evaluation as Nix's programs ask for it. */
import { existsSync, readFileSync } from 'node:fs'
import {
  type EvaluationArgument,
  type EvaluationRequest,
  type EvaluationResult,
  type EvaluationSettings,
  type EvaluationSource,
  type EvaluationStore,
  evaluate,
  parseCallDepth,
  parseLints,
  parseNixVersion,
} from '@baryon/evaluation'
import { resolveSettings } from '../settings.ts'
import type { Terminal } from '../terminal.ts'
import { type FrontArguments, frontSandbox, optionOf } from './front-arguments.ts'
import { frontCaches } from './front-caches.ts'

export const evaluationFrontOptions = {
  options: { '--attr': 1, '--expr': 0, '--dry-run': 0 },
  aliases: { '-A': '--attr', '-E': '--expr' },
} as const

/** The sources that the operands name, in order; `fallback` when there are none. */
export function frontSources(given: FrontArguments, fallback: string): EvaluationSource[] {
  const operands = given.operands.length > 0 ? given.operands : [fallback]
  return operands.map((operand): EvaluationSource => {
    if (operand === '-') return { kind: 'stdin', text: readFileSync(0, 'utf8') }
    return given.has('--expr') ? { kind: 'expression', text: operand } : { kind: 'file', path: operand }
  })
}

export async function evaluateFront(
  given: FrontArguments,
  terminal: Terminal,
  source: EvaluationSource,
  store: EvaluationStore,
  request: Pick<EvaluationRequest, 'output' | 'strict' | 'locations' | 'attributePaths' | 'environment'>,
  more: Readonly<Record<string, EvaluationArgument>> = {},
): Promise<EvaluationResult> {
  const args: Record<string, EvaluationArgument> = { ...more }
  for (const [name, key, text] of given.given) {
    if (name === '--arg') args[key!] = { kind: 'expression', text: text! }
    if (name === '--argstr') args[key!] = { kind: 'string', text: text! }
  }
  const attributes = request.attributePaths ?? given.all('--attr')
  return evaluate({
    source,
    store,
    ...request,
    attributePaths: attributes.length > 0 ? attributes : [''],
    arguments: args,
    searchPath: given.all('--include'),
    answerCache: optionOf(given, 'eval-cache') !== 'false',
    realise: {
      module: new URL('../realise-during-evaluation.ts', import.meta.url).href,
      data: { offline: given.has('--offline'), sandbox: frontSandbox(given), caches: frontCaches(given) },
    },
    settings: {
      showTrace: showsTrace(given),
      pureEval: given.has('--pure-eval') && !given.has('--impure'),
      restrictEval: given.has('--restrict-eval') || optionOf(given, 'restrict-eval') === 'true',
      allowImportFromDerivation:
        !given.has('--no-allow-import-from-derivation') && optionOf(given, 'allow-import-from-derivation') !== 'false',
      traceVerbose: given.has('--trace-verbose') || optionOf(given, 'trace-verbose') === 'true',
      abortOnWarn: YES.includes(optionOf(given, 'abort-on-warn') ?? process.env.NIX_ABORT_ON_WARN ?? ''),
      ...(await frontLanguage(given)),
    },
    onLog: (message) => terminal.errBytes(Buffer.from(`${terminal.foreign(message)}\n`, 'latin1')),
  })
}

/** How Nix says it in options and in its environment. */
const YES: readonly string[] = ['true', 'yes', '1']

/**
 * Whose language: `--option nix-version`, else `BARYON_NIX_VERSION`, else the baryon.toml of the current directory. And
 * what of it is still experimental, and how deep calls may nest, by Nix's own options.
 */
export async function frontLanguage(given: FrontArguments): Promise<Partial<EvaluationSettings>> {
  const version = optionOf(given, 'nix-version') ?? (await configuredVersion())
  const depth = given.last('--max-call-depth') ?? optionOf(given, 'max-call-depth')
  const features = given.given.flatMap(([name, key, value]) => {
    if (name.endsWith('experimental-features')) return [key!]
    return name === '--option' && key?.endsWith('experimental-features') ? [value!] : []
  })
  return {
    ...(version === undefined ? {} : { nixVersion: parseNixVersion(version) }),
    ...(depth === undefined ? {} : { maxCallDepth: parseCallDepth(depth) }),
    experimentalFeatures: features.flatMap((words) => words.split(/\s+/)).filter((word) => word !== ''),
    lints: parseLints((name) => given.last(`--${name}`) ?? optionOf(given, name)),
  }
}

async function configuredVersion(): Promise<string | undefined> {
  const { BARYON_NIX_VERSION: version } = process.env
  if (version) return version
  const source = { root: '/', storeDirectory: undefined, environment: process.env, currentDirectory: process.cwd() }
  return (await resolveSettings(source)).nixVersion
}

/** The last of the switches, else `show-trace` of nix.conf. */
function showsTrace(given: FrontArguments): boolean {
  const last = given.given.findLast(([name]) => name === '--show-trace' || name === '--no-show-trace')
  if (last !== undefined) return last[0] === '--show-trace'
  const option = optionOf(given, 'show-trace')
  if (option !== undefined) return option === 'true'
  const file = `${process.env.NIX_CONF_DIR ?? '/etc/nix'}/nix.conf`
  return existsSync(file) && /^\s*show-trace\s*=\s*true\s*(#.*)?$/m.test(readFileSync(file, 'utf8'))
}
