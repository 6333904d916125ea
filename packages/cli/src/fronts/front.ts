/** Runs the front with the name of one of Nix's programs, with Nix's way of saying errors. */
import { readFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { statusOf } from '../report-error.ts'
import type { Terminal } from '../terminal.ts'
import type { FrontArguments, FrontSpecification } from './front-arguments.ts'
import { parseFrontArguments } from './front-arguments.ts'

export interface Front {
  readonly specification: FrontSpecification
  readonly help: string
  readonly run: (given: FrontArguments, terminal: Terminal) => Promise<number> | number
  /** Where options are only those before an operand, or have another form: reads the words itself. */
  readonly parse?: (words: readonly string[]) => FrontArguments
}

const fronts: Readonly<Record<string, () => Promise<{ readonly front: Front }>>> = {
  'nix-instantiate': () => import('./nix-instantiate.ts'),
  'nix-build': () => import('./nix-build.ts'),
  'nix-store': () => import('./nix-store.ts'),
  'nix-hash': () => import('./nix-hash.ts'),
  'nix-shell': () => import('./nix-shell.ts'),
}

export async function runFront(program: string, words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const load = fronts[program]
    if (load === undefined) throw new UserError('USAGE', `there is no front '${program}'`)
    const { front } = await load()
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
