import type { Derivation, StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { derivationOf } from './derivation-show.ts'

interface Difference {
  /** From the top: names of the inputs that were followed. */
  readonly at: readonly string[]
  readonly what: string
  readonly first: string | undefined
  readonly second: string | undefined
}

/** Says where two derivations differ, and follows pairs of inputs of one name down to what really differs. */
export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const platforms = given.values('platform')
  const operands = given.operands.length === 1 ? [given.operands[0]!, given.operands[0]!] : given.operands
  if (given.operands.length === 1 && platforms.length !== 2) {
    throw new UsageError('one attribute needs two platforms to differ: --platform TAG --platform TAG')
  }
  const store = await openStoreFor(context, operands, true)
  const found = await findOperands(context, store, operands, 'derivation', [platforms[0], platforms[1] ?? platforms[0]])
  const [first, second] = found.map(({ path }) => derivationOf(store, path))
  if (first === undefined || second === undefined || found.length !== 2)
    throw new UsageError('each operand must be one derivation')
  const differences = compare(store, first, second)
  return {
    data: { equal: differences.length === 0, first: store.format(first), second: store.format(second), differences },
    text: differences.map(draw).join('\n'),
    status: differences.length === 0 ? 0 : 1,
  }
}

function compare(store: Store, first: StorePath, second: StorePath): Difference[] {
  const seen = new Set<string>()
  const differences: Difference[] = []
  const visit = (a: StorePath, b: StorePath, at: readonly string[]): void => {
    const key = `${a.digest} ${b.digest}`
    if (a.digest === b.digest || seen.has(key)) return
    seen.add(key)
    const [left, right] = [store.readDerivation(a), store.readDerivation(b)]
    const note = (what: string, x: string | undefined, y: string | undefined): void => {
      if (x !== y) differences.push({ at, what, first: x, second: y })
    }
    note('system', left.system, right.system)
    note('builder', left.builder, right.builder)
    note('arguments', left.args.join(' '), right.args.join(' '))
    note('outputs', [...left.outputs.keys()].join(' '), [...right.outputs.keys()].join(' '))
    const [namesOfLeft, namesOfRight] = [inputsByName(store, left), inputsByName(store, right)]
    for (const name of new Set([...namesOfLeft.keys(), ...namesOfRight.keys()])) {
      const [x, y] = [namesOfLeft.get(name), namesOfRight.get(name)]
      if (x !== undefined && y !== undefined) visit(x, y, [...at, name])
      else note(`input ${name}`, x && store.format(x), y && store.format(y))
    }
    for (const name of new Set([...left.env.keys(), ...right.env.keys()])) {
      if (left.outputs.has(name)) continue
      const [x, y] = [left.env.get(name), right.env.get(name)]
      // Digests differ below everything that differs; that was said where it begins.
      if (x !== undefined && y !== undefined && withoutDigests(x) === withoutDigests(y)) continue
      note(name, x, y)
    }
  }
  visit(first, second, [])
  return differences
}

/** The inputs that both sides can have in common, by name; of several with one name the first. */
function inputsByName(store: Store, derivation: Derivation): Map<string, StorePath> {
  const inputs = new Map<string, StorePath>()
  for (const text of derivation.inputDerivations.keys()) {
    const path = store.parse(text)
    if (!inputs.has(path.name)) inputs.set(path.name, path)
  }
  return inputs
}

function withoutDigests(text: string): string {
  return text.replace(/[0-9a-df-np-sv-z]{32}-/g, '')
}

function draw({ at, what, first, second }: Difference): string {
  const line = (sign: string, text: string | undefined): string[] =>
    text === undefined ? [] : [`  ${sign} ${text.length > 300 ? `${text.slice(0, 300)}…` : text}`]
  const place = [...at.map((name) => name.replace(/\.drv$/, '')), what].join(' › ')
  return [place, ...line('-', first), ...line('+', second)].join('\n')
}
