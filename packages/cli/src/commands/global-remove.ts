import type { Context, Outcome } from '../command.ts'
import { removeTools } from '../global/install-tools.ts'
import { registryOf, toolsNamed } from '../global/registry.ts'

export async function run(context: Context): Promise<Outcome> {
  const settings = await context.settings()
  const registry = registryOf(settings)
  const tools = toolsNamed(registry, context.arguments.operands)
  const left = removeTools(settings.root, registry, tools)
  for (const file of left) context.terminal.err(`note: ${file} stays: it is not from here any more\n`)
  return {
    data: { removed: tools.map(({ name, version }) => ({ name, version })), left },
    text: `${tools.map(({ name }) => name).join(', ')} removed; baryon store gc frees what nothing else needs`,
  }
}
