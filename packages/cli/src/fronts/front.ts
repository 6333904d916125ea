/** A front is one of Nix's programs, with Nix's way of saying errors. */
import { readFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { statusOf } from '../report-error.ts'
import { createTerminal, type Terminal } from '../terminal.ts'
import type { FrontArguments, FrontSpecification } from './front-arguments.ts'
import { parseFrontArguments } from './front-arguments.ts'

/** A program, given its words. */
export type Main = (words: readonly string[]) => Promise<number>

interface Front {
  readonly specification: FrontSpecification
  readonly help: string
  readonly run: (given: FrontArguments, terminal: Terminal) => Promise<number> | number
  /** Where options are only those before an operand, or have another form: reads the words itself. */
  readonly parse?: (words: readonly string[]) => FrontArguments
}

export function createFront(program: string, front: Front): Main {
  return (words) => {
    // Ours only; what we start must not write its compiled code there.
    delete process.env.NODE_COMPILE_CACHE
    return run(program, front, words, createTerminal())
  }
}

async function run(program: string, front: Front, words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const given = front.parse?.(words) ?? parseFrontArguments(program, words, front.specification)
    if (given.has('--version')) {
      terminal.out(`${program} (Baryon) ${version()}\n`)
      return 0
    }
    if (given.has('--help')) {
      terminal.out(`${front.help.trim()}\n`)
      return 0
    }
    return await front.run(given, terminal)
  } catch (error) {
    return reportFrontError(error, terminal)
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}

function reportFrontError(error: unknown, terminal: Terminal): number {
  const report = (error as { readonly report?: unknown } | undefined)?.report
  if (error instanceof UserError && typeof report === 'string') {
    terminal.errBytes(Buffer.from(`${terminal.foreign(report)}\n`, 'latin1'))
    return 1
  }
  if (error instanceof UserError) {
    terminal.err(`error: ${error.message.trimEnd()}\n`)
    if (error.hint !== undefined) terminal.err(`hint: ${error.hint}\n`)
  } else if (error instanceof Error && 'syscall' in error) terminal.err(`error: ${error.message}\n`)
  else terminal.err(`error: ${error instanceof Error ? error.stack : String(error)}\n`)
  return statusOf(error)
}
