/** `nix-store --realise`. */
import { resolve } from 'node:path'
import type { RealiseTarget } from '@baryon/build'
import { compareStorePaths, isDerivationPath, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import { followToOutputs } from './follow-path.ts'
import { frontRealise, printPlan } from './front-realise.ts'
import type { OperationRequest } from './nix-store.ts'

export async function realiseOperands(request: OperationRequest): Promise<number> {
  const { store, given, terminal } = request
  const targets = targetsOf(request, given.operands)
  if (given.has('--dry-run')) {
    await printPlan(given, store, targets, terminal)
    return 0
  }
  await frontRealise(given, store, targets, terminal, { check: given.has('--check') })
  const link = given.last('--add-root')
  targets.forEach((target, index) => {
    const outputs = [...outputsOf(store, target)].sort(([, a], [, b]) => compareStorePaths(a, b))
    const lines = outputs.map(([name, path]) => {
      if (link === undefined) return store.format(path)
      const number = index === 0 ? '' : `-${index + 1}`
      const place = resolve(`${link}${number}${name === 'out' ? '' : `-${name}`}`)
      store.addPermanentRoot(place, path)
      return place
    })
    if (!given.has('--no-output')) terminal.out(lines.map((line) => `${line}\n`).join(''))
  })
  return 0
}

/** Makes the operands valid, and prints nothing. */
export async function realisePaths(request: OperationRequest, operands: readonly string[]): Promise<void> {
  await frontRealise(request.given, request.store, targetsOf(request, operands), request.terminal)
}

function targetsOf({ store, given }: OperationRequest, operands: readonly string[]): RealiseTarget[] {
  const targets = operands.map((text): RealiseTarget => {
    const { path, outputs } = followToOutputs(store, text)
    return isDerivationPath(path) ? { derivation: path, outputs: outputs ?? 'all' } : { path }
  })
  if (!given.has('--ignore-unknown')) return targets
  return targets.filter((target) => store.isValid('path' in target ? target.path : target.derivation))
}

function outputsOf(store: Store, target: RealiseTarget): ReadonlyMap<string, StorePath> {
  if ('path' in target) return new Map([['out', target.path]])
  const all = store.queryDerivationOutputs(target.derivation)
  const { outputs } = target
  return outputs === 'all' ? all : new Map([...all].filter(([name]) => outputs.includes(name)))
}
