import { fixedOutputPath, formatHash, formatStorePath, type Hash } from '@baryon/format'
import { attrsFromEntries, getAttribute, nameOrder } from '../attrs.ts'
import { coerceToString } from '../coerce.ts'
import { ContextCollector, makeString, pathElement } from '../context.ts'
import { EvaluationError, ValueError } from '../errors.ts'
import type { FetchRequest, FetchResult } from '../eval-io.ts'
import type { Evaluator } from '../evaluator.ts'
import { parseFlakeReference } from '../flake-reference.ts'
import { forceBool, forceInt, forceStringNoContext } from '../force.ts'
import type { Builtin } from '../function.ts'
import { parseAnyHash, parseOutputHash } from '../output-hash.ts'
import { realiseContext } from '../realise-context.ts'
import { checkStoreName } from '../store-name.ts'
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
  checkStoreName(evaluator.settings, name, (problem) => {
    const what = `invalid store path name when fetching URL '${url}': ${problem}`
    return `${what}. Please ${howToName(argument, who)} so that it can create a valid store path.`
  })
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

function howToName(argument: Value, who: string): string {
  if (!(argument instanceof Attrs)) return `pass an attribute set with 'url' and 'name' attributes to '${who}', `
  return getAttribute(argument, intern('name')) === undefined
    ? `add a valid 'name' attribute to the argument for '${who}',`
    : `change the value for the 'name' attribute passed to '${who}',`
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
      else {
        const number = Number(forceInt(value))
        if (number < 0 && evaluator.settings.newerFeatures) {
          throw new ValueError(`negative value given for '${WHO[kind]}' argument '${key}': ${number}`)
        }
        attributes[key] = number
      }
    }
    if (attributes.url === undefined && kind !== 'tree') {
      throw kind === 'git'
        ? new EvaluationError('EVAL_TYPE', "input attribute 'url' is missing")
        : new ValueError("'url' argument required")
    }
  } else if (kind === 'tree') {
    Object.assign(attributes, parseFlakeReference(text(argument)))
  } else {
    attributes.url = text(argument)
  }
  realiseContext(evaluator, context.context)
  return fetchAttributes(evaluator, kind, attributes)
}

/** `fetchTree` of known attributes. */
export function fetchTreeAttributes(evaluator: Evaluator, attributes: FetchRequest['attributes']): Attrs {
  return fetchAttributes(evaluator, 'tree', attributes)
}

function fetchAttributes(
  evaluator: Evaluator,
  kind: FetchRequest['kind'],
  attributes: FetchRequest['attributes'],
): Attrs {
  if (evaluator.settings.pureEval && attributes.rev === undefined && attributes.narHash === undefined) {
    throw new ValueError(`in pure evaluation mode, '${WHO[kind]}' requires a locked input`)
  }
  const { type, url } = attributes
  if (kind === 'tree' && type === 'tarball' && typeof url === 'string' && /^file:(?!\/)/.test(url)) {
    const rule = "must use an absolute path. The 'file' scheme does not support relative paths."
    throw new ValueError(`tarball '${url}' ${rule}`)
  }
  const result = presentTree(evaluator, kind, attributes) ?? evaluator.io.fetch({ kind, attributes })
  const symbols = [intern('outPath')]
  const slots: Slot[] = [makeString(result.outPath, [pathElement(result.outPath)])]
  for (const [key, value] of Object.entries(result.attributes)) {
    if (key === 'outPath') continue
    symbols.push(intern(key))
    slots.push(value)
  }
  return attrsFromEntries(symbols, slots)
}

/** A tree whose hash is known is not fetched when the store has it. */
function presentTree(
  { io }: Evaluator,
  kind: FetchRequest['kind'],
  attributes: FetchRequest['attributes'],
): FetchResult | undefined {
  const { narHash, lastModified, rev } = attributes
  if (kind !== 'tree' || typeof narHash !== 'string') return undefined
  const hash = parseAnyHash(narHash, 'sha256')
  const path = fixedOutputPath(io.storeDirectory, 'source', { method: 'recursive', hash })
  const outPath = formatStorePath(io.storeDirectory, path)
  if (!io.isValidPath(outPath)) return undefined
  const told: Record<string, string | number | boolean> = { narHash: formatHash(hash, 'sri') }
  for (const name of ['lastModified', 'rev', 'revCount', 'submodules']) {
    if (attributes[name] !== undefined) told[name] = attributes[name]
  }
  if (typeof rev === 'string') told.shortRev = rev.slice(0, 7)
  if (typeof lastModified === 'number') {
    told.lastModifiedDate = new Date(lastModified * 1000)
      .toISOString()
      .replace(/[^0-9]/g, '')
      .slice(0, 14)
  }
  return { outPath, attributes: told }
}

const WHO: Readonly<Record<FetchRequest['kind'], string>> = {
  url: 'fetchurl',
  tarball: 'fetchTarball',
  git: 'fetchGit',
  mercurial: 'fetchMercurial',
  tree: 'fetchTree',
}
