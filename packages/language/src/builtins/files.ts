import { splitStorePath } from '@baryon/format'
import { attrsFromEntries } from '../attrs.ts'
import { coerceToPath, coerceToString } from '../coerce.ts'
import { ContextCollector, makeString, pathElement } from '../context.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { canonicalPath } from '../path.ts'
import { realisePath } from '../realise-context.ts'
import { intern } from '../symbols.ts'
import { force } from '../thunk.ts'
import { Path, type Slot, type Value } from '../value.ts'
import { hashText } from './hashing.ts'

/** Reading files, and paths as text. */
export const fileBuiltins: readonly Builtin[] = [
  { name: '__readFile', arity: 1, code: readFile },
  { name: '__readDir', arity: 1, code: readDirectory },
  { name: '__pathExists', arity: 1, code: (evaluator, slot) => pathExists(evaluator, slot) },
  {
    name: '__hashFile',
    arity: 2,
    code: (evaluator, algorithm, slot) =>
      hashText(forceStringNoContext(algorithm), evaluator.io.readFile(realisePath(evaluator, slot))),
  },
  {
    name: '__toPath',
    arity: 1,
    code: (evaluator, slot) => {
      const context = new ContextCollector()
      return makeString(canonicalPath(coerceToPath(evaluator, slot, context)), context.context)
    },
  },
  {
    name: 'baseNameOf',
    arity: 1,
    code: (evaluator, slot) => {
      const context = new ContextCollector()
      return makeString(baseName(coerceToString(evaluator, slot, context, false, false)), context.context)
    },
  },
  {
    name: 'dirOf',
    arity: 1,
    code: (evaluator, slot) => {
      const value = force(slot)
      if (value instanceof Path) return new Path(directoryName(value.path))
      const context = new ContextCollector()
      return makeString(directoryName(coerceToString(evaluator, value, context, false, false)), context.context)
    },
  },
]

export const newerFileBuiltins: readonly Builtin[] = [
  {
    name: '__readFileType',
    arity: 1,
    code: (evaluator, slot) => {
      const path = realisePath(evaluator, slot)
      const type = evaluator.io.fileType(path)
      if (type === undefined) throw new ValueError(`path '${path}' does not exist`)
      return type
    },
  },
]

/** The last component; one trailing slash does not count. */
export function baseName(path: string): string {
  if (path === '') return ''
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end)
}

function directoryName(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash)
}

/** A file in the store carries the references of its store path. */
function readFile(evaluator: Evaluator, slot: Slot): Value {
  const path = realisePath(evaluator, slot)
  const { io } = evaluator
  const text = io.readFile(path)
  if (text.includes('\0')) {
    throw new ValueError(`the contents of the file '${path}' cannot be represented as a Nix string`)
  }
  if (!path.startsWith(`${io.storeDirectory}/`)) return text
  const storePath = storePathOf(io.storeDirectory, path)
  if (storePath === undefined || !io.isValidPath(storePath)) return text
  return makeString(text, io.queryReferences(storePath).map(pathElement))
}

/** The store path that a path lies in, when its first component has the form of one. */
export function storePathOf(storeDirectory: string, path: string): string | undefined {
  try {
    const split = splitStorePath(storeDirectory, path)
    return split === undefined ? undefined : path.slice(0, path.length - split.rest.length)
  } catch {
    return undefined
  }
}

function readDirectory(evaluator: Evaluator, slot: Slot): Value {
  const entries = evaluator.io.readDirectory(realisePath(evaluator, slot))
  return attrsFromEntries(
    entries.map((entry) => intern(entry.name)),
    entries.map((entry) => entry.type),
  )
}

/** A path that may not be read does not exist. */
function pathExists(evaluator: Evaluator, slot: Slot): boolean {
  const path = realisePath(evaluator, slot)
  try {
    return evaluator.io.fileType(path) !== undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'RESTRICTED_PATH') return false
    throw error
  }
}
