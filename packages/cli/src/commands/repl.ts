/**
 * A simple prompt for the language. Definitions are kept as text and every line is an expression in their scope, so
 * that it needs nothing of the evaluator but `evaluate`: unchanged files come from the cache of parsed files.
 */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type EvaluationRequest, evaluate } from '@baryon/evaluation'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import type { Settings } from '../settings.ts'
import { evaluationRequest, selectedPlatform, stackSettings } from '../stack-evaluation.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const file = given.operands[0] ?? given.value('file')
  const settings =
    file === undefined && given.value('expr') === undefined
      ? await context.settings({})
      : await settingsFor(context, file)
  const session = createSession(context, settings)
  if (file !== undefined) session.loaded.push(loading(file))
  else if (given.value('expr') !== undefined) session.loaded.push(`(${given.value('expr')}\n)`)
  const interactive = process.stdin.isTTY === true
  if (interactive) context.terminal.out(':? lists the commands, :q leaves\n')

  const lines = createInterface({
    input: process.stdin,
    ...(interactive ? { output: process.stdout, historySize: 500 } : {}),
    prompt: 'baryon> ',
    removeHistoryDuplicates: true,
    completer: (line: string) => [commands.filter((command) => command.startsWith(line)), line],
  })
  let pending = ''
  let failed = false
  if (interactive) lines.prompt()
  lines.on('SIGINT', () => {
    pending = ''
    context.terminal.out('\n')
    lines.setPrompt('baryon> ')
    lines.prompt()
  })
  for await (const line of lines) {
    const text = pending === '' ? line : `${pending}\n${line}`
    if (/^\s*:q(uit)?\s*$/.test(text)) break
    try {
      await session.accept(text)
      pending = ''
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      // The expression may only be unfinished: an empty line ends it.
      if (isUnfinished(error) && line.trim() !== '') pending = text
      else {
        pending = ''
        failed = true
        show(context, error)
      }
    }
    lines.setPrompt(pending === '' ? 'baryon> ' : '      > ')
    if (interactive) lines.prompt()
  }
  lines.close()
  // A script that is piped in must learn of an error.
  return { status: failed && !interactive ? 1 : 0 }
}

const commands = [':?', ':q', ':l ', ':t ', ':p ', ':a ', ':r']

const help = `EXPRESSION      its value
NAME = EXPRESSION  a definition for the next lines
:p EXPRESSION   its value, evaluated completely
:t EXPRESSION   its type
:l FILE         puts the attributes of a file in scope
:a EXPRESSION   puts the attributes of a set in scope
:r              forgets all definitions
:q              leaves
`

interface Session {
  /** Expressions whose attributes are in scope, the last winning. */
  readonly loaded: string[]
  accept(text: string): Promise<void>
}

function createSession(context: Context, settings: Settings): Session {
  const loaded: string[] = []
  const definitions = new Map<string, string>()
  const scope = (expression: string): string => {
    const withs = loaded.map((source) => `with (${callable(source, context, settings)});\n`).join('')
    const lets = [...definitions].map(([name, value]) => `${name} = ${value}\n;`).join(' ')
    return `${withs}${definitions.size === 0 ? '' : `let ${lets} in `}\n${expression}\n`
  }
  const compute = async (expression: string, more: Partial<EvaluationRequest>): Promise<string> => {
    const request = evaluationRequest(context, settings, {
      output: 'value',
      write: true,
      expression: scope(expression),
    })
    const result = await evaluate({ ...request, ...more, arguments: {} })
    return Buffer.from(result.texts[0] ?? '', 'latin1').toString('utf8')
  }
  const print = async (expression: string, more: Partial<EvaluationRequest>): Promise<void> =>
    context.terminal.out(`${await compute(expression, more)}\n`)

  return {
    loaded,
    async accept(text) {
      const trimmed = text.trim()
      if (trimmed === '') return
      const [, command, rest] = /^(:\S*)\s*(.*)$/s.exec(trimmed) ?? []
      switch (command) {
        case undefined:
          break
        case ':?':
          return context.terminal.out(help)
        case ':r':
          loaded.length = 0
          return definitions.clear()
        case ':p':
          return print(rest!, { strict: true })
        case ':t':
          return print(`builtins.typeOf (${rest}\n)`, { output: 'json' })
        case ':l':
        case ':a': {
          const source = command === ':l' ? loading(rest!) : `(${rest}\n)`
          const count = await compute(
            `builtins.length (builtins.attrNames (${callable(source, context, settings)}))`,
            {},
          )
          loaded.push(source)
          return context.terminal.out(`${count} names added\n`)
        }
        default:
          throw new UserError('REPL_COMMAND', `unknown command '${command}'`, { hint: ':? lists the commands' })
      }
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_'-]*)\s*=(?!=)(.*)$/s.exec(trimmed) ?? []
      if (name === undefined) return print(trimmed, {})
      // Parsed before it is kept, or every later line would fail.
      await compute(`(x: null) (${value!.replace(/;\s*$/, '')}\n)`, {})
      definitions.set(name, value!.replace(/;\s*$/, ''))
    },
  }
}

/** A source that is a function is called with the platform and its own defaults. */
function callable(source: string, context: Context, settings: Settings): string {
  const platform = selectedPlatform(context.arguments.value('platform')) ?? settings.platform
  const args = platform === undefined ? '{ }' : `{ platform = ${JSON.stringify(platform)}; }`
  return `let value = ${source}; in if builtins.isFunction value then value (builtins.intersectAttrs (builtins.functionArgs value) ${args}) else value`
}

function loading(file: string): string {
  if (/^<.*>$/.test(file)) return `(import ${file})`
  const path = resolve(file.startsWith('~/') ? join(homedir(), file.slice(2)) : file)
  return `(import (/. + ${JSON.stringify(path).replaceAll('${', '\\${')}))`
}

function settingsFor(context: Context, file: string | undefined): Promise<Settings> {
  return file === undefined ? stackSettings(context) : context.settings({ stack: file, needsStack: true })
}

function isUnfinished(error: UserError): boolean {
  return /unexpected end of file/i.test(error.message)
}

function show(context: Context, error: UserError): void {
  const report = (error as { readonly report?: unknown }).report
  const text = typeof report === 'string' ? Buffer.from(report, 'latin1').toString('utf8') : `error: ${error.message}`
  context.terminal.err(`${context.terminal.foreign(text)}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`)
}
