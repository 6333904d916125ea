/**
 * Repair of valid paths that are missing or damaged. Each is taken from the first place that has it with the very hash
 * that is registered: the source archive, a substituter, a new build of its deriver.
 */
import {
  hashesEqual,
  isDerivationPath,
  parseContentAddress,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { PathInfo, Store } from '@baryon/store'
import { takeFromArchive } from './archived-source.ts'
import { defaultSourceDirectory, type RealiseOptions, realise } from './realise.ts'
import type { Substituter } from './substituter.ts'
import { openWorkArea, sweepWorkDirectories, type WorkArea } from './work-directory.ts'
import { storeLocation } from './worker/job.ts'
import { createWorkerPool, type WorkerPool } from './worker/pool.ts'

export interface RepairOptions extends RealiseOptions {
  /** Told of each path that is done, and of how it went. */
  readonly onRepair?: (outcome: RepairOutcome) => void
}

export type RepairOutcome =
  /** `source` is the name of the substituter, the directory of the archive, or the deriver. */
  | {
      readonly kind: 'repaired'
      readonly path: StorePath
      readonly from: 'archive' | 'substituter' | 'build'
      readonly source: string
    }
  /** Found to be sound: somebody else was faster. */
  | { readonly kind: 'sound'; readonly path: StorePath }
  /** `REPAIR_IMPOSSIBLE`, or what the last means ended with (`NOT_DETERMINISTIC`, `BUILD_FAILED`, …). Nothing was replaced. */
  | { readonly kind: 'failed'; readonly path: StorePath; readonly error: UserError }

/** Repairs what of these is not sound. Rejects only when aborted; what was done until then stays done. */
export async function repairPaths(
  store: Store,
  paths: readonly StorePath[],
  options: RepairOptions = {},
): Promise<readonly RepairOutcome[]> {
  const repair = new Repair(store, paths, options)
  try {
    sweepWorkDirectories(store)
    return await repair.run()
  } finally {
    await repair.close()
  }
}

class Repair {
  readonly #store: Store
  readonly #options: RepairOptions
  readonly #signal: AbortSignal
  readonly #pool: WorkerPool = createWorkerPool()
  readonly #workArea: WorkArea
  readonly #damaged: ReadonlyMap<string, StorePath>
  readonly #begun = new Set<string>()
  readonly #outcomes: RepairOutcome[] = []

  constructor(store: Store, paths: readonly StorePath[], options: RepairOptions) {
    this.#store = store
    this.#workArea = openWorkArea(store, this.#pool)
    this.#options = options
    this.#signal = options.signal ?? new AbortController().signal
    this.#damaged = new Map(paths.map((path) => [storePathBaseName(path), path]))
  }

  async run(): Promise<readonly RepairOutcome[]> {
    for (const path of this.#damaged.values()) await this.#repair(path)
    return this.#outcomes
  }

  async close(): Promise<void> {
    try {
      await this.#workArea.close()
    } finally {
      await this.#pool.close()
    }
  }

  async #repair(path: StorePath): Promise<void> {
    const base = storePathBaseName(path)
    // A derivation is damaged as well as its output, perhaps: what is begun is not begun again from below.
    if (this.#begun.has(base)) return
    this.#begun.add(base)
    this.#signal.throwIfAborted()
    const reasons: string[] = []
    let outcome: RepairOutcome
    try {
      outcome =
        (await this.#copy(path, reasons)) ??
        (await this.#rebuild(path, reasons)) ??
        failed(path, this.#impossible(path, reasons))
    } catch (error) {
      if (this.#signal.aborted || !(error instanceof UserError)) throw error
      outcome = failed(path, error)
    }
    this.#outcomes.push(outcome)
    this.#options.onRepair?.(outcome)
  }

  /** From the archive or a substituter, under the lock of the path. */
  async #copy(path: StorePath, reasons: string[]): Promise<RepairOutcome | undefined> {
    const store = this.#store
    store.addTempRoot(path)
    const lock = await store.lockPaths([path], { signal: this.#signal })
    try {
      const info = store.pathInfo(path)
      if (await this.#isSound(info)) return { kind: 'sound', path }
      const work = this.#workArea.create(path.name)
      try {
        return (
          (await this.#fromArchive(info, work.path, reasons)) ??
          (await this.#fromSubstituters(info, work.path, reasons))
        )
      } finally {
        await work.remove()
      }
    } finally {
      lock.release()
    }
  }

  async #isSound({ path, narHash }: PathInfo): Promise<boolean> {
    try {
      const { hash } = await this.#pool.run('hash', { path: this.#store.physicalPath(path) }, this.#signal)
      return hashesEqual(hash, narHash)
    } catch (error) {
      if (error instanceof UserError) return false
      throw error
    }
  }

  async #fromArchive(info: PathInfo, directory: string, reasons: string[]): Promise<RepairOutcome | undefined> {
    const { sourceDirectory = defaultSourceDirectory(this.#store), sourceMirrors = [], offline = false } = this.#options
    const place = { directory: sourceDirectory, mirrors: sourceMirrors, offline }
    const options = { pool: this.#pool, signal: this.#signal }
    for (const [index, wanted] of archivedForms(info).entries()) {
      const location = `${directory}/archived-${index}`
      const source = `the source archive ${sourceDirectory}`
      try {
        if (!(await takeFromArchive(place, wanted, location, options))) continue
        await this.#replace({ path: info.path, location })
        return { kind: 'repaired', path: info.path, from: 'archive', source: sourceDirectory }
      } catch (error) {
        this.#note(reasons, source, error)
        // The archive's own copy may be the damaged one.
        await this.#pool.run('forgetSource', { directory: sourceDirectory, hash: wanted.hash }, this.#signal)
      }
    }
    reasons.push('the source archive does not have it')
    return undefined
  }

  async #fromSubstituters(info: PathInfo, directory: string, reasons: string[]): Promise<RepairOutcome | undefined> {
    const { substituters = [] } = this.#options
    for (const [index, substituter] of substituters.entries()) {
      const nar = `${directory}/nar-${index}`
      try {
        if (!(await this.#offers(substituter, info, reasons))) continue
        await substituter.fetch(info.path, nar, { signal: this.#signal, onProgress: () => undefined })
        await this.#replace({ path: info.path, location: `${directory}/substitute-${index}`, nar })
        return { kind: 'repaired', path: info.path, from: 'substituter', source: substituter.name }
      } catch (error) {
        this.#note(reasons, substituter.name, error)
      }
    }
    if (substituters.length === 0) reasons.push('there is no substituter to ask')
    return undefined
  }

  async #offers(substituter: Substituter, { path, narHash }: PathInfo, reasons: string[]): Promise<boolean> {
    const [offer] = await substituter.query([path])
    if (offer !== undefined && hashesEqual(offer.narHash, narHash)) return true
    reasons.push(`${substituter.name} ${offer === undefined ? 'does not have it' : 'has it with other contents'}`)
    return false
  }

  /** What the deriver needs is repaired first: damaged inputs would make another output, or none. */
  async #rebuild(path: StorePath, reasons: string[]): Promise<RepairOutcome | undefined> {
    const store = this.#store
    const deriver = this.#deriver(path)
    if (deriver === undefined) {
      reasons.push(isDerivationPath(path) ? 'no build makes derivations' : 'its derivation is not in the store')
      return undefined
    }
    for (const needed of store.computeClosure([deriver], { includeOutputs: true })) {
      const damaged = this.#damaged.get(storePathBaseName(needed))
      if (damaged !== undefined) await this.#repair(damaged)
    }
    const names = [...store.queryDerivationOutputs(deriver)].filter(([, output]) => output.digest === path.digest)
    const targets = [{ derivation: deriver, outputs: names.map(([name]) => name) }]
    await realise(store, targets, { ...this.#options, keepGoing: false, repair: [path] })
    return { kind: 'repaired', path, from: 'build', source: store.format(deriver) }
  }

  #deriver(path: StorePath): StorePath | undefined {
    const { deriver } = this.#store.pathInfo(path)
    const isDeriver = (candidate: StorePath) =>
      this.#store.isValid(candidate) &&
      [...this.#store.queryDerivationOutputs(candidate).values()].some((output) => output.digest === path.digest)
    if (deriver !== undefined && isDeriver(deriver)) return deriver
    return this.#store.queryValidDerivers(path)[0]
  }

  async #replace(request: {
    readonly path: StorePath
    readonly location: string
    readonly nar?: string
  }): Promise<void> {
    await this.#pool.run('replace', { store: storeLocation(this.#store), ...request }, this.#signal)
  }

  #note(reasons: string[], source: string, error: unknown): void {
    this.#signal.throwIfAborted()
    if (!(error instanceof UserError)) throw error
    reasons.push(`${source}: ${error.message}`)
  }

  #impossible(path: StorePath, reasons: readonly string[]): UserError {
    return new UserError(
      'REPAIR_IMPOSSIBLE',
      `'${this.#store.format(path)}' cannot be repaired: ${reasons.join('; ')}`,
      {
        hint: 'name a store or a cache that has it, or remove it with all that refers to it and build anew',
      },
    )
  }
}

/** How the archive may know the path: by its content address, or as a tree with this very NAR. */
function archivedForms({ contentAddress, narHash }: PathInfo): Parameters<typeof takeFromArchive>[1][] {
  const nar = { method: 'recursive', hash: narHash } as const
  if (contentAddress === undefined) return [nar]
  const { method, hash } = parseContentAddress(contentAddress)
  if (method === 'recursive' && hashesEqual(hash, narHash)) return [nar]
  return [{ method: method === 'text' ? 'flat' : method, hash }, nar]
}

function failed(path: StorePath, error: UserError): RepairOutcome {
  return { kind: 'failed', path, error }
}
