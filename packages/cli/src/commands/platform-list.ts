import type { Context, Outcome } from '../command.ts'
import { stackSettings } from '../stack-evaluation.ts'
import { stackPlatforms } from '../stack-packages.ts'
import { describePlatforms } from './stack-platforms.ts'

export async function run(context: Context): Promise<Outcome> {
  const { operands } = context.arguments
  if (operands.length > 0) return describePlatforms(operands)
  return describePlatforms(await stackPlatforms(context, await stackSettings(context)))
}
