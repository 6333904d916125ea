import { fixedOutputPath, formatHash, formatStorePath, splitStorePath } from '@baryon/format'
import { nameOrder } from '../attrs.ts'
import { coerceToPath } from '../coerce.ts'
import { ContextCollector, contextElements, contextOf, contextText, makeString, pathElement } from '../context.ts'
import { derivationRegistry } from '../derivation-registry.ts'
import { EvaluationError, ValueError } from '../errors.ts'
import type { FileType } from '../eval-io.ts'
import type { Evaluator } from '../evaluator.ts'
import {
  forceAttrs,
  forceBool,
  forceFunction,
  forceString,
  forceStringNoContext,
  typeName,
  wrongType,
} from '../force.ts'
import { type Builtin, callFunction2, Lambda, PartialApp, PrimOp } from '../function.ts'
import { parseOutputHash } from '../output-hash.ts'
import { canonicalPath } from '../path.ts'
import { realiseContext } from '../realise-context.ts'
import { symbolText } from '../symbols.ts'
import { force } from '../thunk.ts'
import { NixString, type Slot, type Value } from '../value.ts'
import { baseName, storePathOf } from './files.ts'

/** Putting files into the store. */
export const storeFileBuiltins: readonly Builtin[] = [
  { name: '__toFile', arity: 2, code: toFile },
  { name: '__storePath', arity: 1, code: storePath },
  { name: '__filterSource', arity: 2, code: filterSource },
  { name: '__path', arity: 1, code: path },
]

function toFile(evaluator: Evaluator, nameSlot: Slot, contentsSlot: Slot): Value {
  const name = forceStringNoContext(nameSlot)
  const contents = forceString(contentsSlot)
  const references: string[] = []
  for (const element of contextElements(contextOf(contents))) {
    if (element.kind !== 'path') {
      throw new ValueError(
        `in 'toFile': the file named '${name}' must not contain a reference to a derivation but contains (${contextText(element)})`,
      )
    }
    references.push(element.path)
  }
  references.sort()
  const text = contents instanceof NixString ? contents.text : contents
  const added = evaluator.io.addText(name, text, references)
  derivationRegistry(evaluator.io).addText(added, references)
  return makeString(added, [pathElement(added)])
}

function storePath(evaluator: Evaluator, slot: Slot): Value {
  const { io } = evaluator
  if (evaluator.settings.pureEval) {
    throw new ValueError("'builtins.storePath' is not allowed in pure evaluation mode")
  }
  const context = new ContextCollector()
  let path = canonicalPath(coerceToPath(evaluator, slot, context))
  // Only a path directly in the store may be a link.
  if (storePathOf(io.storeDirectory, path) !== path) path = resolveLinks(evaluator, path)
  const found = splitStore(io.storeDirectory, path)
  if (found === undefined) throw new ValueError(`path '${path}' is not in the Nix store`)
  io.realise([], [found.top])
  context.add(pathElement(found.top))
  return makeString(path, context.context)
}

function splitStore(storeDirectory: string, path: string): { top: string; rest: string } | undefined {
  const split = splitStorePath(storeDirectory, path)
  return split === undefined ? undefined : { top: formatStorePath(storeDirectory, split.path), rest: split.rest }
}

/** Every symbolic link on the way resolved; what does not exist is an error. */
function resolveLinks(evaluator: Evaluator, path: string): string {
  const pending = path.split('/').filter((part) => part !== '')
  let resolved = ''
  let links = 0
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '.' || part === '') continue
    if (part === '..') {
      resolved = resolved.slice(0, Math.max(resolved.lastIndexOf('/'), 0))
      continue
    }
    const next = `${resolved}/${part}`
    const type = evaluator.io.fileType(next)
    if (type === undefined)
      throw new EvaluationError('EVAL_FILE', `getting status of '${next}': No such file or directory`)
    if (type !== 'symlink') {
      resolved = next
      continue
    }
    if (++links > 1024) throw new ValueError(`infinite symlink recursion in path '${path}'`)
    const target = evaluator.io.readLink(next)
    if (target.startsWith('/')) resolved = ''
    pending.unshift(...target.split('/'))
  }
  return resolved === '' ? '/' : resolved
}

function filterSource(evaluator: Evaluator, fnSlot: Slot, pathSlot: Slot): Value {
  const context = new ContextCollector()
  const path = coerceToPath(evaluator, pathSlot, context)
  const fn = force(fnSlot)
  if (!(fn instanceof Lambda || fn instanceof PrimOp || fn instanceof PartialApp)) {
    const message = `first argument in call to 'filterSource' is not a function but ${typeName(fn)}`
    throw new ValueError(message).inToday(() => wrongType(fn, 'a function').messageIn(true))
  }
  return addPath(evaluator, { path, name: baseName(path), filter: fn, recursive: true, sha256: undefined, context })
}

function path(evaluator: Evaluator, slot: Slot): Value {
  const attrs = forceAttrs(slot)
  const context = new ContextCollector()
  let path: string | undefined
  let name = ''
  let filter: Value | undefined
  let recursive = true
  let sha256: string | undefined
  for (const i of nameOrder(attrs)) {
    const key = symbolText(attrs.keys[i]!)
    const value = attrs.slots[i]!
    switch (key) {
      case 'path':
        path = coerceToPath(evaluator, value, context)
        break
      case 'name':
        name = forceStringNoContext(value)
        break
      case 'filter':
        filter = forceFunction(value)
        break
      case 'recursive':
        recursive = forceBool(value)
        break
      case 'sha256':
        sha256 = formatHash(
          parseOutputHash(forceStringNoContext(value), 'sha256', (message) => evaluator.io.log(message)),
          'base16',
          false,
        )
        break
      default:
        throw new ValueError(`unsupported argument '${key}' to 'addPath'`)
    }
  }
  if (path === undefined) throw new ValueError("'path' required")
  return addPath(evaluator, { path, name: name === '' ? baseName(path) : name, filter, recursive, sha256, context })
}

interface PathRequest {
  readonly path: string
  readonly name: string
  readonly filter: Value | undefined
  readonly recursive: boolean
  /** Base 16. */
  readonly sha256: string | undefined
  readonly context: ContextCollector
}

function addPath(evaluator: Evaluator, request: PathRequest): Value {
  const { path, name, filter, recursive, sha256 } = request
  const { io } = evaluator
  try {
    realiseContext(evaluator, request.context.context)
    const expected = sha256 === undefined ? undefined : expectedPath(io.storeDirectory, name, recursive, sha256)
    if (expected !== undefined && io.isValidPath(expected)) return makeString(expected, [pathElement(expected)])
    const added = io.addPath({
      path: canonicalPath(path),
      name,
      recursive,
      filter:
        filter === undefined
          ? undefined
          : (entry: string, type: FileType) => forceBool(callFunction2(filter, entry, type)),
      expectedSha256: sha256,
    })
    if (expected !== undefined && expected !== added) {
      throw new ValueError(`store path mismatch in (possibly filtered) path added from '${path}'`)
    }
    return makeString(added, [pathElement(added)])
  } catch (error) {
    if (evaluator.settings.showTrace && error instanceof EvaluationError) {
      error.addFrame(`while adding path '${path}'`, undefined)
    }
    throw error
  }
}

function expectedPath(storeDirectory: string, name: string, recursive: boolean, sha256: string): string {
  const hash = { algorithm: 'sha256', bytes: Buffer.from(sha256, 'hex') } as const
  return formatStorePath(
    storeDirectory,
    fixedOutputPath(storeDirectory, name, { method: recursive ? 'recursive' : 'flat', hash }),
  )
}
