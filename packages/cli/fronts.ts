/** The entry of the fronts: in a pack what they need and nothing else, in one file. */
import { runFront } from './src/fronts/front.ts'
import { createTerminal } from './src/terminal.ts'

export function main(program: string, words: readonly string[]): Promise<number> {
  // Ours only; what we start must not write its compiled code there.
  delete process.env.NODE_COMPILE_CACHE
  return runFront(program, words, createTerminal())
}
