/**
 * What the lines of a session have brought in scope. Definitions are kept as text and every line is an expression in their
 * scope, so that it needs nothing of the evaluator but `evaluate`, and files are read as they are now.
 */
import { join, resolve } from 'node:path'
import { type EvaluationRequest, type EvaluationResult, evaluate } from '@baryon/evaluation'
import { homeDirectory } from '@baryon/files'
import { UserError } from '@baryon/format'
import type { Context } from '../command.ts'
import type { Settings } from '../settings.ts'
import { evaluationRequest, selectedPlatform } from '../stack-evaluation.ts'

export interface Session {
  readonly context: Context
  readonly settings: Settings
  /** Puts the attributes of a set in scope, the last set winning; gives their number. */
  addSet(expression: string): Promise<number>
  addFile(file: string): Promise<number>
  /** Forgets definitions and sets; files stay. Gives the number of their attributes. */
  reload(): Promise<number>
  define(name: string, value: string): Promise<void>
  evaluate(expression: string, more?: Partial<EvaluationRequest>): Promise<EvaluationResult>
  /** The text that `evaluate` gives. */
  textOf(expression: string, more?: Partial<EvaluationRequest>): Promise<string>
  jsonOf(expression: string): Promise<unknown>
  definition(name: string): string | undefined
  /** Expressions of the sets in scope, the last winning. */
  readonly sets: readonly string[]
  readonly defined: readonly string[]
}

export function createSession(context: Context, settings: Settings): Session {
  let files: string[] = []
  let sets: string[] = []
  const definitions = new Map<string, string>()

  const scoped = (expression: string): string => {
    const withs = sets.map((set) => `with (${set});\n`).join('')
    const lets = [...definitions].map(([name, value]) => `${name} = ${value}\n;`).join(' ')
    return `${withs}${definitions.size === 0 ? '' : `let ${lets} in `}\n${expression}\n`
  }
  const session: Session = {
    context,
    settings,
    get sets() {
      return sets
    },
    get defined() {
      return [...definitions.keys()]
    },
    definition: (name) => definitions.get(name),
    async addSet(expression) {
      const set = callable(expression, context, settings)
      const count = (await session.jsonOf(`builtins.length (builtins.attrNames (${set}))`)) as number
      sets.push(set)
      return count
    },
    async addFile(file) {
      const count = await session.addSet(importOf(file))
      files.push(file)
      return count
    },
    async reload() {
      const again = files
      files = []
      sets = []
      definitions.clear()
      let count = 0
      for (const file of again) count += await session.addFile(file)
      return count
    },
    async define(name, value) {
      // Parsed before it is kept, or every later line would fail.
      await session.textOf(`(x: null) (${value}\n)`)
      definitions.set(name, value)
    },
    async evaluate(expression, more = {}) {
      const request = evaluationRequest(context, settings, {
        output: 'value',
        write: true,
        expression: scoped(expression),
      })
      return evaluate({ ...request, ...more, arguments: {} })
    },
    async textOf(expression, more) {
      const { texts } = await session.evaluate(expression, more)
      return Buffer.from(texts[0] ?? '', 'latin1').toString('utf8')
    },
    jsonOf: async (expression) => JSON.parse(await session.textOf(expression, { output: 'json', strict: true })),
  }
  return session
}

/** A source that is a function is called with the platform and its own defaults. */
function callable(source: string, context: Context, settings: Settings): string {
  const platform = selectedPlatform(context.arguments.value('platform')) ?? settings.platform
  const args = platform === undefined ? '{ }' : `{ platform = ${JSON.stringify(platform)}; }`
  return `let value = (${source}\n); in if builtins.isFunction value then value (builtins.intersectAttrs (builtins.functionArgs value) ${args}) else value`
}

function importOf(file: string): string {
  if (file === '') throw new UserError('REPL_COMMAND', 'say which file: :l FILE')
  if (/^<.*>$/.test(file)) return `import ${file}`
  const path = resolve(file.startsWith('~/') ? join(homeDirectory(), file.slice(2)) : file)
  return `import (/. + ${JSON.stringify(path).replaceAll('${', '\\${')})`
}
