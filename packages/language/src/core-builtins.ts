import { parseDerivation } from '@baryon/format'
import { attributePosition } from './attribute-position.ts'
import { attrsFromEntries, getAttribute } from './attrs.ts'
import { coerceToString } from './coerce.ts'
import { ContextCollector, deepElement, makeString, outputElement } from './context.ts'
import { ValueError } from './errors.ts'
import type { Evaluator, SearchPathEntry } from './evaluator.ts'
import { forceAttrs, forceList, forceStringNoContext } from './force.ts'
import { type Builtin, callFunction } from './function.ts'
import { canonicalPath } from './path.ts'
import { realiseContext, realisePath } from './realise-context.ts'
import { findSymbol, intern } from './symbols.ts'
import { Path, type Slot, type Value } from './value.ts'

/** The builtins that reach into the evaluator itself: files, search path, positions, constants. */
export const coreBuiltins: readonly Builtin[] = [
  { name: 'true', arity: 0, code: () => true },
  { name: 'false', arity: 0, code: () => false },
  { name: 'null', arity: 0, code: () => null },
  { name: 'import', arity: 1, code: importPath },
  {
    name: 'scopedImport',
    arity: 2,
    code: (evaluator, scope, path) => {
      const attrs = forceAttrs(scope)
      return evaluator.importScoped(attrs, realisePath(evaluator, path))
    },
  },
  { name: '__findFile', arity: 2, code: findFile },
  { name: '__nixPath', arity: 0, code: nixPath },
  {
    name: '__unsafeGetAttrPos',
    arity: 2,
    code: (evaluator, name, set) => {
      const text = forceStringNoContext(name)
      const attrs = forceAttrs(set)
      // Only now: names of a file are interned when its code runs.
      const symbol = findSymbol(text)
      if (symbol === undefined || getAttribute(attrs, symbol) === undefined) return null
      return evaluator.positionValue(attributePosition(attrs, symbol)) as Value
    },
  },
]

const PATH = intern('path')
const PREFIX = intern('prefix')

function importPath(evaluator: Evaluator, slot: Slot): Value {
  const path = canonicalPath(realisePath(evaluator, slot))
  if (isDerivationPath(evaluator, path)) return importDerivation(evaluator, path)
  return evaluator.importFile(path)
}

function isDerivationPath(evaluator: Evaluator, path: string): boolean {
  if (!path.endsWith('.drv')) return false
  const prefix = `${evaluator.io.storeDirectory}/`
  return path.startsWith(prefix) && !path.slice(prefix.length).includes('/') && evaluator.io.isValidPath(path)
}

/** A `.drv` of the store as the derivation that it is. */
function importDerivation(evaluator: Evaluator, path: string): Value {
  const derivation = parseDerivation(evaluator.io.readDerivation(path))
  const names = [...derivation.outputs.keys()].sort()
  const symbols = [intern('drvPath'), intern('name'), intern('outputs')]
  const slots: Slot[] = [makeString(path, [deepElement(path)]), derivation.env.get('name') ?? '', names]
  for (const [name, output] of derivation.outputs) {
    symbols.push(intern(name))
    slots.push(makeString(output.path, [outputElement(path, name)]))
  }
  return callFunction(
    evaluator.evaluateText(IMPORTED_DERIVATION, '/', '«imported derivation»'),
    attrsFromEntries(symbols, slots),
  )
}

const IMPORTED_DERIVATION = `
drv:
let
  select = output: {
    name = output;
    value = common // { outPath = drv.\${output}; outputName = output; };
  };
  list = map select drv.outputs;
  common = builtins.listToAttrs list // {
    all = map (o: o.value) list;
    inherit (drv) drvPath name;
    type = "derivation";
  };
in (builtins.head list).value
`

function findFile(evaluator: Evaluator, pathSlot: Slot, nameSlot: Slot): Value {
  const entries: SearchPathEntry[] = []
  for (const item of forceList(pathSlot)) {
    const attrs = forceAttrs(item)
    const prefix = getAttribute(attrs, PREFIX)
    const path = getAttribute(attrs, PATH)
    if (path === undefined) throw new ValueError("attribute 'path' missing")
    const context = new ContextCollector()
    const text = coerceToString(evaluator, path, context, false, false)
    realiseContext(evaluator, context.context)
    entries.push({ prefix: prefix === undefined ? '' : forceStringNoContext(prefix), path: text })
  }
  return new Path(evaluator.findFile(entries, forceStringNoContext(nameSlot)))
}

function nixPath(evaluator: Evaluator): Value {
  return evaluator.settings.searchPath.map((entry) => attrsFromEntries([PATH, PREFIX], [entry.path, entry.prefix]))
}
