import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, renameSync } from 'node:fs'
import {
  createHasher,
  encodeNix32,
  fixedOutput,
  fixedOutputHash,
  formatContentAddress,
  formatHash,
  type Hash,
  hashesEqual,
  type StorePath,
  UserError,
} from '@baryon/format'
import {
  canonicaliseTree,
  hashPath,
  type PathInfo,
  readFlatFile,
  removeTree,
  type Store,
  scanForReferences,
} from '@baryon/store'
import { derivationOptions } from './derivation-options.ts'
import { checkOutputs, type OutputFacts, orderOutputs } from './output-check.ts'

export interface OutputsRequest {
  readonly derivation: StorePath
  readonly outputs: readonly { readonly name: string; readonly path: StorePath; readonly location: string }[]
  /** What they may refer to: the closure of the inputs. */
  readonly candidates: readonly StorePath[]
  /** Made by a part of Baryon that links files of the store; what builders link is copied. */
  readonly linkedFromStore: boolean
}

/** Seconds. */
export interface RegisterTimes {
  readonly scan: number
  readonly register: number
}

export interface InspectedOutput {
  readonly name: string
  readonly hash: Hash
}

/**
 * Takes what a builder made into the store: fixed hash, file types, canonical metadata, references and what the derivation
 * says of them; all outputs are registered at once or none.
 */
export function registerOutputs(store: Store, request: OutputsRequest): RegisterTimes {
  const { derivation, outputs, candidates, linkedFromStore } = request
  const begin = performance.now()
  const content = store.readDerivation(derivation)
  const fixed = fixedOutput(content)
  const options = derivationOptions(content)
  if (fixed !== undefined) for (const output of outputs) checkFixedHash(output.location, fixedOutputHash(fixed))
  const contentAddress = fixed === undefined ? undefined : formatContentAddress(fixedOutputHash(fixed))
  // When only some outputs had been lost, the others stay as they are.
  const missing = outputs.filter(({ path }) => !store.isValid(path))
  const asides: string[] = []
  let checked = begin
  try {
    const located = missing.map(({ path, location }) => {
      const aside = location === store.physicalPath(path) ? location : moveIntoStore(store, location, linkedFromStore)
      if (aside !== location) asides.push(aside)
      return { path, location: aside, ...(contentAddress === undefined ? {} : { contentAddress }) }
    })
    store.registerOutputs(located, {
      candidates,
      linkedFromStore,
      deriver: derivation,
      check: (infos) => {
        const facts = infos.map((info, index) => factsOf(missing[index]!.name, located[index]!.location, info))
        if (fixed !== undefined) refuseReferences(store, facts)
        checkOutputs(store, options, facts)
        orderOutputs(store.storeDirectory, facts)
        checked = performance.now()
      },
    })
  } finally {
    for (const aside of asides) removeTree(aside)
  }
  return { scan: (checked - begin) / 1000, register: (performance.now() - checked) / 1000 }
}

/** What `registerOutputs` would find, for a comparison with what is registered. */
export function inspectOutputs(store: Store, request: OutputsRequest): InspectedOutput[] {
  const { derivation, outputs, candidates, linkedFromStore } = request
  const fixed = fixedOutput(store.readDerivation(derivation))
  const digests = [...candidates, ...outputs.map(({ path }) => path)].map(({ digest }) => digest)
  return outputs.map(({ name, location }) => {
    if (fixed !== undefined) checkFixedHash(location, fixedOutputHash(fixed))
    canonicaliseTree(location, { linkedFromStore })
    return { name, hash: scanForReferences(location, digests).hash }
  })
}

function factsOf(name: string, location: string, { path, references, narSize }: PathInfo): OutputFacts {
  return { name, path, references, narSize, location }
}

/**
 * Moves a tree beside the store paths, under a name that collectors know as temporary. The work directory is ours alone, the
 * store can be read by all: a file that a builder left open to others must be closed before, or whoever opens it on the way
 * could write to it after it was registered. Only the top stays writable (to us), which a move to another parent needs.
 */
function moveIntoStore(store: Store, location: string, linkedFromStore: boolean): string {
  const digest = encodeNix32(randomBytes(20))
  store.addTempRoot({ digest, name: 'baryon-tmp' })
  const aside = `${store.physicalDirectory}/${digest}-baryon-tmp`
  canonicaliseTree(location, { linkedFromStore })
  if (lstatSync(location).isDirectory()) chmodSync(location, 0o700)
  renameSync(location, aside)
  return aside
}

function checkFixedHash(location: string, { method, hash }: ReturnType<typeof fixedOutputHash>): void {
  if (method === 'flat') {
    const stat = lstatSync(location)
    if (!stat.isFile() || (stat.mode & 0o111) !== 0) {
      throw new UserError(
        'OUTPUT_NOT_FLAT',
        `the output is ${stat.isFile() ? 'executable' : 'not a regular file'}, but its hash is one of a plain file`,
        {
          hint: 'say outputHashMode = "recursive" when the output is a directory or executable',
        },
      )
    }
  } else {
    canonicaliseTree(location)
  }
  const got = method === 'flat' ? flatHash(location, hash) : hashPath(location, hash.algorithm).hash
  if (hashesEqual(hash, got)) return
  throw new UserError(
    'HASH_MISMATCH',
    `hash mismatch:\n  specified: ${formatHash(hash, 'sri')}\n  got:       ${formatHash(got, 'sri')}`,
    {
      hint: 'if the source is to be what it is now, write the second hash into the recipe; if it changed against your will, find out why first',
    },
  )
}

function flatHash(location: string, { algorithm }: Hash): Hash {
  const hasher = createHasher(algorithm)
  readFlatFile(location, (chunk) => hasher.update(chunk))
  return hasher.digest()
}

function refuseReferences(store: Store, outputs: readonly OutputFacts[]): void {
  const reference = outputs[0]?.references[0]
  if (reference === undefined) return
  throw new UserError(
    'OUTPUT_REFERENCES',
    `an output with a fixed hash may not refer to '${store.format(reference)}'`,
    {
      hint: 'remove the store path from the fetched tree: it would be different elsewhere',
    },
  )
}
