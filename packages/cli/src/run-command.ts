/** Runs a command of `baryon`: finds it, reads its options, prints its outcome or its error. */
import type { Command, Context, Outcome } from './command.ts'
import { globalOptions } from './common-options.ts'
import { findCommand } from './find-command.ts'
import { parseArguments, UsageError } from './parse-arguments.ts'
import { reportError, status } from './report-error.ts'
import type { Terminal } from './terminal.ts'

export async function runCommand(words: readonly string[], terminal: Terminal): Promise<number> {
  const report = {
    command: undefined as string | undefined,
    usage: undefined as string | undefined,
    json: false,
    debug: words.includes('--debug'),
    verbose: false,
  }
  const interruption = createInterruption()
  try {
    const found = findCommand(words)
    if (found.kind === 'help') {
      terminal.out(found.format(terminal.outPaint))
      return status.done
    }
    const { command } = found
    report.command = command.name
    report.usage = `baryon ${command.name} ${command.usage}`.trim()
    const full: Command = { ...command, options: [...command.options, ...globalOptions] }
    if (asksForHelp(full, found.rest)) {
      const { formatHelp } = await import('./help.ts')
      terminal.out(formatHelp(command, terminal.outPaint))
      return status.done
    }
    const parsed = parseArguments(full, found.rest)
    report.json = parsed.flag('json')
    report.verbose = parsed.flag('verbose')
    report.debug = parsed.flag('debug')
    const context: Context = {
      command: full,
      arguments: parsed,
      terminal,
      json: report.json,
      verbose: report.verbose || report.debug,
      get signal() {
        return interruption.signal()
      },
      settings: async (request) => {
        const { resolveSettings } = await import('./settings.ts')
        return resolveSettings(
          {
            root: parsed.value('root'),
            storeDirectory: parsed.value('store-dir'),
            environment: process.env,
            currentDirectory: process.cwd(),
          },
          request,
        )
      },
    }
    const { run } = await command.load()
    return print(await run(context), context)
  } catch (error) {
    return reportError(error, terminal, report)
  } finally {
    interruption.dispose()
  }
}

function print(outcome: Outcome, context: Context): number {
  if (context.json && outcome.data !== undefined)
    context.terminal.out(`${JSON.stringify(outcome.data, replaceBigint, 2)}\n`)
  else if (outcome.text !== undefined && outcome.text !== '') {
    context.terminal.out(outcome.text.endsWith('\n') ? outcome.text : `${outcome.text}\n`)
  }
  return outcome.status ?? status.done
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** `--help` anywhere before what belongs to somebody else's command. */
function asksForHelp(command: Command, words: readonly string[]): boolean {
  const end = words.indexOf('--')
  const own = end < 0 ? words : words.slice(0, end)
  if (!own.includes('--help') && !own.includes('-h')) return false
  try {
    return parseArguments({ ...command, operands: { ...command.operands, least: 0 } }, words).flag('help')
  } catch (error) {
    if (error instanceof UsageError) return true
    throw error
  }
}

/**
 * The first Ctrl-C asks the command to stop, the second ends the process. The handler is installed only by a command
 * that asks for the signal: evaluation never returns to the event loop, and must die of the default action.
 */
function createInterruption(): { signal(): AbortSignal; dispose(): void } {
  let controller: AbortController | undefined
  const stop = (): void => {
    if (controller!.signal.aborted) process.exit(status.interrupted)
    controller!.abort()
  }
  return {
    signal() {
      if (controller === undefined) {
        controller = new AbortController()
        process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
      }
      return controller.signal
    },
    dispose() {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop)
    },
  }
}
