import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { makeDirectories } from '@baryon/files'
import { isSystemError } from '@baryon/format'
import { type LockFile, removeTree, type Store } from '@baryon/store'
import type { WorkDirectory } from './sandbox/sandbox.ts'
import type { WorkerPool } from './worker/pool.ts'

export interface OwnedWorkDirectory extends WorkDirectory {
  /** Removes it, whatever modes the builder left. Settles when another one may be made: the removal itself goes on. */
  remove(): Promise<void>
}

/**
 * Where the work directories of one run are, on the store's file system so that outputs can be renamed into it. A lock that
 * falls with our process says that the area is in use, for `sweepWorkDirectories`. Nothing is made before the first one.
 */
export interface WorkArea {
  create(name: string): OwnedWorkDirectory
  /** Waits for the removals and gives the area up. */
  close(): Promise<void>
}

export function openWorkArea(store: Store, pool: WorkerPool): WorkArea {
  const removals = new Set<Promise<unknown>>()
  const failures: unknown[] = []
  let area: { readonly path: string; readonly lock: LockFile } | undefined
  let count = 0
  return {
    create(name) {
      area ??= claimArea(store)
      const path = `${area.path}/${++count}-${name.slice(0, 100)}`
      const work = makeWorkDirectory(path)
      return {
        ...work,
        async remove() {
          const removal: Promise<unknown> = pool
            .run('remove', { path })
            .catch((error: unknown) => failures.push(error))
            .then(() => removals.delete(removal))
          removals.add(removal)
          if (removals.size > REMOVALS_AT_ONCE) await Promise.race(removals)
        },
      }
    },
    async close() {
      await Promise.all(removals)
      if (area === undefined) return
      const { path, lock } = area
      area = undefined
      try {
        removeTree(path)
      } finally {
        lock.release()
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}

const REMOVALS_AT_ONCE = 8

function claimArea(store: Store): { readonly path: string; readonly lock: LockFile } {
  const label = `${process.pid}-${randomBytes(4).toString('hex')}`
  const lock = store.locks.lock(lockName(label), LOCK_TIMEOUT)
  const path = `${workParent(store)}/${label}`
  try {
    makeDirectories(path, 0o700)
    return { path, lock }
  } catch (error) {
    lock.release()
    throw error
  }
}

function makeWorkDirectory(path: string): WorkDirectory {
  const work: WorkDirectory = {
    path,
    build: `${path}/build`,
    store: `${path}/store`,
    temporary: `${path}/tmp`,
    etc: `${path}/etc`,
    root: `${path}/root`,
  }
  try {
    mkdirSync(path, { mode: 0o700 })
    for (const directory of [work.build, work.store, work.temporary, work.etc, work.root])
      mkdirSync(directory, { mode: 0o755 })
    chmodSync(work.temporary, 0o1777)
    return work
  } catch (error) {
    removeTree(path)
    throw error
  }
}

/** Moves the build directory aside for the user to look at. Gives where it is. */
export function keepBuildDirectory(store: Store, work: WorkDirectory, name: string): string {
  const parent = `${store.ownDirectory}/failed`
  makeDirectories(parent, 0o700)
  for (let number = 0; ; number++) {
    const path = `${parent}/${name}-${number}`
    try {
      // A directory of that name is the claim; renaming onto an empty directory is allowed and atomic.
      mkdirSync(path)
    } catch (error) {
      if (isSystemError(error, 'EEXIST')) continue
      throw error
    }
    chmodSync(work.build, 0o755)
    renameSync(work.build, path)
    return path
  }
}

/** Removes what processes that are dead left behind. */
export function sweepWorkDirectories(store: Store): void {
  let names: string[]
  try {
    names = readdirSync(workParent(store))
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return
    throw error
  }
  for (const name of names) {
    const lock = store.locks.tryLock(lockName(name))
    if (lock === undefined) continue
    try {
      removeTree(`${workParent(store)}/${name}`)
    } catch (error) {
      // It belongs to somebody else who shares the store.
      if (!isSystemError(error, 'EACCES', 'EPERM')) throw error
    } finally {
      lock.release()
    }
  }
}

/** The three files that programs expect, and for a fixed output those that name resolution and TLS need. */
export function writeSandboxEtc(work: WorkDirectory, network: boolean): void {
  writeFileSync(
    `${work.etc}/passwd`,
    'root:x:0:0:Nix build user:/build:/noshell\nnixbld:x:1000:100:Nix build user:/build:/noshell\nnobody:x:65534:65534:Nobody:/:/noshell\n',
  )
  writeFileSync(`${work.etc}/group`, 'root:x:0:\nnixbld:!:100:\nnogroup:x:65534:\n')
  writeFileSync(`${work.etc}/hosts`, '127.0.0.1 localhost\n::1 localhost\n')
  if (!network) return
  for (const name of ['resolv.conf', 'hosts', 'services', 'nsswitch.conf', 'gai.conf'])
    copyIfThere(`/etc/${name}`, `${work.etc}/${name}`)
  const bundle = CERTIFICATE_BUNDLES.map(readIfThere).find((text) => text !== undefined)
  if (bundle === undefined) return
  makeDirectories(`${work.etc}/ssl/certs`)
  for (const name of ['ca-certificates.crt', 'ca-bundle.crt']) writeFileSync(`${work.etc}/ssl/certs/${name}`, bundle)
}

function copyIfThere(from: string, to: string): void {
  const text = readIfThere(from)
  if (text !== undefined) writeFileSync(to, text)
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return undefined
    throw error
  }
}

const CERTIFICATE_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

function workParent(store: Store): string {
  return `${store.ownDirectory}/build`
}

function lockName(label: string): string {
  return `build-${label}`
}

const LOCK_TIMEOUT = 10_000
