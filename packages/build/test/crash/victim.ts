/**
 * Does one operation for each line `ROOT ASIDE SEED` on its standard input, and answers with a line: `done`, or what went
 * wrong as JSON. Does one undisturbed first, so that everything is loaded: `victim.ts SCENARIO ROOT ASIDE`.
 *
 * The answer is written with writev: the calls that are disturbed are others.
 */
import { readSync, writevSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { UserError } from '@baryon/format'
import { type Place, withStore } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

/** What an operation threw. */
export interface Failure {
  /** Undefined when it was no `UserError`: a bug. */
  readonly code: string | undefined
  readonly text: string
}

const [name = '', root = '', aside = ''] = process.argv.slice(2)
const scenario = await SCENARIOS[name]!()
say(await attempt({ root, aside }, 0))
flushCompileCache()
for (let line = readLine(); line !== ''; line = readLine()) {
  const [nextRoot = '', nextAside = '', seed] = line.split(' ')
  say(await attempt({ root: nextRoot, aside: nextAside }, Number(seed)))
}

async function attempt(place: Place, seed: number): Promise<string> {
  try {
    await withStore(place, (store) => scenario.run(store, place, seed))
    return 'done'
  } catch (error) {
    return JSON.stringify(describe(error))
  }
}

function describe(error: unknown): Failure {
  if (!(error instanceof UserError)) {
    return { code: undefined, text: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  // What `realise` throws has an error for each task.
  const failures = 'failures' in error ? (error.failures as readonly unknown[]).map(describe) : []
  const bug = failures.find(({ code }) => code === undefined)
  return bug ?? { code: error.code, text: error.message }
}

function readLine(): string {
  const byte = Buffer.alloc(1)
  let line = ''
  while (readSync(0, byte) === 1 && byte[0] !== 10) line += byte.toString('latin1')
  return line
}

function say(line: string): void {
  writevSync(1, [Buffer.from(line), Buffer.from('\n')])
}
