import { fixedOutputPath, formatHash, formatStorePath, type Hash } from '@baryon/format'
import { attrsFromEntries, nameOrder } from '../attrs.ts'
import { coerceToString } from '../coerce.ts'
import { ContextCollector, makeString, pathElement } from '../context.ts'
import { EvaluationError, ValueError } from '../errors.ts'
import type { FetchRequest } from '../eval-io.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceBool, forceInt, forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { parseOutputHash } from '../output-hash.ts'
import { realiseContext } from '../realise-context.ts'
import { intern, symbolText } from '../symbols.ts'
import { force } from '../thunk.ts'
import { Attrs, NixString, Path, type Slot, type Value } from '../value.ts'
import { baseName } from './files.ts'

/** Getting things from elsewhere; the work is the world's (`EvalIo.fetch`). */
export const fetcherBuiltins: readonly Builtin[] = [
  { name: '__fetchurl', arity: 1, code: (evaluator, slot) => fetchFile(evaluator, slot, 'url', 'fetchurl') },
  { name: 'fetchTarball', arity: 1, code: (evaluator, slot) => fetchFile(evaluator, slot, 'tarball', 'fetchTarball') },
  { name: 'fetchGit', arity: 1, code: (evaluator, slot) => fetchTree(evaluator, slot, 'git') },
  { name: 'fetchMercurial', arity: 1, code: (evaluator, slot) => fetchTree(evaluator, slot, 'mercurial') },
  {
    name: 'fetchTree',
    arity: 1,
    code: (evaluator, slot) => {
      if (!evaluator.settings.newerFeatures) {
        throw new EvaluationError(
          'EXPERIMENTAL_FEATURE',
          "experimental Nix feature 'flakes' is disabled; use '--extra-experimental-features flakes' to override",
        )
      }
      return fetchTree(evaluator, slot, 'tree')
    },
  },
]

export const newerFetcherBuiltins: readonly Builtin[] = [
  {
    name: '__getFlake',
    arity: 1,
    code: (_, slot) => {
      const reference = forceStringNoContext(slot)
      throw new EvaluationError(
        'FLAKES_UNSUPPORTED',
        `cannot get flake '${reference}': flakes are not supported; fetch it with 'builtins.fetchGit' or 'builtins.fetchTarball' and a hash, and import its default.nix`,
      )
    },
  },
]

function fetchFile(evaluator: Evaluator, slot: Slot, kind: 'url' | 'tarball', who: string): Value {
  const { io } = evaluator
  const argument = force(slot)
  let url: string | undefined
  let hash: Hash | undefined
  let name = kind === 'tarball' ? 'source' : ''
  if (argument instanceof Attrs) {
    for (const i of nameOrder(argument)) {
      const key = symbolText(argument.keys[i]!)
      const value = argument.slots[i]!
      if (key === 'url') url = forceStringNoContext(value)
      else if (key === 'name') name = forceStringNoContext(value)
      else if (key === 'sha256') {
        hash = parseOutputHash(forceStringNoContext(value), 'sha256', (message) => io.log(message))
      } else {
        throw new ValueError(`unsupported argument '${key}' to '${who}'`)
      }
    }
    if (url === undefined) throw new ValueError("'url' argument required")
  } else {
    url = forceStringNoContext(argument)
  }
  if (name === '') name = baseName(url)
  if (evaluator.settings.pureEval && hash === undefined) {
    throw new ValueError(`in pure evaluation mode, '${who}' requires a 'sha256' argument`)
  }
  if (hash !== undefined) {
    const method = kind === 'tarball' ? 'recursive' : 'flat'
    const expected = formatStorePath(io.storeDirectory, fixedOutputPath(io.storeDirectory, name, { method, hash }))
    if (io.isValidPath(expected)) return makeString(expected, [pathElement(expected)])
  }
  const attributes: Record<string, string> = { url, name }
  if (hash !== undefined) attributes.sha256 = formatHash(hash, 'base16', false)
  const { outPath } = io.fetch({ kind, attributes })
  return makeString(outPath, [pathElement(outPath)])
}

/** Attributes are passed on as they are; the fetcher knows which it takes. */
function fetchTree(evaluator: Evaluator, slot: Slot, kind: FetchRequest['kind']): Value {
  const argument = force(slot)
  const attributes: Record<string, string | number | boolean> = {}
  const context = new ContextCollector()
  const text = (value: Slot): string => coerceToString(evaluator, value, context, false, false)
  if (argument instanceof Attrs) {
    for (const i of nameOrder(argument)) {
      const key = symbolText(argument.keys[i]!)
      const value = force(argument.slots[i]!)
      if (value === null) continue
      if (key === 'url' || typeof value === 'string' || value instanceof NixString || value instanceof Path) {
        attributes[key] = text(value)
      } else if (typeof value === 'boolean') attributes[key] = forceBool(value)
      else attributes[key] = Number(forceInt(value))
    }
    if (attributes.url === undefined && kind !== 'tree') {
      throw kind === 'git'
        ? new EvaluationError('EVAL_TYPE', "input attribute 'url' is missing")
        : new ValueError("'url' argument required")
    }
  } else {
    attributes.url = text(argument)
  }
  if (evaluator.settings.pureEval && attributes.rev === undefined && attributes.narHash === undefined) {
    throw new ValueError(`in pure evaluation mode, '${WHO[kind]}' requires a locked input`)
  }
  realiseContext(evaluator, context.context)
  const result = evaluator.io.fetch({ kind, attributes })
  const symbols = [intern('outPath')]
  const slots: Slot[] = [makeString(result.outPath, [pathElement(result.outPath)])]
  for (const [key, value] of Object.entries(result.attributes)) {
    if (key === 'outPath') continue
    symbols.push(intern(key))
    slots.push(value)
  }
  return attrsFromEntries(symbols, slots)
}

const WHO: Readonly<Record<FetchRequest['kind'], string>> = {
  url: 'fetchurl',
  tarball: 'fetchTarball',
  git: 'fetchGit',
  mercurial: 'fetchMercurial',
  tree: 'fetchTree',
}
