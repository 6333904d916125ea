import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { isSystemError } from '@baryon/format'
import { removeTree, type Store } from '@baryon/store'
import type { WorkDirectory } from './sandbox/sandbox.ts'

/**
 * Makes the directories of one build, on the store's file system so that outputs can be renamed into it.
 * The name says which process owns it, for `sweepWorkDirectories`.
 */
export function createWorkDirectory(store: Store, name: string): WorkDirectory {
  const path = `${workParent(store)}/${ownerPrefix()}-${++count}-${name.slice(0, 100)}`
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const work: WorkDirectory = {
    path,
    build: `${path}/build`,
    store: `${path}/store`,
    temporary: `${path}/tmp`,
    etc: `${path}/etc`,
    root: `${path}/root`,
  }
  for (const directory of [work.build, work.store, work.temporary, work.etc, work.root])
    mkdirSync(directory, { mode: 0o755 })
  chmodSync(work.temporary, 0o1777)
  return work
}

let count = 0

/** Removes it, whatever modes the builder left. Processes that are just dying may still write: a second try is made. */
export function removeWorkDirectory(work: WorkDirectory): void {
  for (let attempt = 0; ; attempt++) {
    try {
      removeTree(work.path)
      return
    } catch (error) {
      if (!isSystemError(error, 'ENOTEMPTY', 'ENOENT', 'EEXIST') || attempt === 20) throw error
    }
  }
}

/** Moves the build directory aside for the user to look at. Gives where it is. */
export function keepBuildDirectory(store: Store, work: WorkDirectory, name: string): string {
  const parent = `${store.ownDirectory}/failed`
  mkdirSync(parent, { recursive: true, mode: 0o700 })
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

/** Removes what processes of this machine that are dead left behind. */
export function sweepWorkDirectories(store: Store): void {
  let names: string[]
  try {
    names = readdirSync(workParent(store))
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return
    throw error
  }
  const prefix = `${hostLabel()}-`
  for (const name of names) {
    if (!name.startsWith(prefix)) continue
    const [pid = '', started = ''] = name.slice(prefix.length).split('-')
    if (processStart(Number(pid)) === started) continue
    try {
      removeTree(`${workParent(store)}/${name}`)
    } catch {
      // Another process sweeps as well, or it belongs to somebody else: the next run tries again.
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
  mkdirSync(`${work.etc}/ssl/certs`, { recursive: true })
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

function ownerPrefix(): string {
  return `${hostLabel()}-${process.pid}-${processStart(process.pid)}`
}

function hostLabel(): string {
  return hostname().replace(/[^A-Za-z0-9]/g, '_')
}

/** Start time of a process in clock ticks since boot, which tells it from a later one with the same id; undefined when there is none. */
function processStart(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the name in parentheses, which may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
