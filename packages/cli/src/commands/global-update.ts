import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { installTools } from '../global/install-tools.ts'
import { prepareTool } from '../global/prepare-tool.ts'
import { contextOf } from '../global/recorded-options.ts'
import { type Registry, registryOf, toolsNamed } from '../global/registry.ts'
import type { ToolRecord } from '../global/tool-record.ts'
import { status as exitStatus, reportError, statusOf } from '../report-error.ts'

interface Update {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly changed: boolean
  readonly paths: readonly string[]
}

export async function run(context: Context): Promise<Outcome> {
  const { root } = await context.settings()
  const registry = registryOf({ root })
  const tools = toolsNamed(registry, context.arguments.operands)
  if (tools.length === 0) context.terminal.err('no tool is installed: baryon global install NAME\n')
  const updated: Update[] = []
  const failed: { readonly name: string; readonly code: string; readonly message: string }[] = []
  let status = 0
  for (const tool of tools) {
    try {
      updated.push(await update(context, root, registry, tool))
    } catch (error) {
      if (!(error instanceof UserError) || statusOf(error) === exitStatus.interrupted) throw error
      // The only one fails as any command does.
      if (tools.length === 1) throw error
      failed.push({ name: tool.name, code: error.code, message: error.message })
      context.terminal.err(`${tool.name} ${tool.version} stays as it is:\n`)
      const { verbose } = context
      reportError(error, context.terminal, { command: undefined, usage: undefined, json: false, debug: false, verbose })
      status ||= statusOf(error)
    }
  }
  return { data: { updated, failed }, text: updated.map(line).join('\n'), status }
}

async function update(context: Context, root: string, registry: Registry, tool: ToolRecord): Promise<Update> {
  const { options, binDirectory } = tool
  const prepared = await prepareTool(contextOf(context, tool, root), tool)
  const onConflict = (message: string) => context.terminal.err(`note: ${message}: left out\n`)
  const [record] = installTools(root, registry, [{ prepared, options, binDirectory }], { force: false, onConflict })
  const { name, version, paths } = record!
  const changed = version !== tool.version || paths.join() !== tool.paths.join()
  return { name, from: tool.version, to: version, changed, paths }
}

function line({ name, from, to, changed }: Update): string {
  if (from !== to) return `${name} ${from} → ${to}`
  return changed ? `${name} ${to}: built otherwise` : `${name} ${to} is as it was`
}
