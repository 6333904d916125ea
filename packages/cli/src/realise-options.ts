import { type RealiseOptions, SANDBOX_CHOICES, type SandboxChoice } from '@baryon/build'
import type { Context } from './command.ts'
import { UsageError } from './parse-arguments.ts'

/** What `realise` is told by the options of a command that has `realiseOptions`. */
export function realiseOptionsOf(context: Context): RealiseOptions {
  const given = context.arguments
  const jobs = given.number('jobs')
  const cores = given.number('cores')
  const timeout = given.number('timeout')
  const maxSilent = given.number('max-silent-time')
  return {
    ...(jobs === undefined ? {} : { jobs }),
    // 0 is how Nix says "all that there are".
    ...(cores === undefined || cores === 0 ? {} : { cores }),
    ...(timeout === undefined || timeout === 0 ? {} : { timeout }),
    ...(maxSilent === undefined || maxSilent === 0 ? {} : { maxSilent }),
    keepGoing: given.flag('keep-going'),
    keepFailed: given.flag('keep-failed'),
    offline: given.flag('offline'),
    sandbox: sandboxChoice(given.value('sandbox') ?? process.env.BARYON_SANDBOX),
    signal: context.signal,
  }
}

export function sandboxChoice(word: string | undefined): SandboxChoice {
  if (word === undefined || word === '') return 'auto'
  const found = SANDBOX_CHOICES.find((choice) => choice === word)
  if (found === undefined) throw new UsageError(`--sandbox ${word}: must be one of ${SANDBOX_CHOICES.join(', ')}`)
  return found
}
