import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { registryOf, toolsNamed } from '../global/registry.ts'
import { healthOf } from '../global/tool-health.ts'
import { shownName } from '../global/tool-text.ts'

export async function run(context: Context): Promise<Outcome> {
  const registry = registryOf(await context.settings())
  const tools = toolsNamed(registry, context.arguments.operands).map((tool) => ({
    tool,
    health: healthOf(registry, tool),
  }))
  if (tools.length === 0) context.terminal.err('no tool is installed: baryon global install NAME\n')
  return {
    data: {
      tools: tools.map(({ tool, health }) => ({
        ...tool,
        arePathsThere: health.missing.length === 0,
        programs: tool.programs.map((program, index) => ({ ...program, ...health.programs[index] })),
      })),
    },
    text: formatTable(
      tools.map(({ tool, health }) => [
        tool.name,
        tool.version,
        tool.platform ?? '',
        [tool.programs.map(({ name }) => shownName(name)).join(' '), health.problem].filter(Boolean).join('  '),
      ]),
    ),
  }
}
