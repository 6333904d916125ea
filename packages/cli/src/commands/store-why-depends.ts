import { type StorePath, UserError } from '@baryon/format'
import { locateReferences, type Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { allEdges, type DependencyEdge, shortestChain } from '../dependency-edges.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

interface Step {
  readonly from: string
  readonly to: string
  /** Where `from` holds the reference: offsets are of the first digit of the hash, in bytes. */
  readonly places: readonly { readonly file: string; readonly kind: string; readonly offset: number }[]
}

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const [what = '', dependency = ''] = given.operands
  const store = await openStoreFor(context, given.operands)
  try {
    const [top] = await findOperands(context, store, [what])
    if (top === undefined) throw new UserError('NOT_A_STORE_PATH', `'${what}' is no single package`)
    const target = await findDependency(context, store, store.computeClosure([top.path]), dependency)
    const edges = (given.flag('all') ? allEdges : shortestChain)(store, top.path, target)
    const ends = { path: store.format(top.path), dependency: store.format(target) }
    if (edges.length === 0) {
      return {
        data: { ...ends, dependsOn: false, edges: [] },
        text: `${ends.path} does not depend on ${ends.dependency}`,
        status: 1,
      }
    }
    const steps = edges.map((edge) => describe(store, edge))
    return { data: { ...ends, dependsOn: true, edges: steps }, text: draw(ends.path, steps).join('\n') }
  } finally {
    store.close()
  }
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

function describe(store: Store, { from, to }: DependencyEdge): Step {
  const places = locateReferences(store, from).flatMap((item) =>
    item.places
      .filter((place) => place.digest === to.digest)
      .map((place) => ({ file: Buffer.from(item.path, 'latin1').toString(), kind: item.kind, offset: place.offset })),
  )
  return { from: store.format(from), to: store.format(to), places }
}

/** A tree in which each path is followed once. */
function draw(top: string, steps: readonly Step[]): string[] {
  const bySource = Map.groupBy(steps, (step) => step.from)
  const lines = [top]
  const done = new Set([top])
  const stack: { readonly step: Step; readonly first: string; readonly rest: string }[] = []
  const push = (from: string, rest: string) => {
    const children = bySource.get(from) ?? []
    for (const [index, step] of [...children].reverse().entries()) {
      stack.push({ step, first: rest + (index === 0 ? '└───' : '├───'), rest: rest + (index === 0 ? '    ' : '│   ') })
    }
  }
  push(top, '')
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { step, first, rest } = node
    const again = done.has(step.to) && bySource.has(step.to)
    lines.push(`${first}${step.to}${shownPlaces(step)}${again ? ' [...]' : ''}`)
    if (again) continue
    done.add(step.to)
    push(step.to, rest)
  }
  return lines
}

function shownPlaces({ places }: Step): string {
  if (places.length === 0) return ''
  const shown = places.slice(0, 3).map(({ file, kind, offset }) => {
    const name = file || '.'
    return kind === 'name' ? `${name} (its name)` : `${name}:${offset}`
  })
  return `  (${shown.join(', ')}${places.length > 3 ? `, and ${places.length - 3} more` : ''})`
}
