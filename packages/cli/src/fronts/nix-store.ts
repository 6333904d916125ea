import { UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Terminal } from '../terminal.ts'
import { createFront } from './front.ts'
import type { FrontArguments } from './front-arguments.ts'
import { openFrontStore } from './open-front-store.ts'
import { expectShortWork } from './short-work.ts'

const operationAliases: Readonly<Record<string, string>> = {
  '-r': '--realise',
  '--realize': '--realise',
  '--optimize': '--optimise',
  '-q': '--query',
  '-l': '--read-log',
  '-R': '--requisites',
  '-u': '--use-output',
  '-f': '--force-realise',
  '-b': '--binding',
  '-d': '--deriver',
}

/** What is asked of a path with `--query`. */
export const queryNames = [
  '--outputs',
  '--requisites',
  '--references',
  '--referrers',
  '--referrers-closure',
  '--deriver',
  '--valid-derivers',
  '--graph',
  '--graphml',
  '--tree',
  '--hash',
  '--size',
  '--roots',
  '--resolve',
] as const

interface Operation {
  readonly load: () => Promise<(request: OperationRequest) => number | Promise<number>>
  /** Nothing is written to the store. */
  readonly reads?: boolean
}

export interface OperationRequest {
  readonly store: Store
  readonly given: FrontArguments
  readonly terminal: Terminal
}

const contents = () => import('./store-contents.ts')
const garbage = () => import('./store-garbage.ts')
const registration = () => import('./store-registration.ts')

const operations: Readonly<Record<string, Operation>> = {
  '--realise': { load: async () => (await import('./store-realise.ts')).realiseOperands },
  '--query': { load: async () => (await import('./store-query.ts')).query, reads: true },
  '--add': { load: async () => (await contents()).add },
  '--add-fixed': { load: async () => (await contents()).addFixed },
  '--print-fixed-path': { load: async () => (await contents()).printFixedPath, reads: true },
  '--dump': { load: async () => (await contents()).dump, reads: true },
  '--restore': { load: async () => (await contents()).restore, reads: true },
  '--export': { load: async () => (await contents()).exportGiven, reads: true },
  '--import': { load: async () => (await contents()).importAll },
  '--read-log': { load: async () => (await contents()).readLogs, reads: true },
  '--print-env': { load: async () => (await contents()).printEnvironment, reads: true },
  '--gc': { load: async () => (await garbage()).gc },
  '--delete': { load: async () => (await garbage()).deletePaths },
  '--verify': { load: async () => (await garbage()).verify },
  '--repair-path': { load: async () => (await garbage()).repairGivenPaths },
  '--optimise': { load: async () => (await garbage()).optimise },
  '--verify-path': { load: async () => (await garbage()).verifyPaths, reads: true },
  '--check-validity': { load: async () => (await registration()).checkValidity, reads: true },
  '--dump-db': { load: async () => (await registration()).dumpDatabase, reads: true },
  '--load-db': { load: async () => (await registration()).loadDatabase },
  '--init': { load: async () => () => 0 },
}

export const main = createFront('nix-store', {
  specification: {
    options: {
      ...Object.fromEntries(Object.keys(operations).map((name) => [name, 0])),
      ...Object.fromEntries(queryNames.map((name) => [name, 0])),
      '--binding': 1,
      '--use-output': 0,
      '--force-realise': 0,
      '--include-outputs': 0,
      '--recursive': 0,
      '--check-contents': 0,
      '--check': 0,
      '--dry-run': 0,
      '--ignore-unknown': 0,
      '--ignore-liveness': 0,
      '--print-roots': 0,
      '--print-live': 0,
      '--print-dead': 0,
      '--print-invalid': 0,
      '--max-freed': 1,
      '--keep-outputs': 0,
      '--no-keep-outputs': 0,
      '--keep-derivations': 0,
      '--no-keep-derivations': 0,
      '--add-root': 1,
      '--indirect': 0,
      '--no-output': 0,
    },
    aliases: operationAliases,
  },
  help: `
usage: nix-store --realise PATH… [--dry-run] [--check] [--add-root LINK]
       nix-store --query [${queryNames.join('|')}|--binding NAME] [--use-output] PATH…
       nix-store --add PATH… | --add-fixed [--recursive] ALGORITHM PATH… | --print-fixed-path ALGORITHM HASH NAME
       nix-store --dump PATH | --restore PATH | --export PATH… | --import
       nix-store --read-log PATH… | --print-env DRV
       nix-store --gc [--print-roots|--print-live|--print-dead] [--max-freed BYTES] | --delete PATH…
       nix-store --verify [--check-contents] [--repair] | --repair-path PATH… | --optimise
       nix-store --verify-path PATH… | --check-validity [--print-invalid] PATH…
       nix-store --dump-db | --load-db | --init`,
  run,
})

async function run(given: FrontArguments, terminal: Terminal): Promise<number> {
  const chosen = given.given.map(([name]) => name).filter((name) => operations[name] !== undefined)
  const [name] = chosen
  if (name === undefined) throw new UserError('USAGE', 'no operation specified')
  if (new Set(chosen).size > 1) throw new UserError('USAGE', 'only one operation may be specified')
  const operation = operations[name]!
  const perform = await operation.load()
  const store = await openFrontStore(given, operation.reads === true && !given.has('--force-realise'))
  try {
    expectShortWork()
    return await perform({ store, given, terminal })
  } finally {
    store.close()
  }
}
