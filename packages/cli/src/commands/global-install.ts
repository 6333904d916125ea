import type { Context, Outcome } from '../command.ts'
import { binDirectoryOf, findingAdvice } from '../global/bin-directory.ts'
import { installTools } from '../global/install-tools.ts'
import { prepareTool } from '../global/prepare-tool.ts'
import { recordedOptions } from '../global/recorded-options.ts'
import { registryOf } from '../global/registry.ts'
import { formatTool } from '../global/tool-text.ts'
import { UsageError } from '../parse-arguments.ts'
import { stackSettings } from '../stack-evaluation.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const names = [...new Set(given.operands)]
  const [expose, others] = [given.values('expose'), given.values('with')]
  if (names.length > 1 && (expose.length > 0 || others.length > 0)) {
    throw new UsageError('--expose and --with are for one tool: give one NAME')
  }
  const binDirectory = binDirectoryOf(given.value('bin-dir'))
  const settings = await stackSettings(context)
  recordedOptions(context, settings, undefined)
  const tools = []
  for (const request of names) {
    const prepared = await prepareTool(context, { request, expose, with: others })
    tools.push({ prepared, binDirectory, options: recordedOptions(context, settings, prepared.askedPlatform) })
  }
  const records = installTools(settings.root, registryOf(settings), tools, { force: given.flag('force') })
  const advice = findingAdvice(
    binDirectory,
    records.flatMap(({ programs }) => programs.map(({ name }) => name)),
  )
  if (advice !== undefined) context.terminal.err(`${context.terminal.errPaint.cyan('note:')} ${advice}\n`)
  return { data: { binDirectory, tools: records }, text: records.map(formatTool).join('\n') }
}
