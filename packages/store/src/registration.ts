/**
 * Entering paths into the database: all of a group or none, with every reference valid, and no cycle between paths.
 */
import {
  contentAddressedPath,
  createDerivationHasher,
  type Derivation,
  type DerivationHash,
  fillOutputPaths,
  formatHash,
  formatStorePath,
  isDerivationPath,
  parseContentAddress,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { topologicalOrder } from './closure.ts'
import type { NewPathRow, StoreDatabase } from './database.ts'
import type { NewPathInfo } from './path-info.ts'

export interface Registration {
  readonly database: StoreDatabase
  readonly storeDirectory: string
  /** Reads a derivation of the store from disk, be it valid yet or not; `location` is where it is for now. */
  readonly readDerivation: (path: StorePath, location?: string) => Derivation
  /** Hashes of derivations met so far, by full path. */
  readonly derivationHashes: Map<string, DerivationHash>
}

export interface NewPath extends NewPathInfo {
  /** Contents of a derivation that we made ourselves: neither read again nor checked. */
  readonly derivation?: Derivation | undefined
  /** Where the file is as long as it is not in its final place. */
  readonly location?: string
}

/** Must run inside a transaction of the database. Paths that are valid already get the new hash, size and signatures, as in Nix. */
export function registerPaths(registration: Registration, infos: readonly NewPath[]): void {
  const { database, storeDirectory } = registration
  const ids = new Map<string, number>()
  const fresh: NewPath[] = []
  for (const info of infos) {
    checkContentAddress(storeDirectory, info)
    const row = toRow(storeDirectory, info)
    const existing = database.id(row.path)
    if (existing === undefined) fresh.push(info)
    else database.updatePath(row)
    ids.set(storePathBaseName(info.path), existing ?? database.insertPath(row))
  }
  for (const info of infos) {
    const referrer = ids.get(storePathBaseName(info.path))!
    for (const reference of info.references) {
      const name = storePathBaseName(reference)
      const id = ids.get(name) ?? database.id(formatStorePath(storeDirectory, reference))
      if (id === undefined) {
        throw new UserError(
          'REFERENCE_INVALID',
          `'${storePathBaseName(info.path)}' refers to '${name}', which is not a valid path of the store`,
          {
            hint: 'register or copy the references first',
          },
        )
      }
      database.insertReference(referrer, id)
    }
  }
  for (const info of fresh) registerOutputsOf(registration, info, ids.get(storePathBaseName(info.path))!)
  topologicalOrder(infos, (info) => info.references)
}

function registerOutputsOf(registration: Registration, info: NewPath, id: number): void {
  if (!isDerivationPath(info.path)) return
  const derivation = info.derivation ?? registration.readDerivation(info.path, info.location)
  if (info.derivation === undefined) checkOutputPaths(registration, info.path, derivation)
  for (const [name, { path }] of derivation.outputs)
    if (path !== '') registration.database.insertDerivationOutput(id, name, path)
}

/** A forged derivation could claim the output path of another one. */
function checkOutputPaths(registration: Registration, path: StorePath, derivation: Derivation): void {
  const { storeDirectory, derivationHashes } = registration
  const lookup = createDerivationHasher(
    (text) => registration.readDerivation(parseInput(storeDirectory, text)),
    derivationHashes,
  )
  const { derivation: filled, hash } = fillOutputPaths(
    storeDirectory,
    path.name.slice(0, -'.drv'.length),
    derivation,
    lookup,
  )
  for (const [name, output] of derivation.outputs) {
    const expected = filled.outputs.get(name)!.path
    if (output.path === expected && (hash.kind === 'deferred' || derivation.env.get(name) === expected)) continue
    throw new UserError(
      'DERIVATION_OUTPUT_INVALID',
      `derivation '${storePathBaseName(path)}' claims the path '${output.path}' for its output '${name}', which should be '${expected}'`,
    )
  }
}

function parseInput(storeDirectory: string, text: string): StorePath {
  const start = storeDirectory.length + 1
  return { digest: text.slice(start, start + 32), name: text.slice(start + 33) }
}

function checkContentAddress(storeDirectory: string, info: NewPathInfo): void {
  if (info.contentAddress === undefined) return
  const own = storePathBaseName(info.path)
  const others = info.references.filter((reference) => storePathBaseName(reference) !== own)
  const expected = contentAddressedPath(
    storeDirectory,
    info.path.name,
    parseContentAddress(info.contentAddress),
    others.map((reference) => formatStorePath(storeDirectory, reference)),
    others.length < info.references.length,
  )
  if (storePathBaseName(expected) === own) return
  throw new UserError(
    'CONTENT_ADDRESS_MISMATCH',
    `'${own}' claims the content address '${info.contentAddress}', which belongs to '${storePathBaseName(expected)}'`,
  )
}

function toRow(storeDirectory: string, info: NewPathInfo): NewPathRow {
  const { signatures = [], registrationTime = 0 } = info
  return {
    path: formatStorePath(storeDirectory, info.path),
    hash: formatHash(info.narHash, 'base16'),
    registrationTime: registrationTime === 0 ? Math.floor(Date.now() / 1000) : registrationTime,
    deriver: info.deriver === undefined ? null : formatStorePath(storeDirectory, info.deriver),
    narSize: info.narSize === 0 ? null : info.narSize,
    ultimate: info.ultimate === true ? 1 : null,
    sigs: signatures.length === 0 ? null : signatures.join(' '),
    ca: info.contentAddress ?? null,
  }
}
