/** Becomes a shell that launches a command: same process, so that signals, terminal and status are the command's own. */
import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { formatLaunch, type Launch } from '@baryon/environment'

export function launch(plan: Launch, command: readonly string[]): number {
  const words = ['sh', '-c', `${formatLaunch(plan)}\nbaryon_launch "$@"`, 'baryon', ...command]
  return replaceProcess('/bin/sh', words)
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
  return result.signal === null ? (result.status ?? 1) : 128 + (constants.signals[result.signal] ?? 0)
}
