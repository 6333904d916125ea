/** What the word at the end of a line can become. */
import { readdirSync } from 'node:fs'
import { homeDirectory } from '@baryon/files'
import { UserError } from '@baryon/format'
import type { Session } from './session.ts'

/** The candidates, and the end of the line that each of them would replace. */
export async function complete(
  line: string,
  session: Pick<Session, 'jsonOf' | 'sets' | 'defined'>,
  commands: readonly string[],
): Promise<[candidates: string[], replaced: string]> {
  if (/^:\S*$/.test(line)) return [commands.filter((command) => command.startsWith(line)), line]
  const file = /^:l(?:oad)?\s+(\S*)$/.exec(line)?.[1]
  if (file !== undefined) return [filesWith(file), file]
  const [, set, prefix] =
    /((?:[A-Za-z_][\w'-]*|"[^"]*")(?:\.(?:[A-Za-z_][\w'-]*|"[^"]*"))*)\.([\w'-]*)$/.exec(line) ?? []
  if (set !== undefined) {
    const names = await namesOf(session, set)
    return [starting(names.map(shown), prefix!).map((name) => `${set}.${name}`), `${set}.${prefix}`]
  }
  const word = /[A-Za-z_][\w'-]*$/.exec(line)?.[0] ?? ''
  if (word === '') return [[], '']
  const inScope = await Promise.all(session.sets.map((one) => namesOf(session, one)))
  return [starting([...session.defined, ...inScope.flat(), ...GLOBALS, ...KEYWORDS], word), word]
}

const KEYWORDS = ['assert', 'else', 'if', 'in', 'inherit', 'let', 'or', 'rec', 'then', 'with']
/** Builtins that need no `builtins.` in front. */
const GLOBALS = [
  ...['abort', 'baseNameOf', 'break', 'builtins', 'derivation', 'derivationStrict', 'dirOf', 'false', 'fetchGit'],
  ...['fetchMercurial', 'fetchTarball', 'fetchTree', 'import', 'isNull', 'map', 'null', 'placeholder', 'removeAttrs'],
  ...['scopedImport', 'throw', 'toString', 'true'],
]

function starting(names: readonly string[], prefix: string): string[] {
  return [...new Set(names)].filter((name) => name.startsWith(prefix)).sort()
}

/** None for what is no set, or fails: a key press is no place for an error. */
async function namesOf(session: Pick<Session, 'jsonOf'>, set: string): Promise<string[]> {
  try {
    const names = await session.jsonOf(
      `let value = ${set}\n; in if builtins.isAttrs value then builtins.attrNames value else [ ]`,
    )
    return names as string[]
  } catch (error) {
    if (error instanceof UserError) return []
    throw error
  }
}

function shown(name: string): string {
  return /^[A-Za-z_][\w'-]*$/.test(name) ? name : JSON.stringify(name)
}

function filesWith(prefix: string): string[] {
  const slash = prefix.lastIndexOf('/') + 1
  const [directory, start] = [prefix.slice(0, slash), prefix.slice(slash)]
  try {
    return readdirSync(directory === '' ? '.' : directory.replace(/^~\//, `${homeDirectory()}/`), {
      withFileTypes: true,
    })
      .filter(({ name }) => name.startsWith(start) && (start !== '' || !name.startsWith('.')))
      .map((entry) => `${directory}${entry.name}${entry.isDirectory() ? '/' : ''}`)
      .sort()
  } catch {
    return []
  }
}
