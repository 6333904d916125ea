import { UserError } from '@baryon/format'
import { openStore } from '@baryon/store'
import { formatCount } from '../format-quantity.ts'
import { documentationOf } from './documentation.ts'
import type { Session } from './session.ts'

interface ReplCommand {
  /** The names that call it, the one that is shown first. */
  readonly names: readonly string[]
  readonly operand?: string
  readonly help: string
  /** Gives what is printed. */
  readonly run: (session: Session, operand: string) => Promise<string> | string
}

const COMMANDS: readonly ReplCommand[] = [
  {
    names: [':p', ':print'],
    operand: 'EXPRESSION',
    help: 'its value, evaluated completely',
    run: (session, text) => session.textOf(text, { strict: true }),
  },
  {
    names: [':t', ':type'],
    operand: 'EXPRESSION',
    help: 'its type',
    run: async (session, text) => String(await session.jsonOf(`builtins.typeOf (${text}\n)`)),
  },
  {
    names: [':b', ':build'],
    operand: 'EXPRESSION',
    help: 'builds derivations, and prints where they are',
    run: build,
  },
  {
    names: [':doc'],
    operand: 'NAME',
    help: 'what is written about a builtin, or about an attribute such as lib.map',
    run: documentationOf,
  },
  {
    names: [':l', ':load'],
    operand: 'FILE',
    help: 'puts the attributes of a file in scope',
    run: async (session, file) => added(await session.addFile(file)),
  },
  {
    names: [':a', ':add'],
    operand: 'EXPRESSION',
    help: 'puts the attributes of a set in scope',
    run: async (session, text) => added(await session.addSet(text)),
  },
  {
    names: [':r', ':reload'],
    help: 'forgets definitions, and loads the files again',
    run: async (session) => added(await session.reload()),
  },
  { names: [':q', ':quit'], help: 'leaves', run: () => '' },
  { names: [':?', ':help'], help: 'this list', run: () => helpText() },
]

export const COMMAND_NAMES: readonly string[] = COMMANDS.flatMap(({ names }) => names)

/** Does what a line says and gives what is to be printed, or undefined for nothing. */
export async function acceptLine(session: Session, text: string): Promise<string | undefined> {
  const line = text.trim()
  if (line === '') return undefined
  const [, name, operand] = /^(:\S*)\s*(.*)$/s.exec(line) ?? []
  if (name !== undefined) {
    const command = COMMANDS.find(({ names }) => names.includes(name))
    if (command === undefined) throw usage(`unknown command '${name}'`)
    if (command.operand !== undefined && operand === '') throw usage(`${name} needs ${command.operand}`)
    return command.run(session, operand!)
  }
  const [, defined, value] = /^([A-Za-z_][A-Za-z0-9_'-]*)\s*=(?!=)(.*)$/s.exec(line) ?? []
  if (defined === undefined) return session.textOf(line)
  await session.define(defined, value!.replace(/;\s*$/, ''))
  return undefined
}

function helpText(): string {
  const lines = [
    ['EXPRESSION', 'its value'],
    ['NAME = EXPRESSION', 'a definition for the next lines'],
    ...COMMANDS.map(({ names, operand = '', help }) => [`${names.join(', ')} ${operand}`.trimEnd(), help]),
  ]
  const width = Math.max(...lines.map(([left]) => left!.length))
  return lines.map(([left, right]) => `${left!.padEnd(width)}  ${right}`).join('\n')
}

function usage(message: string): UserError {
  return new UserError('REPL_COMMAND', message, { hint: ':? lists the commands' })
}

function added(count: number): string {
  return `${formatCount(count, 'name')} added`
}

async function build(session: Session, expression: string): Promise<string> {
  const { context, settings } = session
  const { derivations } = await session.evaluate(expression, { output: 'derivations' })
  if (derivations.length === 0) throw new UserError('NOT_A_PACKAGE', 'there is no derivation in this value')
  const store = openStore({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    const targets = derivations.map(({ drvPath, outputName }) => ({
      derivation: store.parse(drvPath),
      outputs: [outputName],
    }))
    const { realiseWithProgress } = await import('../realise-with-progress.ts')
    await realiseWithProgress(context, store, targets)
    return derivations.map(({ drvPath, outputName, outputs }) => outputs[outputName] ?? drvPath).join('\n')
  } finally {
    store.close()
  }
}
