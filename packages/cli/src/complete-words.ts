/**
 * The candidates for the last word of a command line: `baryon __complete WORD… CURRENT`.
 *
 * One a line, with a description after a tab where there is one. A line `:file` or `:directory` asks the shell to
 * complete file names by its own rules. Never fails and never waits long: no answer is better than a late one.
 */
import { groups, listCommands } from './catalogue.ts'
import type { Command, Completion, DynamicCompletion, Option } from './command.ts'
import { globalOptions } from './common-options.ts'

export async function completeWords(words: readonly string[]): Promise<string> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const candidates = await candidatesFor(before, current)
  return candidates
    .filter(([word]) => word.startsWith(':') || word.startsWith(current))
    .map(([word, description]) => (description === undefined ? `${word}\n` : `${word}\t${description}\n`))
    .join('')
}

type Candidate = readonly [word: string, description?: string]

async function candidatesFor(before: readonly string[], current: string): Promise<readonly Candidate[]> {
  const [first, second] = before
  if (first === undefined) {
    const single = listCommands().filter((command) => !command.name.includes(' '))
    return [...single.map((command): Candidate => [command.name, command.summary]), ...groups]
  }
  if (first === 'help') return listCommands().map((command) => [command.name.split(' ')[0]!])
  if (groups.has(first) && second === undefined) {
    return listCommands()
      .filter((command) => command.name.startsWith(`${first} `))
      .map((command) => [command.name.slice(first.length + 1), command.summary])
  }
  const name = groups.has(first) ? `${first} ${second}` : first
  const command = listCommands().find((candidate) => candidate.name === name)
  if (command === undefined) return []
  return completeArgument(command, before.slice(groups.has(first) ? 2 : 1), current)
}

async function completeArgument(
  command: Command,
  words: readonly string[],
  current: string,
): Promise<readonly Candidate[]> {
  const options = [...command.options, ...globalOptions].filter((option) => !option.hidden)
  let operands = 0
  let expected: Option | undefined
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (word === '--') return [[':file']]
    const option = word.startsWith('-')
      ? options.find((one) => word === `--${one.name}` || word === `-${one.short}`)
      : undefined
    if (option === undefined) {
      operands += word.startsWith('-') ? 0 : 1
      if (command.operands.command === 'after-first' && operands >= command.operands.most) return [[':file']]
      continue
    }
    const count = option.values?.length ?? 0
    if (index + count >= words.length && count > 0) expected = option
    index += count
  }
  if (expected !== undefined) return completeKind(expected.complete, command, words, current)
  if (current.startsWith('-')) {
    return options.flatMap((option): Candidate[] => [
      [`--${option.name}`, option.help],
      ...(option.short === undefined || current.length > 1 ? [] : [[`-${option.short}`, option.help] as const]),
    ])
  }
  return operands < command.operands.most ? completeKind(command.operands.complete, command, words, current) : []
}

async function completeKind(
  kind: Completion | undefined,
  command: Command,
  words: readonly string[],
  current: string,
): Promise<readonly Candidate[]> {
  if (kind === undefined) return []
  if (typeof kind !== 'string') return kind.map((word) => [word])
  if (kind === 'file' || kind === 'directory') return [[`:${kind}`]]
  if (kind === 'store-path' && (current.startsWith('.') || !current.startsWith('/'))) {
    // A link to a store path is as good, and an attribute where a stack is meant.
    return words.includes('-f') || words.includes('--file')
      ? [...(await dynamic('attribute', command, words)), [':file']]
      : [[':file']]
  }
  return dynamic(kind, command, words)
}

async function dynamic(
  kind: DynamicCompletion,
  command: Command,
  words: readonly string[],
): Promise<readonly Candidate[]> {
  try {
    const { listCandidates } = await import('./dynamic-candidates.ts')
    return await listCandidates(kind, command, words)
  } catch {
    // A broken stack or a missing store must not disturb somebody who is typing.
    return []
  }
}
