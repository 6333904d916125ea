import { resolve } from 'node:path'
import type { FoundDerivation } from '@baryon/evaluation'
import { openStore, type Store } from '@baryon/store'
import type { Terminal } from '../terminal.ts'
import { followToOutputs } from './follow-path.ts'
import { createFront } from './front.ts'
import type { FrontArguments } from './front-arguments.ts'
import { evaluateFront, evaluationFrontOptions, frontSources } from './front-evaluation.ts'
import { frontRealise, printPlan } from './front-realise.ts'
import { evaluationStore, frontStore } from './front-store.ts'

export const main = createFront('nix-build', {
  specification: {
    options: {
      ...evaluationFrontOptions.options,
      '--out-link': 1,
      '--no-out-link': 0,
      '--check': 0,
      '--add-drv-link': 0,
      '--drv-link': 1,
    },
    aliases: { ...evaluationFrontOptions.aliases, '-o': '--out-link', '--no-link': '--no-out-link' },
  },
  help: `
usage: nix-build [-A ATTR]… [-o LINK|--no-out-link] [--dry-run] [--check] [-K] [-k] [-j N] [--cores N] [--arg NAME EXPR]
                 [--argstr NAME TEXT] [-I PATH] [-E EXPRESSION… | FILE… | DERIVATION…]`,
  run,
})

async function run(given: FrontArguments, terminal: Terminal): Promise<number> {
  const selected = await frontStore(given)
  const store = openStore(selected.options)
  try {
    const found: Pick<FoundDerivation, 'drvPath' | 'outputName' | 'outputs'>[] = []
    for (const source of frontSources(given, './default.nix')) {
      if (source.kind === 'file' && /\.drv(![^/]*)?$/.test(source.path)) {
        found.push(instantiated(store, source.path))
        continue
      }
      const result = await evaluateFront(given, terminal, source, evaluationStore(selected, true), {
        output: 'derivations',
      })
      found.push(...result.derivations)
    }
    const targets = found.map((one) => ({ derivation: store.parse(one.drvPath), outputs: [one.outputName] }))
    if (given.has('--dry-run')) {
      await printPlan(given, store, targets, terminal)
      return 0
    }
    const report = await frontRealise(given, store, targets, terminal, { check: given.has('--check') })
    const numbers = new Map<string, number>()
    for (const one of found) {
      // Outputs of one derivation share a number.
      const index = numbers.get(one.drvPath) ?? numbers.size
      numbers.set(one.drvPath, index)
      const path =
        one.outputs[one.outputName] ??
        store.format(report.outputs.get(one.drvPath.slice(one.drvPath.lastIndexOf('/') + 1))!.get(one.outputName)!)
      if (!given.has('--no-out-link')) {
        const base = given.last('--out-link') ?? 'result'
        const link = `${base}${index > 0 ? `-${index + 1}` : ''}${one.outputName === 'out' ? '' : `-${one.outputName}`}`
        store.addPermanentRoot(resolve(link), store.parse(path))
      }
      terminal.out(`${path}\n`)
    }
    return 0
  } finally {
    store.close()
  }
}

/** The output that `DERIVATION!OUTPUT` names. */
function instantiated(store: Store, operand: string): Pick<FoundDerivation, 'drvPath' | 'outputName' | 'outputs'> {
  const { path, outputs: named } = followToOutputs(store, operand)
  const derivation = store.readDerivation(path)
  const outputs = Object.fromEntries(Array.from(derivation.outputs, ([name, output]) => [name, output.path]))
  return { drvPath: store.format(path), outputName: named?.[0] ?? 'out', outputs }
}
