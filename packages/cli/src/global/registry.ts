/**
 * Where the tools of a root are kept:
 *
 *     ROOT/global/tools/NAME.json                  see tool-record.ts
 *     ROOT/global/mount                            an empty directory, on which wrappers mount: see `Launch.mountPoint`
 *     STATE/gcroots/baryon-global/NAME/HASH-…      keeps the paths of a tool; two of them while one follows the other
 */
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { isSystemError, storePathBaseName, UserError } from '@baryon/format'
import { openLockDirectory, resolveLocation, type Store, writeFileAtomically } from '@baryon/store'
import { openToLook } from '../open-to-look.ts'
import { suggest } from '../suggestion.ts'
import { formatToolRecord, isToolName, parseToolRecord, type ToolRecord } from './tool-record.ts'

export interface Registry {
  /** Absolute: `ROOT/global`. */
  readonly directory: string
  readonly mountPoint: string
}

export function registryOf({ root }: { readonly root: string }): Registry {
  const directory = join(root, 'global')
  return { directory, mountPoint: join(directory, 'mount') }
}

/** While `work` runs no other process changes the tools of this root, nor their wrappers. */
export function withRegistryLock<T>(registry: Registry, work: () => T): T {
  const locks = openLockDirectory(join(registry.directory, 'locks'))
  try {
    const held = locks.lock('tools', LOCK_TIMEOUT)
    try {
      return work()
    } finally {
      held.release()
    }
  } finally {
    locks.close()
  }
}

/** Milliseconds: nobody holds it for longer than writing some files takes. */
const LOCK_TIMEOUT = 60_000

/** By name. */
export function listTools(registry: Registry): ToolRecord[] {
  try {
    const names = readdirSync(join(registry.directory, 'tools')).filter((file) => file.endsWith('.json'))
    return names.sort().flatMap((file) => findTool(registry, file.slice(0, -'.json'.length)) ?? [])
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}

export function findTool(registry: Registry, name: string): ToolRecord | undefined {
  if (!isToolName(name)) return undefined
  const file = recordFile(registry, name)
  try {
    return parseToolRecord(readFileSync(file, 'utf8'), file)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

/** The tools of these names, each once; all of them when there are none. Throws `GLOBAL_UNKNOWN` with those that are near. */
export function toolsNamed(registry: Registry, names: readonly string[]): ToolRecord[] {
  const tools = listTools(registry)
  if (names.length === 0) return tools
  return [...new Set(names)].map((name) => {
    const found = tools.find((one) => one.name === name) ?? tools.find((one) => one.request === name)
    if (found !== undefined) return found
    const known = tools.map((one) => one.name)
    const near = suggest(name, known)
    throw new UserError('GLOBAL_UNKNOWN', `no tool '${name}' is installed`, {
      hint:
        near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : known.length > 0
            ? `there is ${known.join(', ')}`
            : 'none is; install one: baryon global install NAME',
    })
  })
}

export function writeTool(registry: Registry, tool: ToolRecord): void {
  makeDirectories(join(registry.directory, 'tools'))
  makeDirectories(registry.mountPoint)
  writeFileAtomically(recordFile(registry, tool.name), Buffer.from(formatToolRecord(tool)))
}

export function removeTool(registry: Registry, { name }: ToolRecord): void {
  rmSync(recordFile(registry, name), { force: true })
}

/** Keeps the paths from the collector, if they are in a store of ours: until `dropRoots`. Gives the name of the link. */
export function addRoot(root: string, tool: ToolRecord): string | undefined {
  const { name, storeDirectory, physicalDirectory, paths } = tool
  const store = openToLook({ storeDirectory, root })
  try {
    if (store.readOnly || physicalDirectory !== store.physicalDirectory) return undefined
    const references = paths.map((path) => store.parse(path))
    const index = store.addText(`baryon-global-${name.replaceAll("'", '_')}`, `${paths.join('\n')}\n`, references)
    const link = storePathBaseName(index)
    store.addPermanentRoot(join(rootsOf(store, name), link), index)
    return link
  } finally {
    store.close()
  }
}

/** Lets the collector have what the tool had before, all but the link `kept`. */
export function dropRoots(root: string, { name, storeDirectory }: ToolRecord, kept?: string): void {
  const directory = rootsOf(resolveLocation({ storeDirectory, root }), name)
  try {
    for (const link of readdirSync(directory)) if (link !== kept) rmSync(join(directory, link), { force: true })
    if (kept === undefined) rmdirSync(directory)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
  }
}

function rootsOf({ stateDirectory }: Pick<Store, 'stateDirectory'>, name: string): string {
  return join(stateDirectory, 'gcroots/baryon-global', name)
}

function recordFile({ directory }: Registry, name: string): string {
  return join(directory, 'tools', `${name}.json`)
}
