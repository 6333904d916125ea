import type { Builtin } from '../function.ts'
import { attributeSetBuiltins } from './attribute-sets.ts'
import { contextBuiltins, newerContextBuiltins } from './contexts.ts'
import { controlBuiltins, newerControlBuiltins } from './control.ts'
import { derivationBuiltins } from './derivations.ts'
import { fetcherBuiltins } from './fetchers.ts'
import { fileBuiltins, newerFileBuiltins } from './files.ts'
import { newerFlakeBuiltins } from './flakes.ts'
import { newerHashBuiltins } from './hashes.ts'
import { listBuiltins } from './lists.ts'
import { numberBuiltins } from './numbers.ts'
import { serialisationBuiltins } from './serialisation.ts'
import { storeFileBuiltins } from './store-files.ts'
import { stringBuiltins } from './strings.ts'
import { systemBuiltins } from './system.ts'
import { typeBuiltins } from './types.ts'

/** Every builtin of Nix 2.8 that does not come with the core. */
export const allBuiltins: readonly Builtin[] = [
  ...attributeSetBuiltins,
  ...contextBuiltins,
  ...controlBuiltins,
  ...derivationBuiltins,
  ...fetcherBuiltins,
  ...fileBuiltins,
  ...listBuiltins,
  ...numberBuiltins,
  ...serialisationBuiltins,
  ...storeFileBuiltins,
  ...stringBuiltins,
  ...systemBuiltins,
  ...typeBuiltins,
]

/** What came after 2.8, for `newerFeatures`. */
export const newerBuiltins: readonly Builtin[] = [
  ...newerContextBuiltins,
  ...newerControlBuiltins,
  ...newerFileBuiltins,
  ...newerFlakeBuiltins,
  ...newerHashBuiltins,
]
