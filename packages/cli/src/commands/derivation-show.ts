import { type Derivation, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

/** Prints what `nix show-derivation` prints, under the full paths of the derivations. */
export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, context.arguments.operands)
  const operands = await findOperands(context, store, context.arguments.operands, 'derivation')
  const derivations = operands.map(({ path }) => derivationOf(store, path))
  const all = context.arguments.flag('recursive')
    ? store.computeClosure(derivations).filter((path) => path.name.endsWith('.drv'))
    : derivations
  const data = Object.fromEntries(all.map((path) => [store.format(path), record(store.readDerivation(path))]))
  return { data, text: JSON.stringify(data, undefined, 2) }
}

/** The derivation itself, or the one that made an output. */
export function derivationOf(store: Store, path: StorePath): StorePath {
  if (path.name.endsWith('.drv')) return path
  const deriver = store.pathInfo(path).deriver
  if (deriver !== undefined) return deriver
  throw new UserError('NO_DERIVER', `it is not known what made '${storePathBaseName(path)}'`, {
    hint: 'it was added or copied, not built here; give its derivation',
  })
}

function record(derivation: Derivation): unknown {
  const text = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
  return {
    outputs: Object.fromEntries(
      [...derivation.outputs].map(([name, output]) => [
        name,
        { path: output.path, ...(output.hashAlgo === '' ? {} : { hashAlgo: output.hashAlgo, hash: output.hash }) },
      ]),
    ),
    inputSrcs: derivation.inputSources,
    inputDrvs: Object.fromEntries(derivation.inputDerivations),
    system: text(derivation.system),
    builder: text(derivation.builder),
    args: derivation.args.map(text),
    env: Object.fromEntries([...derivation.env].map(([name, value]) => [text(name), text(value)])),
  }
}
