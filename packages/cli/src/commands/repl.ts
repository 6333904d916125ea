/** A prompt for the language. */
import { type AsyncCompleter, createInterface, type Interface } from 'node:readline'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { acceptLine, COMMAND_NAMES } from '../repl/commands.ts'
import { complete } from '../repl/complete.ts'
import { openHistory } from '../repl/history.ts'
import { createSession, type Session } from '../repl/session.ts'
import type { Settings } from '../settings.ts'
import { stackSettings } from '../stack-evaluation.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const file = given.operands[0] ?? given.value('file')
  const expression = given.value('expr')
  const settings =
    file === undefined && expression === undefined ? await context.settings({}) : await settingsFor(context, file)
  const session = createSession(context, settings)
  if (file !== undefined) await session.addFile(file)
  else if (expression !== undefined) await session.addSet(expression)
  const interactive = process.stdin.isTTY === true
  if (interactive) context.terminal.out(':? lists the commands, :q leaves\n')
  const failed = await readLines(context, session, interactive)
  // A script that is piped in must learn of an error.
  return { status: failed && !interactive ? 1 : 0 }
}

/** Gives whether a line failed. */
async function readLines(context: Context, session: Session, interactive: boolean): Promise<boolean> {
  const history = interactive ? openHistory() : undefined
  const lines = createInterface({
    input: process.stdin,
    ...(history === undefined ? {} : { output: process.stdout, historySize: 1000, history: [...history.lines] }),
    prompt: PROMPT,
    removeHistoryDuplicates: true,
    completer: ((line, done) => {
      complete(line, session, COMMAND_NAMES).then(
        (result) => done(null, result),
        (error: Error) => done(error),
      )
    }) satisfies AsyncCompleter,
  })
  let pending = ''
  let failed = false
  const prompt = (): void => {
    lines.setPrompt(pending === '' ? PROMPT : CONTINUATION)
    if (interactive) lines.prompt()
  }
  lines.on('SIGINT', () => {
    pending = ''
    context.terminal.out('\n')
    clearLine(lines)
    prompt()
  })
  prompt()
  for await (const line of lines) {
    history?.add(line)
    const text = pending === '' ? line : `${pending}\n${line}`
    if (/^\s*:q(uit)?\s*$/.test(text)) break
    pending = ''
    try {
      const result = await acceptLine(session, text)
      if (result !== undefined) context.terminal.out(`${result}\n`)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      // The expression may only be unfinished: an empty line ends it.
      if (isUnfinished(error) && line.trim() !== '') pending = text
      else {
        failed = true
        show(context, error)
      }
    }
    prompt()
  }
  lines.close()
  return failed
}

const PROMPT = 'baryon> '
const CONTINUATION = '      > '

/** What was typed so far is given up. */
function clearLine(lines: Interface): void {
  lines.write(null, { ctrl: true, name: 'e' })
  lines.write(null, { ctrl: true, name: 'u' })
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
