import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { selectedPlatform, stackSettings } from '../stack-evaluation.ts'
import { stackPackages } from '../stack-packages.ts'

export async function run(context: Context): Promise<Outcome> {
  const settings = await stackSettings(context)
  const packages = await stackPackages(context, settings, selectedPlatform(context.arguments.value('platform')))
  return {
    data: { packages },
    text: formatTable(packages.map(({ attribute, version, description }) => [attribute, version, description])),
  }
}
