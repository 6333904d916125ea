import { type Derivation, fixedOutput, fixedOutputHash, type StorePath, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { TimeBreakdown } from '../build-event.ts'
import type { DerivationOptions } from '../derivation-options.ts'
import type { WorkerPool } from '../worker/pool.ts'
import { fetchDebOutput, fetchUrlOutput } from './fetch-output.ts'
import { parseLines, parseLinks } from './unpack-tree.ts'

/** A builder that is a part of Baryon: it runs in this process and needs no sandbox. */
export interface BuiltinRequest {
  readonly store: Store
  readonly derivation: Derivation
  readonly options: DerivationOptions
  /** Where to make each output, by name. */
  readonly outputs: ReadonlyMap<string, string>
  /** The closure of the inputs, by digest. */
  readonly inputs: ReadonlyMap<string, StorePath>
  readonly temporaryDirectory: string
  readonly offline: boolean
  readonly pool: WorkerPool
  readonly breakdown: TimeBreakdown
  readonly signal: AbortSignal
  readonly onProgress: (bytes: number, total: number | undefined) => void
}

export function isBuiltin(derivation: Derivation): boolean {
  return derivation.builder.startsWith('builtin:')
}

/** Makes the outputs. Gives the URL that they came from, if they were fetched. */
export async function runBuiltin(request: BuiltinRequest): Promise<string | undefined> {
  const { derivation } = request
  switch (derivation.builder) {
    case 'builtin:fetchurl':
      return fetchUrlOutput(request, ...fixedOf(request))
    case 'builtin:fetch-deb':
      return fetchDebOutput(request, ...fixedOf(request))
    case 'builtin:unpack-tree':
      return unpackTreeOutput(request)
    default:
      throw new UserError('BUILTIN_UNKNOWN', `there is no builder '${derivation.builder}'`, {
        hint: 'known are builtin:fetchurl, builtin:fetch-deb and builtin:unpack-tree',
      })
  }
}

/** Where to make the one output, and its hash. */
function fixedOf({ derivation, outputs }: BuiltinRequest): [string, ReturnType<typeof fixedOutputHash>] {
  const fixed = fixedOutput(derivation)
  if (fixed === undefined) {
    throw new UserError('DERIVATION_INVALID', `'${derivation.builder}' needs an output whose hash is given`, {
      hint: 'say outputHash and outputHashMode',
    })
  }
  return [outputs.get('out')!, fixedOutputHash(fixed)]
}

async function unpackTreeOutput({
  store,
  options,
  outputs,
  inputs,
  pool,
  breakdown,
  signal,
}: BuiltinRequest): Promise<undefined> {
  const destination = outputs.get('out')
  if (destination === undefined || outputs.size !== 1) {
    throw new UserError('DERIVATION_INVALID', 'builtin:unpack-tree makes one output, out')
  }
  const archives = (options.words('archives') ?? []).map((text) => {
    const path = store.parse(text)
    if (inputs.has(path.digest)) return store.physicalPath(path)
    throw new UserError('DERIVATION_INVALID', `archive '${text}' is not an input of the derivation`, {
      hint: 'name it with its string context',
    })
  })
  const text = (name: string) =>
    options.structured === undefined ? (options.text(name) ?? '') : (options.words(name) ?? []).join('\n')
  breakdown.unpack += await pool.run(
    'unpackTree',
    { archives, destination, remove: parseLines(text('remove')), links: parseLinks(text('links')) },
    signal,
  )
  return undefined
}
