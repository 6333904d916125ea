import { resolve } from 'node:path'
import { type EvaluationResult, evaluate } from '@baryon/evaluation'
import { openStore } from '@baryon/store'
import type { Terminal } from '../terminal.ts'
import { createFront } from './front.ts'
import type { FrontArguments } from './front-arguments.ts'
import { evaluateFront, evaluationFrontOptions, frontLanguage, frontSources } from './front-evaluation.ts'
import { evaluationStore, type FrontStore, frontStore } from './front-store.ts'

export const main = createFront('nix-instantiate', {
  specification: {
    options: {
      ...evaluationFrontOptions.options,
      '--eval': 0,
      '--parse': 0,
      '--find-file': 0,
      '--strict': 0,
      '--json': 0,
      '--xml': 0,
      '--raw': 0,
      '--read-write-mode': 0,
      '--add-root': 1,
      '--indirect': 0,
    },
    aliases: { ...evaluationFrontOptions.aliases, '--eval-only': '--eval', '--parse-only': '--parse' },
  },
  help: `
usage: nix-instantiate [--eval|--parse|--find-file] [--strict] [--json|--xml] [-A ATTR]… [--arg NAME EXPR] [--argstr NAME TEXT]
                       [-I PATH] [--add-root LINK] [--read-write-mode] [-E EXPRESSION… | FILE… | -]

  --option nix-version VERSION    language of Nix 2.36.0 or 2.8.0 (BARYON_NIX_VERSION; else baryon.toml, else 2.36.0)
  --extra-experimental-features   pipe-operators, parse-toml-timestamps
  --lint-url-literals LEVEL       ignore, warn or fatal: a URL without quotes; likewise --lint-absolute-path-literals
                                  (/x, ~/x) and --lint-short-path-literals (a/b instead of ./a/b)
  --max-call-depth COUNT          how deep functions may call each other (default: as deep as 1 GB of stack allows)`,
  run,
})

async function run(given: FrontArguments, terminal: Terminal): Promise<number> {
  const store = await frontStore(given)
  if (given.has('--find-file')) return findFiles(given, store, terminal)
  const evaluates = given.has('--eval')
  const parses = given.has('--parse')
  const writes =
    !given.has('--dry-run') && !given.has('--readonly-mode') && (!evaluates || given.has('--read-write-mode'))
  for (const source of frontSources(given, './default.nix')) {
    const request = parses
      ? ({ output: 'parse' } as const)
      : evaluates
        ? { output: outputOf(given), strict: given.has('--strict'), locations: !given.has('--no-location') }
        : ({ output: 'derivations' } as const)
    const result = await evaluateFront(given, terminal, source, evaluationStore(store, writes), request)
    if (parses || evaluates) printTexts(given, result, terminal)
    else printDerivations(given, result, store, writes, terminal)
  }
  return 0
}

function outputOf(given: FrontArguments): 'json' | 'xml' | 'value' {
  if (given.has('--json') || given.has('--raw')) return 'json'
  return given.has('--xml') ? 'xml' : 'value'
}

function printTexts(given: FrontArguments, result: EvaluationResult, terminal: Terminal): void {
  for (const text of result.texts) {
    if (given.has('--raw')) terminal.out(String(JSON.parse(Buffer.from(text, 'latin1').toString('utf8'))))
    // XML ends its own line, and JSON none at all in Nix 2.8.
    else terminal.out(Buffer.from(given.has('--xml') || given.has('--json') ? text : `${text}\n`, 'latin1'))
  }
}

function printDerivations(
  given: FrontArguments,
  result: EvaluationResult,
  { options, isDummy }: FrontStore,
  writes: boolean,
  terminal: Terminal,
): void {
  const link = given.last('--add-root')
  const store = link === undefined || isDummy || !writes ? undefined : openStore(options)
  try {
    result.derivations.forEach((found, index) => {
      const output = found.outputName === 'out' ? '' : `!${found.outputName}`
      if (link === undefined || store === undefined) {
        terminal.out(`${found.drvPath}${output}\n`)
        return
      }
      const name = resolve(index === 0 ? link : `${link}-${index + 1}`)
      store.addPermanentRoot(name, store.parse(found.drvPath))
      terminal.out(`${name}${output}\n`)
    })
  } finally {
    store?.close()
  }
}

/** `builtins.findFile` does what the option does, with all rules of the search path. */
async function findFiles(given: FrontArguments, store: FrontStore, terminal: Terminal): Promise<number> {
  for (const name of given.operands) {
    const text = `toString (builtins.findFile builtins.nixPath ${JSON.stringify(name).replaceAll('${', '\\${')})`
    const result = await evaluate({
      source: { kind: 'expression', text },
      output: 'json',
      store: evaluationStore(store, false),
      searchPath: given.all('--include'),
      settings: await frontLanguage(given),
    })
    terminal.out(`${JSON.parse(result.texts[0] ?? '""')}\n`)
  }
  return 0
}
