/** Operations of `nix-store` on the contents of paths: adding, NARs, logs, environments. */
import { readSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fixedOutputPath, isDerivationPath, parseHash, parseHashAlgorithm, UserError } from '@baryon/format'
import { dumpNar, restoreNar } from '@baryon/store'
import { followToStorePath, physicalLocation } from './follow-path.ts'
import type { OperationRequest } from './nix-store.ts'
import { referencesFirst } from './reference-order.ts'

export function add({ store, given, terminal }: OperationRequest): number {
  for (const operand of given.operands)
    terminal.out(`${store.format(store.addPath(basename(operand), resolve(operand)))}\n`)
  return 0
}

export function addFixed({ store, given, terminal }: OperationRequest): number {
  const [word, ...files] = given.operands
  if (word === undefined) throw new UserError('USAGE', 'first argument must be hash algorithm')
  const options = { method: methodOf(given.has('--recursive')), algorithm: parseHashAlgorithm(word) }
  for (const file of files) terminal.out(`${store.format(store.addPath(basename(file), resolve(file), options))}\n`)
  return 0
}

export function printFixedPath({ store, given, terminal }: OperationRequest): number {
  const [algorithm, hash, name] = given.operands
  if (algorithm === undefined || hash === undefined || name === undefined || given.operands.length > 3) {
    throw new UserError('USAGE', "'--print-fixed-path' requires three arguments")
  }
  const path = fixedOutputPath(store.storeDirectory, name, {
    method: methodOf(given.has('--recursive')),
    hash: parseHash(hash, parseHashAlgorithm(algorithm)),
  })
  terminal.out(`${store.format(path)}\n`)
  return 0
}

export function dump({ store, given, terminal }: OperationRequest): number {
  dumpNar(physicalLocation(store, only(given.operands)), (chunk) => terminal.out(chunk), { enters: true })
  return 0
}

export function restore({ given }: OperationRequest): number {
  restoreNar(resolve(only(given.operands)), standardInput())
  return 0
}

/** Exactly the given paths. */
export function exportGiven({ store, given, terminal }: OperationRequest): number {
  const paths = given.operands.map((operand) => followToStorePath(store, operand))
  store.exportPaths(referencesFirst(store, paths), (chunk) => terminal.out(chunk))
  return 0
}

export function importAll({ store, given, terminal }: OperationRequest): number {
  if (given.operands.length > 0) throw new UserError('USAGE', 'no arguments expected')
  for (const path of store.importPaths(standardInput())) terminal.out(`${store.format(path)}\n`)
  return 0
}

export async function readLogs({ store, given, terminal }: OperationRequest): Promise<number> {
  // Here, because loading it takes as long as dumping 20,000 files.
  const { readLog } = await import('@baryon/build')
  for (const operand of given.operands) {
    const path = followToStorePath(store, operand)
    const derivation = isDerivationPath(path) ? path : store.pathInfo(path).deriver
    const log = derivation === undefined ? undefined : await readLog(store, derivation)
    if (log === undefined) {
      throw new UserError('NO_LOG', `build log of derivation '${store.format(derivation ?? path)}' is not available`)
    }
    terminal.out(log)
  }
  return 0
}

/** The environment of a derivation's builder, for `eval` in a shell. */
export function printEnvironment({ store, given, terminal }: OperationRequest): number {
  if (given.operands.length !== 1) throw new UserError('USAGE', "'--print-env' requires one derivation store path")
  const { env, args } = store.readDerivation(store.parse(given.operands[0]!))
  const variables = [...env].sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = variables.map(([name, value]) => `export ${name}; ${name}=${quoted(value)}\n`)
  terminal.out(Buffer.from(`${lines.join('')}export _args; _args='${args.map(quoted).join(' ')}'\n`, 'latin1'))
  return 0
}

/** Chunks of the standard input, each valid until the next is asked for. */
function* standardInput(): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(1 << 18)
  for (;;) {
    let size: number
    try {
      size = readSync(0, buffer)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') throw error
      // A pipe that another process made non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
      continue
    }
    if (size === 0) return
    yield buffer.subarray(0, size)
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function methodOf(recursive: boolean): 'recursive' | 'flat' {
  return recursive ? 'recursive' : 'flat'
}

function only(operands: readonly string[]): string {
  const [operand] = operands
  if (operand === undefined || operands.length > 1) throw new UserError('USAGE', 'only one argument allowed')
  return operand
}
