/** Whether a tool can still be started. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Registry } from './registry.ts'
import type { ToolRecord } from './tool-record.ts'
import { isOwnedBy, occupantOf } from './wrapper-files.ts'

export interface ToolHealth {
  /** Logical paths that are nowhere. */
  readonly missing: readonly string[]
  /** In the order of the record. */
  readonly programs: readonly { readonly wrapper: string; readonly isThere: boolean }[]
  /** For people; undefined when nothing is wrong. */
  readonly problem: string | undefined
}

export function healthOf(registry: Registry, tool: ToolRecord): ToolHealth {
  const { name, storeDirectory, physicalDirectory, paths, binDirectory } = tool
  const missing = paths.filter(
    (path) => !existsSync(path) && !existsSync(physicalDirectory + path.slice(storeDirectory.length)),
  )
  const programs = tool.programs.map((program) => {
    const wrapper = join(binDirectory, program.name)
    return { wrapper, isThere: isOwnedBy(occupantOf(wrapper), name, registry.directory) }
  })
  const lost = programs.filter(({ isThere }) => !isThere).map(({ wrapper }) => wrapper)
  const problem =
    missing.length > 0
      ? `its files are gone: baryon global update ${name}`
      : lost.length > 0
        ? `not at ${lost.join(', ')} any more: baryon global update ${name}`
        : undefined
  return { missing, programs, problem }
}
