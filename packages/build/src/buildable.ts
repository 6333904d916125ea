import { existsSync } from 'node:fs'
import { type Derivation, formatStorePath, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import { BuildError } from './build-error.ts'
import { isBuiltin } from './builtin/builtin.ts'
import { derivationOptions } from './derivation-options.ts'

/** Refuses a derivation that this machine cannot build, before anything starts. */
export function checkBuildable(store: Store, path: StorePath, derivation: Derivation): void {
  const name = formatStorePath(store.storeDirectory, path)
  if (derivation.system !== 'builtin' && !hostSystems().includes(derivation.system) && !isBuiltin(derivation)) {
    throw new BuildError(
      'WRONG_SYSTEM',
      `'${name}' is to be built on '${derivation.system}', this machine is '${hostSystems()[0]}'`,
      {
        derivation: path,
        hint: 'build it on such a machine and copy the result',
      },
    )
  }
  const missing = (derivationOptions(derivation).words('requiredSystemFeatures') ?? []).filter(
    (feature) => !hasFeature(feature),
  )
  if (missing.length === 0) return
  throw new BuildError('WRONG_SYSTEM', `'${name}' needs a machine with the features ${missing.join(', ')}`, {
    derivation: path,
    hint: 'build it on such a machine and copy the result',
  })
}

function hostSystems(): readonly string[] {
  switch (process.arch) {
    case 'x64':
      return ['x86_64-linux', 'i686-linux']
    case 'arm64':
      return ['aarch64-linux']
    default:
      return [`${process.arch}-${process.platform}`]
  }
}

function hasFeature(feature: string): boolean {
  switch (feature) {
    case 'nixos-test':
    case 'benchmark':
    case 'big-parallel':
      return true
    case 'kvm':
      return existsSync('/dev/kvm')
    default:
      return false
  }
}
