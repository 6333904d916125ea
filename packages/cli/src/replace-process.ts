/** Becomes a shell that launches a command: same process, so that signals, terminal and status are the command's own. */
import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { formatLaunch, type Launch } from '@baryon/environment'

export function launch(plan: Launch, command: readonly string[]): number {
  return replaceProcess('/bin/sh', ['sh', ...launchWords(plan, command)])
}

/** What /bin/sh is given to launch the command. */
export function launchWords(plan: Launch, command: readonly string[]): string[] {
  return ['-c', `${formatLaunch(plan)}\nbaryon_launch "$@"`, 'baryon', ...command]
}

/** As a shell says it. */
export function exitStatus(status: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (status ?? 1) : 128 + (constants.signals[signal] ?? 0)
}

/** Returns only where processes cannot be replaced (older Node): then it waits, and gives the status. */
export function replaceProcess(
  file: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): number {
  const variables = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  if (typeof process.execve === 'function') {
    process.execve(file, [...words], variables)
  }
  // The terminal sends Ctrl-C to the command as well; it decides what that means.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {})
  const result = spawnSync(file, words.slice(1), { stdio: 'inherit', env: variables, argv0: words[0]! })
  if (result.error !== undefined) throw result.error
  return exitStatus(result.status, result.signal)
}
