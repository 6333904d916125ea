import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import { evaluateStack, selectedPlatform, stackSettings, textBytes } from '../stack-evaluation.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const raw = given.flag('raw')
  if (raw && context.json) throw new UsageError('--raw and --json exclude each other')
  const settings = await stackSettings(context)
  const result = await evaluateStack(context, settings, {
    output: context.json || raw ? 'json' : 'value',
    attributePaths: given.operands.length > 0 ? given.operands : [''],
    strict: given.flag('strict') || context.json || raw,
    write: !given.flag('read-only'),
    platform: selectedPlatform(given.value('platform')),
  })
  const text = textBytes(result.texts[0] ?? '')
  if (raw) {
    const value: unknown = JSON.parse(text.toString('utf8'))
    if (typeof value !== 'string') {
      throw new UserError('NOT_A_STRING', `--raw prints strings, but this is ${text.toString('utf8').slice(0, 60)}`, {
        hint: 'leave --raw out, or use builtins.toString in the expression',
      })
    }
    context.terminal.out(value)
  } else {
    context.terminal.out(text)
    context.terminal.out('\n')
  }
  return {}
}
