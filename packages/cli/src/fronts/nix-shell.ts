/** `nix-shell`: the environment in which a derivation would be built, for the user. */
import { existsSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { RealiseTarget } from '@baryon/build'
import { findProgram, prepareRootTable, selectTier } from '@baryon/environment'
import type { EvaluationArgument, EvaluationSource, FoundDerivation } from '@baryon/evaluation'
import { type Derivation, UserError } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import { launch } from '../replace-process.ts'
import type { Terminal } from '../terminal.ts'
import { createFront } from './front.ts'
import { type FrontArguments, type FrontSpecification, parseFrontArguments } from './front-arguments.ts'
import { evaluateFront, evaluationFrontOptions, frontSources } from './front-evaluation.ts'
import { frontRealise, printPlan } from './front-realise.ts'
import { evaluationStore, type FrontStore, frontStore } from './front-store.ts'
import { readInterpreterLines } from './interpreter-lines.ts'
import { writeShellStart } from './shell-start.ts'

const specification: FrontSpecification = {
  options: {
    ...evaluationFrontOptions.options,
    '--packages': 0,
    '--run': 1,
    '--command': 1,
    '--pure': 0,
    '--keep': 1,
    '--exclude': 1,
    '--interpreter': 1,
    '--no-out-link': 0,
  },
  aliases: { ...evaluationFrontOptions.aliases, '-p': '--packages', '-i': '--interpreter' },
}

export const main = createFront('nix-shell', {
  specification,
  help: `
usage: nix-shell [-A ATTR] [--run COMMAND|--command COMMAND] [--pure [--keep VARIABLE]…] [--exclude REGEX]… [--arg NAME EXPR]
                 [--argstr NAME TEXT] [-I PATH] [-p PACKAGE… | -E EXPRESSION | FILE]`,
  parse: (words) => {
    const script = readInterpreterLines(words)
    if (script === undefined) return parseFrontArguments('nix-shell', words, specification)
    const given = parseFrontArguments('nix-shell', script.words, specification)
    const interpreter = given.last('--interpreter')
    if (interpreter === undefined) return given
    return parseFrontArguments('nix-shell', [...script.words, '--run', script.command(interpreter)], specification)
  },
  run,
})

async function run(given: FrontArguments, terminal: Terminal): Promise<number> {
  const selected = await frontStore(given)
  const isPure = given.given.findLast(([name]) => name === '--pure' || name === '--impure')?.[0] === '--pure'
  const environment = { ...process.env, IN_NIX_SHELL: isPure ? 'pure' : 'impure' }
  const found = await findOne(given, terminal, selected, environment)
  const store = openStore(selected.options)
  try {
    const derivation = store.readDerivation(store.parse(found.drvPath))
    const targets = inputsOf(store, derivation, given.all('--exclude'))
    if (given.has('--dry-run')) {
      await printPlan(given, store, targets, terminal)
      return 0
    }
    await frontRealise(given, store, targets, terminal)
    return start(given, store, derivation, { environment, isPure })
  } finally {
    store.close()
  }
}

async function findOne(
  given: FrontArguments,
  terminal: Terminal,
  selected: FrontStore,
  environment: NodeJS.ProcessEnv,
): Promise<FoundDerivation> {
  const store = evaluationStore(selected, true)
  const found: FoundDerivation[] = []
  for (const source of shellSources(given)) {
    const more = (await asksForShell(given, terminal, source, selected, environment)) ? inShell : {}
    const result = await evaluateFront(given, terminal, source, store, { output: 'derivations', environment }, more)
    found.push(...result.derivations)
  }
  const [one] = found
  if (one === undefined || found.length > 1) throw new UserError('USAGE', 'nix-shell requires a single derivation')
  return one
}

const inShell: Readonly<Record<string, EvaluationArgument>> = { inNixShell: { kind: 'expression', text: 'true' } }

function shellSources(given: FrontArguments): EvaluationSource[] {
  if (given.has('--packages')) {
    if (given.has('--expr')) throw new UserError('USAGE', "'-p' and '-E' are mutually exclusive")
    const packages = given.operands.map((operand) => `(${operand})`).join(' ')
    const text = `{ ... }@args: with import <nixpkgs> args;
      (pkgs.runCommandCC or pkgs.runCommand) "shell" { buildInputs = [ ${packages} ]; } ""`
    return [{ kind: 'expression', text }]
  }
  const preferred = (directory: string): string | undefined =>
    existsSync(join(directory, 'shell.nix')) ? join(directory, 'shell.nix') : undefined
  return frontSources(given, preferred('.') ?? './default.nix').map((source) => {
    if (source.kind !== 'file' || statSync(source.path, { throwIfNoEntry: false })?.isDirectory() !== true)
      return source
    return { kind: 'file', path: preferred(source.path) ?? source.path }
  })
}

/** Only a function that names the argument `inNixShell` gets it: others may pass all that they get to somebody else. */
async function asksForShell(
  given: FrontArguments,
  terminal: Terminal,
  source: EvaluationSource,
  selected: FrontStore,
  environment: NodeJS.ProcessEnv,
): Promise<boolean> {
  if (given.has('--packages')) return false
  if (source.kind === 'file' && !existsSync(source.path)) return false
  const value = source.kind === 'file' ? `import ${quoted(resolve(source.path))}` : `(${source.text}\n)`
  const text = `let value = ${value}; in builtins.isFunction value && builtins.functionArgs value ? inNixShell`
  const question = { output: 'json', attributePaths: [''], environment } as const
  const result = await evaluateFront(
    given,
    terminal,
    { kind: 'expression', text },
    evaluationStore(selected, false),
    question,
  )
  return result.texts[0] === 'true'
}

function quoted(text: string): string {
  return `"${text.replace(/["\\$]/g, '\\$&')}"`
}

/** Everything that the builder would find: the shell needs all of it, and not what it makes. */
function inputsOf(store: Store, derivation: Derivation, excluded: readonly string[]): RealiseTarget[] {
  const patterns = excluded.map((text) => new RegExp(text))
  const built = [...derivation.inputDerivations]
    .filter(([path]) => !patterns.some((pattern) => pattern.test(path)))
    .map(([path, outputs]): RealiseTarget => ({ derivation: store.parse(path), outputs }))
  return [...built, ...derivation.inputSources.map((path) => ({ path: store.parse(path) }))]
}

function start(
  given: FrontArguments,
  store: Store,
  derivation: Derivation,
  { environment, isPure }: { readonly environment: NodeJS.ProcessEnv; readonly isPure: boolean },
): number {
  const shell = environment.NIX_BUILD_SHELL || findProgram('bash', environment)
  if (shell === undefined) throw new UserError('NO_BASH', 'there is no bash on PATH', { hint: 'set NIX_BUILD_SHELL' })
  const last = given.given.findLast(([name]) => name === '--run' || name === '--command')
  const interactive = last?.[0] !== '--run' && process.stdin.isTTY === true && process.stderr.isTTY === true
  const directory = mkdtempSync(join(tmpdir(), 'nix-shell-'))
  const startFile = writeShellStart({
    directory,
    store,
    derivation,
    shell,
    isPure,
    cores: given.last('--cores'),
    timeZone: environment.TZ,
    command: last?.[1],
  })
  const words = interactive ? [shell, '--rcfile', startFile] : [shell, startFile]
  // The temporary roots go with this process, which becomes the shell; what the shell uses must be kept by other roots.
  store.close()
  const tier = store.storeDirectory === store.physicalDirectory ? undefined : selectTier()
  return launch(
    {
      storeDirectory: store.storeDirectory,
      physicalDirectory: store.physicalDirectory,
      paths: [],
      changes: [],
      assignments: [],
      defaultCommand: undefined,
      tier,
      rootTable:
        tier?.kind === 'unshare'
          ? prepareRootTable(`${store.ownDirectory}/roots`, store.storeDirectory, store.physicalDirectory)
          : undefined,
    },
    [...changeEnvironment(environment, isPure ? [...keptVariables, ...given.all('--keep')] : undefined), ...words],
  )
}

/** The words of `env` that make the environment of the shell out of our own. */
function changeEnvironment(environment: NodeJS.ProcessEnv, kept: readonly string[] | undefined): string[] {
  if (kept === undefined) return ['/usr/bin/env', `IN_NIX_SHELL=${environment.IN_NIX_SHELL}`]
  const settings = kept.filter((name) => environment[name] !== undefined).map((name) => `${name}=${environment[name]}`)
  return ['/usr/bin/env', '-i', ...settings, '__ETC_PROFILE_SOURCED=1']
}

/** What Nix lets through `--pure`. */
const keptVariables = [
  ...['HOME', 'XDG_RUNTIME_DIR', 'USER', 'LOGNAME', 'DISPLAY', 'WAYLAND_DISPLAY', 'WAYLAND_SOCKET', 'PATH', 'TERM'],
  ...['IN_NIX_SHELL', 'NIX_SHELL_PRESERVE_PROMPT', 'TZ', 'PAGER', 'NIX_BUILD_SHELL', 'SHLVL'],
  ...['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'ALL_PROXY', 'NO_PROXY'],
]
