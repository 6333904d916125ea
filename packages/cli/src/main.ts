/**
 * The entry of all programs: `main.ts PROGRAM ARG…`, where PROGRAM is `baryon` or the name of a front (`nix-store`, …).
 */
import { readFileSync } from 'node:fs'
import { createTerminal } from './terminal.ts'

export async function main(program: string, words: readonly string[]): Promise<number> {
  if (program !== 'baryon') {
    const front = await import('../fronts.ts')
    return front.main(program, words)
  }
  // Ours only; what we start must not write its compiled code there.
  delete process.env.NODE_COMPILE_CACHE
  const terminal = createTerminal()
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
