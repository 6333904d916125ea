import type { StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

interface Node {
  readonly derivation: string
  readonly name: string
  readonly inputs: readonly string[]
}

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const store = await openStoreFor(context, given.operands, true)
  const tops = (await findOperands(context, store, given.operands, 'derivation')).map(({ path }) => path)
  const nodes = given.flag('all')
    ? collect(store, tops, () => true)
    : collect(store, tops, (path) => isPackage(store, path))
  return {
    data: { nodes },
    text: given.flag('dot')
      ? dot(nodes)
      : outline(
          nodes,
          tops.map((path) => store.format(path)),
        ),
  }
}

function collect(store: Store, tops: readonly StorePath[], keep: (path: StorePath) => boolean): Node[] {
  const nodes = new Map<string, Node>()
  const queue = [...tops]
  for (const path of queue) {
    const derivation = store.format(path)
    if (nodes.has(derivation)) continue
    const inputs = [...store.readDerivation(path).inputDerivations.keys()].map((text) => store.parse(text)).filter(keep)
    nodes.set(derivation, {
      derivation,
      name: path.name.replace(/\.drv$/, ''),
      inputs: inputs.map((input) => store.format(input)),
    })
    queue.push(...inputs)
  }
  return [...nodes.values()]
}

/** What a recipe made with the standard environment: it has a version, and is neither source, tool nor toolchain. */
function isPackage(store: Store, path: StorePath): boolean {
  const { env } = store.readDerivation(path)
  return env.has('pname') && env.has('stdenv')
}

function dot(nodes: readonly Node[]): string {
  const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
  return [
    'digraph stack {',
    '  rankdir = LR; node [shape = box, fontname = "sans-serif"];',
    ...nodes.map((node) => `  ${quote(node.derivation)} [label = ${quote(node.name)}];`),
    ...nodes.flatMap((node) => node.inputs.map((input) => `  ${quote(node.derivation)} -> ${quote(input)};`)),
    '}',
  ].join('\n')
}

function outline(nodes: readonly Node[], tops: readonly string[]): string {
  const byDerivation = new Map(nodes.map((node) => [node.derivation, node]))
  const seen = new Set<string>()
  const lines: string[] = []
  const visit = (derivation: string, depth: number): void => {
    const node = byDerivation.get(derivation)
    if (node === undefined) return
    const known = seen.has(derivation) && node.inputs.length > 0
    seen.add(derivation)
    lines.push(`${'  '.repeat(depth)}${node.name}${known ? ' …' : ''}`)
    if (!known) for (const input of node.inputs) visit(input, depth + 1)
  }
  for (const top of tops) visit(top, 0)
  return lines.join('\n')
}
