/** `nix-store --query`. */
import {
  compareStorePaths,
  formatHash,
  isDerivationPath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { allRoots, type Store } from '@baryon/store'
import { drawReferenceTree } from '../reference-tree.ts'
import { describeRoot, keepOptions } from './collect-options.ts'
import { followToStorePath } from './follow-path.ts'
import { type OperationRequest, queryNames } from './nix-store.ts'
import { dotGraph, graphMl } from './reference-graph.ts'
import { referencesFirst } from './reference-order.ts'

export async function query(request: OperationRequest): Promise<number> {
  const { store, given, terminal } = request
  const asked: string[] = [...queryNames, '--binding'].filter((name) => given.has(name))
  const [kind] = asked
  if (kind === undefined || asked.length > 1) {
    throw new UserError(
      'USAGE',
      kind === undefined ? 'no query was specified' : `query type '${asked[1]}' conflicts with earlier flag`,
    )
  }
  if (given.has('--force-realise')) {
    const { realisePaths } = await import('./store-realise.ts')
    await realisePaths(request, given.operands)
  }
  const operands = given.operands.map((text) => followToStorePath(store, text))
  const lines = answer(request, kind, operands)
  terminal.out(Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'))
  return 0
}

function answer(request: OperationRequest, kind: string, operands: readonly StorePath[]): string[] {
  const { store, given } = request
  const meant = (): StorePath[] => operands.flatMap((path) => meantPaths(request, path))
  const each = (paths: readonly StorePath[]): string[] => paths.map((path) => store.format(path))
  switch (kind) {
    case '--outputs':
      return operands.flatMap((path) => each(outputsOf(store, path)))
    case '--references':
      return each(
        referencesFirst(
          store,
          meant().flatMap((path) => store.pathInfo(path).references),
        ),
      )
    case '--referrers':
      return each(
        referencesFirst(
          store,
          meant().flatMap((path) => store.queryReferrers(path)),
        ),
      )
    case '--requisites':
      return each(
        referencesFirst(store, store.computeClosure(meant(), { includeOutputs: given.has('--include-outputs') })),
      )
    case '--referrers-closure':
      return each(referencesFirst(store, store.computeClosure(meant(), { direction: 'referrers' })))
    case '--deriver':
      return operands.map((path) => {
        const { deriver } = store.pathInfo(path)
        return deriver === undefined ? 'unknown-deriver' : store.format(deriver)
      })
    case '--valid-derivers':
      return each(
        referencesFirst(
          store,
          operands.flatMap((path) => store.queryValidDerivers(path)),
        ),
      )
    case '--hash':
      return meant().map((path) => formatHash(store.pathInfo(path).narHash, 'nix32'))
    case '--size':
      return meant().map((path) => String(store.pathInfo(path).narSize))
    case '--roots':
      return roots(request, meant())
    case '--tree':
      return trees(store, operands)
    case '--graph':
      return dotGraph(store, meant())
    case '--graphml':
      return graphMl(store, meant())
    case '--resolve':
      return each(operands)
    default:
      return operands.map((path) => binding(store, path, given.last('--binding')!))
  }
}

/** With `--use-output`, the outputs of a derivation instead of itself. */
function meantPaths({ store, given }: OperationRequest, path: StorePath): StorePath[] {
  const outputs = given.has('--use-output') || given.has('--force-realise')
  return outputs && isDerivationPath(path) ? outputsOf(store, path) : [path]
}

/** Of anything but a derivation, itself. */
function outputsOf(store: Store, path: StorePath): StorePath[] {
  if (!isDerivationPath(path)) return [path]
  return [...store.queryDerivationOutputs(path).values()].sort(compareStorePaths)
}

function binding(store: Store, path: StorePath, name: string): string {
  const derivation = isDerivationPath(path) ? path : store.pathInfo(path).deriver
  if (derivation === undefined)
    throw new UserError('NO_DERIVER', `deriver of path '${store.format(path)}' is not known`)
  const value = store.readDerivation(derivation).env.get(Buffer.from(name).toString('latin1'))
  if (value !== undefined) return value
  throw new UserError(
    'NO_BINDING',
    `derivation '${store.format(derivation)}' has no environment binding named '${name}'`,
  )
}

function roots({ store, given }: OperationRequest, paths: readonly StorePath[]): string[] {
  const { keepOutputs: includeOutputs, keepDerivations: includeDerivers } = keepOptions(given)
  const users = new Set(
    store.computeClosure(paths, { direction: 'referrers', includeOutputs, includeDerivers }).map(storePathBaseName),
  )
  const lines = allRoots(store)
    .roots.filter((root) => users.has(storePathBaseName(root.path)))
    .map((root) => Buffer.from(describeRoot(store, root)).toString('latin1'))
  return [...new Set(lines)].sort()
}

/** What one tree shows the next ones do not show again. */
function trees(store: Store, tops: readonly StorePath[]): string[] {
  const done = new Set<string>()
  const children = (path: StorePath) => referencesFirst(store, store.pathInfo(path).references)
  const lines = tops.flatMap((top) => drawReferenceTree(store, top, children, done))
  return lines.map((line) => Buffer.from(line).toString('latin1'))
}
