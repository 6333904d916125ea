/** What `--help` prints, from the descriptors. */
import { groups, listCommands } from './catalogue.ts'
import type { Command, Option } from './command.ts'
import { globalOptions } from './common-options.ts'
import type { Paint } from './terminal.ts'

/** The overview: every command by group, and the first things to try. */
export function formatOverview(paint: Paint): string {
  const single = listCommands().filter((command) => !command.name.includes(' '))
  const lines = [
    'Baryon builds, publishes and runs software stacks for big science.',
    '',
    `${paint.bold('Usage:')} baryon COMMAND [OPTION]… [ARGUMENT]…`,
    '',
    paint.bold('Commands'),
    ...columns(single.map((command) => [command.name, command.summary])),
  ]
  for (const [group, phrase] of groups) {
    lines.push('', `${paint.bold(`baryon ${group} …`)}  ${paint.dim(phrase)}`)
    lines.push(...columns(commandsOf(group).map((command) => [command.name, command.summary])))
  }
  lines.push(
    '',
    paint.bold('First steps'),
    ...columns([
      ['baryon stack list', 'what is there?'],
      ['baryon build zlib', 'build one package'],
      ['baryon run analysis', 'build if needed, and run'],
      ['baryon COMMAND --help', 'options and examples of a command'],
    ]),
    '',
  )
  return lines.join('\n')
}

export function formatGroup(group: string, paint: Paint): string {
  const commands = commandsOf(group)
  return [
    `baryon ${group}: ${groups.get(group)}`,
    '',
    paint.bold('Commands'),
    ...columns(commands.map((command) => [`${command.name} ${command.usage}`.trim(), command.summary])),
    '',
  ].join('\n')
}

export function formatHelp(command: Command, paint: Paint): string {
  const lines = [`baryon ${command.name}: ${command.summary}`, '', `${paint.bold('Usage:')} ${formatUsage(command)}`]
  for (const paragraph of command.description?.split('\n\n') ?? []) lines.push('', ...wrap(paragraph, 88))
  lines.push('', paint.bold('Examples'))
  for (const [example, meaning] of command.examples) lines.push(`  ${paint.cyan(example)}`, `      ${meaning}`)
  const shown = command.options.filter((option) => !option.hidden)
  if (shown.length > 0) lines.push('', paint.bold('Options'), ...optionLines(shown))
  lines.push('', paint.bold('For every command'), ...optionLines(globalOptions), '')
  return lines.join('\n')
}

export function formatUsage(command: Command): string {
  return `baryon ${command.name} ${command.usage}`.trim()
}

function commandsOf(group: string): Command[] {
  return listCommands().filter((command) => command.name.startsWith(`${group} `))
}

function optionLines(options: readonly Option[]): string[] {
  return columns(
    options.map((option) => {
      const short = option.short === undefined ? '    ' : `-${option.short}, `
      return [`${short}--${option.name}${(option.values ?? []).map((value) => ` ${value}`).join('')}`, option.help]
    }),
  )
}

/** Two columns; where the first is too long, the second goes to the next line. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.min(30, Math.max(...rows.map((row) => row[0]!.length)))
  return rows.flatMap(([left, right]) =>
    left!.length > width ? [`  ${left}`, `  ${' '.repeat(width)}  ${right}`] : [`  ${left!.padEnd(width)}  ${right}`],
  )
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}
