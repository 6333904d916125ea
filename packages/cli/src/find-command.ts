/** From the first words of a command line to a descriptor, or to the help that was asked for. */
import { groups, listCommands } from './catalogue.ts'
import type { Command } from './command.ts'
import { formatGroup, formatHelp, formatOverview } from './help.ts'
import { UsageError } from './parse-arguments.ts'
import { suggest } from './suggestion.ts'
import type { Paint } from './terminal.ts'

export type Found =
  | { readonly kind: 'command'; readonly command: Command; readonly rest: readonly string[] }
  | { readonly kind: 'help'; readonly format: (paint: Paint) => string }

/** Throws UsageError, with the nearest names, for a command that does not exist. */
export function findCommand(words: readonly string[]): Found {
  const [first, second] = words
  if (first === undefined || first === '--help' || first === '-h') return { kind: 'help', format: formatOverview }
  if (first === 'help') return helpFor(words.slice(1))
  const command = commandNamed(first)
  if (command !== undefined) return { kind: 'command', command, rest: words.slice(1) }
  if (groups.has(first)) {
    if (second === undefined || second === '--help' || second === '-h') {
      return { kind: 'help', format: (paint) => formatGroup(first, paint) }
    }
    const inner = commandNamed(`${first} ${second}`)
    if (inner !== undefined) return { kind: 'command', command: inner, rest: words.slice(2) }
    throw unknownCommand(`${first} ${second}`, `baryon ${first} COMMAND …`)
  }
  if (first.startsWith('-')) {
    throw new UsageError(`options come after the command: '${first}'`, { usage: 'baryon COMMAND [OPTION]…' })
  }
  throw unknownCommand(first, 'baryon COMMAND …')
}

function helpFor(words: readonly string[]): Found {
  if (words.length === 0) return { kind: 'help', format: formatOverview }
  const name = words.join(' ')
  const command = commandNamed(name)
  if (command !== undefined) return { kind: 'help', format: (paint) => formatHelp(command, paint) }
  if (groups.has(name)) return { kind: 'help', format: (paint) => formatGroup(name, paint) }
  throw unknownCommand(name, 'baryon help [COMMAND]')
}

function commandNamed(name: string): Command | undefined {
  return listCommands().find((command) => command.name === name)
}

function unknownCommand(name: string, usage: string): UsageError {
  const near = suggest(name, [...listCommands().map((command) => command.name), ...groups.keys()])
  return new UsageError(`'${name}' is not a command`, {
    hint: near.length > 0 ? `did you mean ${near.map((one) => `'baryon ${one}'`).join(' or ')}?` : undefined,
    usage,
  })
}
