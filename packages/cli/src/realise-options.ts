import { type RealiseOptions, SANDBOX_CHOICES, type SandboxChoice } from '@baryon/build'
import type { Context } from './command.ts'
import { UsageError } from './parse-arguments.ts'

/** What `realise` is told by the options of a command that has `realiseOptions`. */
export function realiseOptionsOf(context: Context): RealiseOptions {
  const { flag, value, number } = declaredOnly(context)
  const jobs = number('jobs')
  const cores = number('cores')
  const timeout = number('timeout')
  const maxSilent = number('max-silent-time')
  return {
    ...(jobs === undefined ? {} : { jobs }),
    // 0 is how Nix says "all that there are".
    ...(cores === undefined || cores === 0 ? {} : { cores }),
    ...(timeout === undefined || timeout === 0 ? {} : { timeout }),
    ...(maxSilent === undefined || maxSilent === 0 ? {} : { maxSilent }),
    keepGoing: flag('keep-going'),
    keepFailed: flag('keep-failed'),
    offline: flag('offline'),
    sandbox: sandboxChoice(value('sandbox') ?? process.env.BARYON_SANDBOX),
    signal: context.signal,
  }
}

/** Commands that build on the way (`run`, `shell`) have only some of the options. */
function declaredOnly({ command, arguments: given }: Context): Pick<Context['arguments'], 'flag' | 'value' | 'number'> {
  const declared = new Set(command.options.map((option) => option.name))
  return {
    flag: (name) => declared.has(name) && given.flag(name),
    value: (name) => (declared.has(name) ? given.value(name) : undefined),
    number: (name) => (declared.has(name) ? given.number(name) : undefined),
  }
}

export function sandboxChoice(word: string | undefined): SandboxChoice {
  if (word === undefined || word === '') return 'auto'
  const found = SANDBOX_CHOICES.find((choice) => choice === word)
  if (found === undefined) throw new UsageError(`--sandbox ${word}: must be one of ${SANDBOX_CHOICES.join(', ')}`)
  return found
}
