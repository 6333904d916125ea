/**
 * The entry of all programs: `main.ts PROGRAM ARG…`, where PROGRAM is `baryon` or the name of a front (`nix-store`, …).
 */
import { readFileSync } from 'node:fs'
import type { Main } from './fronts/front.ts'
import { createTerminal } from './terminal.ts'

const fronts: Readonly<Record<string, () => Promise<{ readonly main: Main }>>> = {
  'nix-build': () => import('./fronts/nix-build.ts'),
  'nix-hash': () => import('./fronts/nix-hash.ts'),
  'nix-instantiate': () => import('./fronts/nix-instantiate.ts'),
  'nix-shell': () => import('./fronts/nix-shell.ts'),
  'nix-store': () => import('./fronts/nix-store.ts'),
}

export async function main(program: string, words: readonly string[]): Promise<number> {
  const front = fronts[program]
  if (front !== undefined) return (await front()).main(words)
  // Ours only; what we start must not write its compiled code there.
  delete process.env.NODE_COMPILE_CACHE
  const terminal = createTerminal()
  if (program !== 'baryon') {
    terminal.err(`error: there is no front '${program}'\n`)
    return 2
  }
  if (words[0] === '--version') {
    terminal.out(`baryon ${version()}\n`)
    return 0
  }
  if (words[0] === '__complete') {
    const { completeWords } = await import('./complete-words.ts')
    terminal.out(await completeWords(words.slice(1)))
    return 0
  }
  const { runCommand } = await import('./run-command.ts')
  return runCommand(words, terminal)
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
