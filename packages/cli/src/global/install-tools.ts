/**
 * Makes tools that are there known: roots, records, wrappers. In this order, so that a process may be killed at any point: a wrapper
 * works as long as it exists, and a record names every wrapper that may exist.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { formatWrapper } from '@baryon/environment'
import { UserError } from '@baryon/format'
import { syncDirectory } from '@baryon/store'
import type { PreparedTool } from './prepare-tool.ts'
import { addRoot, dropRoots, findTool, type Registry, removeTool, withRegistryLock, writeTool } from './registry.ts'
import type { ToolProgram, ToolRecord } from './tool-record.ts'
import { asideIn, isOwnedBy, makeBinDirectory, type Occupant, occupantOf, writeWrapper } from './wrapper-files.ts'

export interface ToolToInstall {
  readonly prepared: PreparedTool
  /** Of the record. */
  readonly options: readonly string[]
  readonly binDirectory: string
}

export interface InstallRules {
  /** Takes over what is a wrapper of another tool. */
  readonly force: boolean
  /** Instead of an error: leaves out the program, which somebody else has, and says so. */
  readonly onConflict?: ((message: string) => void) | undefined
}

/** Nothing is changed when a program cannot be had by one of the tools: then it throws `GLOBAL_CONFLICT`. */
export function installTools(
  root: string,
  registry: Registry,
  tools: readonly ToolToInstall[],
  rules: InstallRules,
): ToolRecord[] {
  return withRegistryLock(registry, () => {
    const taken = new Map<string, string>()
    const plans = tools.map((tool) => planOf(registry, tool, taken, rules))
    for (const { binDirectory } of tools) makeBinDirectory(binDirectory)
    return plans.map((plan) => install(root, registry, plan))
  })
}

/** Removes what is still theirs. Names those wrappers that are not any more. */
export function removeTools(root: string, registry: Registry, tools: readonly ToolRecord[]): string[] {
  return withRegistryLock(registry, () => {
    const left: string[] = []
    for (const tool of tools) {
      for (const { name } of tool.programs) {
        const file = join(tool.binDirectory, name)
        const occupant = occupantOf(file)
        if (isOwnedBy(occupant, tool.name, registry.directory)) rmSync(file, { force: true })
        else if (occupant !== 'nothing') left.push(file)
      }
      rmSync(asideIn(tool.binDirectory, registry.directory), { force: true })
      dropRoots(root, tool)
      removeTool(registry, tool)
    }
    return left
  })
}

interface Plan {
  readonly tool: ToolToInstall
  readonly former: ToolRecord | undefined
  readonly wrappers: readonly { readonly program: ToolProgram; readonly file: string; readonly before: Occupant }[]
}

/** `taken`: files that the tools before it will have, and their names. */
function planOf(registry: Registry, tool: ToolToInstall, taken: Map<string, string>, rules: InstallRules): Plan {
  const { prepared, binDirectory } = tool
  const wrappers = prepared.programs.flatMap((program) => {
    const file = join(binDirectory, program.name)
    const before = occupantOf(file)
    const conflict = conflictOf(registry, prepared.name, file, before, taken.get(file), rules.force)
    if (conflict === undefined) {
      taken.set(file, prepared.name)
      return [{ program, file, before }]
    }
    if (rules.onConflict === undefined) throw conflict
    rules.onConflict(conflict.message)
    return []
  })
  return { tool, former: findTool(registry, prepared.name), wrappers }
}

function conflictOf(
  registry: Registry,
  tool: string,
  file: string,
  before: Occupant,
  other: string | undefined,
  force: boolean,
): UserError | undefined {
  if (other !== undefined) {
    return new UserError('GLOBAL_CONFLICT', `${file} would be of ${other} and of ${tool}`, {
      hint: 'install them one by one, and say with --expose which programs of one are wanted',
    })
  }
  if (before === 'nothing' || isOwnedBy(before, tool, registry.directory)) return undefined
  if (before === 'foreign') {
    return new UserError('GLOBAL_CONFLICT', `${file} is there, and was not made by baryon global`, {
      hint: 'move it away, choose other programs with --expose, or another directory with --bin-dir',
    })
  }
  if (force) return undefined
  const of = before.registry === registry.directory ? '' : ` in ${before.registry}`
  return new UserError('GLOBAL_CONFLICT', `${file} belongs to the tool ${before.tool} ${before.version}${of}`, {
    hint: `--force takes it over; or choose other programs with --expose, or: baryon global remove ${before.tool}`,
  })
}

function install(root: string, registry: Registry, { tool, former, wrappers }: Plan): ToolRecord {
  const { binDirectory } = tool
  const record = recordOf(tool, wrappers)
  const stale = (former?.programs ?? []).filter(
    ({ name }) => former!.binDirectory !== binDirectory || !record.programs.some((one) => one.name === name),
  )
  if (former !== undefined && former.binDirectory !== binDirectory) removeWrappers(registry, former, stale)
  const kept = addRoot(root, record)
  writeTool(registry, { ...record, programs: [...record.programs, ...stale] })

  const { name, version } = record
  const owner = { tool: name, version, registry: registry.directory }
  const launch = { ...tool.prepared.launch, rootTable: undefined, mountPoint: registry.mountPoint }
  const aside = asideIn(binDirectory, registry.directory)
  for (const { program, file, before } of wrappers) {
    writeWrapper(file, formatWrapper(owner, launch, program.path), before, aside)
    forget(registry, before, record, program)
  }
  rmSync(aside, { force: true })
  syncDirectory(binDirectory)

  if (stale.length > 0) {
    if (former!.binDirectory === binDirectory) removeWrappers(registry, former!, stale)
    writeTool(registry, record)
  }
  if (former !== undefined && former.storeDirectory !== record.storeDirectory) dropRoots(root, former)
  dropRoots(root, record, kept)
  return record
}

function recordOf({ prepared, options, binDirectory }: ToolToInstall, wrappers: Plan['wrappers']): ToolRecord {
  const { launch: _launch, askedPlatform: _asked, ...known } = prepared
  const programs = wrappers.map(({ program }) => program)
  return { format: 1, ...known, options, programs, binDirectory, installed: new Date().toISOString() }
}

function removeWrappers(
  registry: Registry,
  { name, binDirectory }: ToolRecord,
  programs: readonly ToolProgram[],
): void {
  for (const program of programs) {
    const file = join(binDirectory, program.name)
    if (isOwnedBy(occupantOf(file), name, registry.directory)) rmSync(file, { force: true })
  }
}

/** The tool that lost a program to this one does not list it any more. */
function forget(registry: Registry, before: Occupant, { name, binDirectory }: ToolRecord, program: ToolProgram): void {
  if (typeof before === 'string' || before.registry !== registry.directory || before.tool === name) return
  const loser = findTool(registry, before.tool)
  if (loser === undefined || loser.binDirectory !== binDirectory) return
  writeTool(registry, { ...loser, programs: loser.programs.filter((one) => one.name !== program.name) })
}
