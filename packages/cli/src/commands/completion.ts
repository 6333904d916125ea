import type { Context, Outcome } from '../command.ts'
import { completionScript, completionShells } from '../completion-script.ts'
import { UsageError } from '../parse-arguments.ts'

export function run(context: Context): Outcome {
  const wanted = context.arguments.operands[0]
  const shell = completionShells.find((name) => name === wanted)
  if (shell === undefined) {
    throw new UsageError(`no completion for '${wanted}'`, { hint: `there is one for ${completionShells.join(', ')}` })
  }
  const script = completionScript(shell)
  return { data: { shell, script }, text: script }
}
