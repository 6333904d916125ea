import { type StorePath, storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

interface Step {
  readonly from: string
  readonly to: string
  /** Files of `from` that hold the reference, with the offset in bytes; empty when the path was never scanned here. */
  readonly places: readonly { readonly file: string; readonly kind: string; readonly offset: number }[]
}

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const [what = '', dependency = ''] = given.operands
  const store = await openStoreFor(context, given.operands)
  const [top] = await findOperands(context, store, [what])
  if (top === undefined) throw new UserError('NOT_A_STORE_PATH', `'${what}' is no single package`)
  const closure = store.computeClosure([top.path])
  const target = await findDependency(context, store, closure, dependency)
  const chains = given.flag('all')
    ? allChains(store, closure, top.path, target)
    : [shortestChain(store, top.path, target)]
  const found = chains
    .filter((chain) => chain !== undefined)
    .map((chain) => chain.slice(1).map((to, index) => step(store, chain[index]!, to)))
  if (found.length === 0) {
    return {
      data: { dependsOn: false, chains: [] },
      text: `${store.format(top.path)} does not depend on ${store.format(target)}`,
      status: 1,
    }
  }
  return { data: { dependsOn: true, chains: found }, text: found.map(draw).join('\n\n') }
}

/** By path, or by the name that a member of the closure has. */
async function findDependency(
  context: Context,
  store: Store,
  closure: readonly StorePath[],
  word: string,
): Promise<StorePath> {
  const named = closure.filter((path) => path.name === word || path.name.startsWith(`${word}-`))
  if (named.length > 0) return named[0]!
  const [operand] = await findOperands(context, store, [word])
  if (operand === undefined) throw new UserError('NOT_A_STORE_PATH', `'${word}' is no single package`)
  return operand.path
}

function shortestChain(store: Store, from: StorePath, to: StorePath): StorePath[] | undefined {
  const previous = new Map<string, StorePath | undefined>([[storePathBaseName(from), undefined]])
  const queue = [from]
  for (const path of queue) {
    if (storePathBaseName(path) === storePathBaseName(to)) {
      const chain: StorePath[] = []
      for (let at: StorePath | undefined = path; at !== undefined; at = previous.get(storePathBaseName(at)))
        chain.unshift(at)
      return chain
    }
    for (const next of store.pathInfo(path).references) {
      const name = storePathBaseName(next)
      if (previous.has(name)) continue
      previous.set(name, path)
      queue.push(next)
    }
  }
  return undefined
}

/** One shortest chain through each path of the closure that refers to the target directly. */
function allChains(
  store: Store,
  closure: readonly StorePath[],
  from: StorePath,
  to: StorePath,
): (StorePath[] | undefined)[] {
  const name = storePathBaseName(to)
  return closure
    .filter((path) => storePathBaseName(path) !== name)
    .filter((path) => store.pathInfo(path).references.some((reference) => storePathBaseName(reference) === name))
    .map((path) => {
      const chain = shortestChain(store, from, path)
      return chain === undefined ? undefined : [...chain, to]
    })
}

function step(store: Store, from: StorePath, to: StorePath): Step {
  const positions = store.referencePositions(from) ?? []
  return {
    from: store.format(from),
    to: store.format(to),
    places: positions.flatMap((item) =>
      item.places
        .filter((place) => place.digest === to.digest)
        .map((place) => ({ file: Buffer.from(item.path, 'latin1').toString(), kind: item.kind, offset: place.offset })),
    ),
  }
}

function draw(chain: readonly Step[]): string {
  const lines = [chain[0]!.from]
  for (const [depth, { to, places }] of chain.entries()) {
    const indent = '    '.repeat(depth)
    const shown = places.slice(0, 3).map(({ file, offset }) => `${file || '.'}:${offset}`)
    const more = places.length > 3 ? `, and ${places.length - 3} more` : ''
    lines.push(`${indent}└───${to}${shown.length > 0 ? `  (${shown.join(', ')}${more})` : ''}`)
  }
  return lines.join('\n')
}
