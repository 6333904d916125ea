/** Turns words into the values of a command's options and operands, by its descriptor alone. */
import { UserError } from '@baryon/format'
import type { Command, Option } from './command.ts'
import { suggest } from './suggestion.ts'

export interface Arguments {
  readonly operands: readonly string[]
  /** What follows `--` (or the first operand); undefined when there was none. */
  readonly command: readonly string[] | undefined
  flag(name: string): boolean
  value(name: string): string | undefined
  values(name: string): readonly string[]
  /** Occurrences of an option with two values. */
  pairs(name: string): readonly (readonly [string, string])[]
  /** A whole number that is not negative. */
  number(name: string): number | undefined
}

/** Wrong usage: printed with the usage line of the command, status 2. */
export class UsageError extends UserError {
  readonly usage: string | undefined

  constructor(
    message: string,
    options: { readonly hint?: string | undefined; readonly usage?: string | undefined } = {},
  ) {
    super('USAGE', message, options.hint === undefined ? {} : { hint: options.hint })
    this.usage = options.usage
  }
}

export function parseArguments(
  command: Pick<Command, 'name' | 'options' | 'operands'>,
  words: readonly string[],
): Arguments {
  const given = new Map<string, string[][]>()
  const operands: string[] = []
  let rest: string[] | undefined
  let uncounted = 0
  const pending = [...words]

  while (pending.length > 0) {
    const word = pending.shift()!
    if (word === '--') {
      if (command.operands.command !== undefined) rest = pending.splice(0)
      else operands.push(...pending.splice(0))
    } else if (word.startsWith('--')) takeLong(word)
    else if (word.startsWith('-') && word !== '-') takeShort(word)
    else {
      operands.push(word)
      if (command.operands.assignments && /^[A-Za-z_][A-Za-z0-9_]*=/.test(word) && operands.length === uncounted + 1) {
        uncounted++
      } else if (command.operands.command === 'after-first' && operands.length - uncounted === command.operands.most) {
        if (pending.length > 0) {
          rest = pending.splice(0)
          if (rest[0] === '--') rest.shift()
        }
      }
    }
  }
  checkCount(command, operands.slice(uncounted))
  return reader(command, given, operands, rest)

  function takeLong(word: string): void {
    const equals = word.indexOf('=')
    const name = word.slice(2, equals < 0 ? undefined : equals)
    const option = command.options.find((candidate) => candidate.name === name)
    if (option === undefined) throw unknownOption(command, `--${name}`)
    if (equals < 0) {
      record(option, `--${name}`, take(option, `--${name}`))
      return
    }
    if ((option.values ?? []).length !== 1) {
      throw new UsageError(`--${name} takes ${option.values ? 'two values' : 'no value'}`)
    }
    record(option, `--${name}`, [word.slice(equals + 1)])
  }

  /** `-j4`, `-j 4`, and switches together: `-kK`. */
  function takeShort(word: string): void {
    for (let index = 1; index < word.length; index++) {
      const letter = word[index]!
      const option = command.options.find((candidate) => candidate.short === letter)
      if (option === undefined) throw unknownOption(command, `-${letter}`)
      const count = option.values?.length ?? 0
      if (count === 0) record(option, `-${letter}`, [])
      else {
        const attached = word.slice(index + 1)
        if (attached !== '' && count === 1) record(option, `-${letter}`, [attached])
        else if (attached !== '') throw new UsageError(`-${letter} takes ${count} values`)
        else record(option, `-${letter}`, take(option, `-${letter}`))
        return
      }
    }
  }

  function take(option: Option, spelled: string): string[] {
    const names = option.values ?? []
    if (pending.length < names.length)
      throw new UsageError(`${spelled} needs ${names.slice(pending.length).join(' and ')}`)
    return pending.splice(0, names.length)
  }

  function record(option: Option, spelled: string, values: string[]): void {
    const before = given.get(option.name)
    if (before === undefined) given.set(option.name, [values])
    else if (option.repeat) before.push(values)
    else if (option.values === undefined) return
    else if (before[0]![0] !== values[0]) throw new UsageError(`${spelled} is given twice, with different values`)
  }
}

function checkCount(command: Pick<Command, 'name' | 'operands'>, operands: readonly string[]): void {
  const { least, most } = command.operands
  if (operands.length < least)
    throw new UsageError(least === 1 ? 'an argument is missing' : `${least} arguments are needed`)
  if (operands.length > most) {
    throw new UsageError(
      most === 0 ? `'${operands[0]}': no argument is expected` : `'${operands[most]}': one argument too many`,
    )
  }
}

function unknownOption(command: Pick<Command, 'name' | 'options'>, spelled: string): UsageError {
  const near = suggest(
    spelled.replace(/^-+/, ''),
    command.options.filter((option) => !option.hidden).map((option) => option.name),
  )
  return new UsageError(`unknown option ${spelled}`, {
    hint: near.length > 0 ? `did you mean ${near.map((name) => `--${name}`).join(' or ')}?` : undefined,
  })
}

function reader(
  command: Pick<Command, 'name' | 'options'>,
  given: ReadonlyMap<string, readonly (readonly string[])[]>,
  operands: readonly string[],
  rest: readonly string[] | undefined,
): Arguments {
  const occurrences = (name: string): readonly (readonly string[])[] => {
    if (!command.options.some((option) => option.name === name)) {
      throw new Error(`command '${command.name}' reads --${name}, which it does not declare`)
    }
    return given.get(name) ?? []
  }
  return {
    operands,
    command: rest,
    flag: (name) => occurrences(name).length > 0,
    value: (name) => occurrences(name).at(-1)?.[0],
    values: (name) => occurrences(name).map((values) => values[0]!),
    pairs: (name) => occurrences(name).map((values) => [values[0]!, values[1]!] as const),
    number: (name) => {
      const text = occurrences(name).at(-1)?.[0]
      if (text === undefined) return undefined
      if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name}: '${text}' is not a whole number`)
      return Number(text)
    },
  }
}
