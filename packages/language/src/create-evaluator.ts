import { attrsFromEntries } from './attrs.ts'
import { allBuiltins, newerBuiltins } from './builtins/all.ts'
import { CallDepth } from './call-depth.ts'
import { compile } from './compile.ts'
import { coreBuiltins } from './core-builtins.ts'
import { CORE_PACKAGE_PREFIX, CORE_PACKAGES } from './core-packages.ts'
import { EvaluationError, SearchPathError, ValueError } from './errors.ts'
import type { EvalIo } from './eval-io.ts'
import type { EvalSettings, Evaluator, SearchPathEntry } from './evaluator.ts'
import type { FlatFile } from './flat.ts'
import { type Builtin, PrimOp, type PrimOpCode } from './function.ts'
import { decodeParsedFile, encodeParsedFile, type ParseCache } from './parse-cache.ts'
import { parseSource } from './parse-file.ts'
import { canonicalPath, directoryOf } from './path.ts'
import { lineColumn, type Position } from './position.ts'
import { SharedResults } from './shared-results.ts'
import { intern, symbolText } from './symbols.ts'
import { type SyntaxFeatures, syntaxFeatures } from './syntax-features.ts'
import { lateValue, lazy, type Thunk } from './thunk.ts'
import { Unit } from './unit.ts'
import type { Attrs, Env, Slot, SourceFile, Value } from './value.ts'

export interface EvaluatorOptions {
  readonly io: EvalIo
  readonly settings: EvalSettings
  readonly parseCache?: ParseCache
  /** Told of each file, how many were evaluated before it. */
  readonly onFile?: ((count: number) => void) | undefined
}

/** An evaluator with all builtins. Files are read through `io`, each evaluated once. */
export function createEvaluator(options: EvaluatorOptions): Evaluator {
  return new FileEvaluator(options)
}

class FileEvaluator implements Evaluator {
  readonly io: EvalIo
  readonly settings: EvalSettings
  readonly callDepth: CallDepth | undefined
  readonly builtins: Attrs
  readonly globalNames: ReadonlySet<string>
  readonly #features: SyntaxFeatures
  readonly #globals: Map<string, Slot>
  readonly #parseCache: ParseCache | undefined
  readonly #cachePrefix: string
  readonly #onFile: ((count: number) => void) | undefined
  readonly #values = new SharedResults<Value>('file')
  readonly #resolved = new SharedResults<string>('path')
  /** Null: there is none. */
  readonly #searchEntries = new SharedResults<string | null>('search path')

  constructor(options: EvaluatorOptions) {
    this.io = options.io
    this.settings = options.settings
    this.#onFile = options.onFile
    const { maxCallDepth } = options.settings
    this.callDepth = maxCallDepth === undefined ? undefined : new CallDepth(maxCallDepth, options.settings)
    // What is kept says nothing of literals that are discouraged.
    const isLinted = Object.values(options.settings.lints).some((level) => level !== 'ignore')
    this.#parseCache = isLinted ? undefined : options.parseCache
    const { globals, builtins } = makeGlobals(this)
    this.builtins = builtins
    this.#globals = globals
    this.globalNames = new Set(globals.keys())
    this.#features = syntaxFeatures(options.settings, options.io)
    // The flat form depends on which names are global, and on the syntax.
    const { newer, pipes } = this.#features
    this.#cachePrefix = `${hashNames([...globals.keys()])}${newer ? 'n' : ''}${pipes ? 'p' : ''}:`
  }

  importFile(path: string): Value {
    const file = this.#resolve(path)
    return this.#values.get(file, () => {
      this.#onFile?.(this.#values.size)
      return this.#evaluateFile(file)
    })
  }

  importScoped(scope: Attrs, path: string): Value {
    const file = this.#resolve(path)
    const source = this.#read(file)
    const sourceFile = this.#sourceFile(file)
    const names = scope.keys.map(symbolText)
    const parsed = parseSource(sourceFile, source, {
      globals: this.globalNames,
      scope: names,
      features: this.#features,
    })
    const unit = new Unit(this, this.#globals, parsed, sourceFile, directoryOf(file))
    return compile(unit, parsed.root)([null, ...scope.slots])
  }

  evaluateText(source: string, basePath: string, name: string): Value {
    const file: SourceFile = { name, source: () => source }
    const parsed = parseSource(file, source, { globals: this.globalNames, features: this.#features })
    return compile(new Unit(this, this.#globals, parsed, file, basePath), parsed.root)(EMPTY_ENV)
  }

  findFile(entries: readonly SearchPathEntry[], name: string): string {
    for (const entry of entries) {
      let rest: string
      if (entry.prefix === '') rest = `/${name}`
      else if (name === entry.prefix) rest = ''
      else if (name.startsWith(`${entry.prefix}/`)) rest = name.slice(entry.prefix.length)
      else continue
      const root = this.#searchEntries.get(entry.path, () => this.#searchEntry(entry.path))
      if (root === null) continue
      const path = root + rest
      if (this.io.fileType(path) !== undefined) return canonicalPath(path)
    }
    if (name.startsWith('nix/')) return CORE_PACKAGE_PREFIX + name.slice(4)
    if (this.settings.pureEval) {
      throw new SearchPathError(name, `cannot look up '<${name}>' in pure evaluation mode (use '--impure' to override)`)
    }
    throw new SearchPathError(name)
  }

  positionValue(position: Position | undefined): Slot {
    if (position === undefined) return null
    // Nobody looks at most of them, and a file whose parsed form is kept would be read for nothing else.
    const late = (key: 'line' | 'column'): Thunk =>
      lateValue(() => lineColumn(position.file.source(), position.offset)[key])
    // For a text that is no file Nix gives the text itself.
    const file = position.file.name.startsWith('/') ? position.file.name : position.file.source()
    return attrsFromEntries([FILE, LINE, COLUMN], [file, late('line'), late('column')])
  }

  #evaluateFile(file: string): Value {
    const sourceFile = this.#sourceFile(file)
    const parsed = this.#parse(file, sourceFile)
    const unit = new Unit(this, this.#globals, parsed, sourceFile, directoryOf(file))
    try {
      return compile(unit, parsed.root)(EMPTY_ENV)
    } catch (error) {
      if (this.settings.showTrace && error instanceof EvaluationError) {
        error.addFrame(`while evaluating the file '${file}':`, undefined)
      }
      throw error
    }
  }

  #parse(file: string, sourceFile: SourceFile): FlatFile {
    const cache = this.#parseCache
    if (cache === undefined || file.startsWith(CORE_PACKAGE_PREFIX)) return this.#parseAnew(file, sourceFile)
    const fingerprint = this.io.fingerprint(file)
    if (fingerprint === undefined) return this.#parseAnew(file, sourceFile)
    const key = this.#cachePrefix + fingerprint
    const stored = cache.get(file, key)
    const decoded = stored === undefined ? undefined : decodeParsedFile(stored)
    if (decoded !== undefined) return decoded
    const parsed = this.#parseAnew(file, sourceFile)
    cache.put(file, key, encodeParsedFile(parsed))
    return parsed
  }

  #parseAnew(file: string, sourceFile: SourceFile): FlatFile {
    return parseSource(sourceFile, this.#read(file), { globals: this.globalNames, features: this.#features })
  }

  #read(file: string): string {
    if (file.startsWith(CORE_PACKAGE_PREFIX)) {
      const text = CORE_PACKAGES.get(file.slice(CORE_PACKAGE_PREFIX.length))
      if (text !== undefined) return text
    }
    return this.io.readFile(file)
  }

  /** Positions read the text again, and only when they are shown. */
  #sourceFile(file: string): SourceFile {
    return { name: file, source: () => this.#read(file) }
  }

  /** Symbolic links followed, and the `default.nix` of a directory. */
  #resolve(path: string): string {
    return this.#resolved.get(path, () => this.#resolveAnew(path))
  }

  #resolveAnew(path: string): string {
    if (path.startsWith(CORE_PACKAGE_PREFIX)) return path
    let file = path
    let links = 0
    let type = this.io.fileType(file)
    while (type === 'symlink') {
      if (++links > MAX_LINKS)
        throw new ValueError(`too many symbolic links encountered while traversing the path '${path}'`)
      const target = this.io.readLink(file)
      file = canonicalPath(target.startsWith('/') ? target : `${directoryOf(file)}/${target}`)
      type = this.io.fileType(file)
    }
    if (type === undefined) {
      throw new EvaluationError('EVAL_FILE', `getting status of '${file}': No such file or directory`).inToday(
        () => `path '${file}' does not exist`,
      )
    }
    return type === 'directory' ? this.#resolve(file === '/' ? '/default.nix' : `${file}/default.nix`) : file
  }

  #searchEntry(path: string): string | null {
    if (/^(https?|file|ftp):\/\//.test(path) || path.startsWith('channel:')) {
      const url = path.startsWith('channel:') ? `https://nixos.org/channels/${path.slice(8)}/nixexprs.tar.xz` : path
      return this.io.fetch({ kind: 'tarball', attributes: { url, name: 'source' } }).outPath
    }
    if (this.io.fileType(path) !== undefined) return canonicalPath(path)
    this.io.log(`warning: Nix search path entry '${path}' does not exist, ignoring`)
    return null
  }
}

const FILE = intern('file')
const LINE = intern('line')
const COLUMN = intern('column')
const MAX_LINKS = 100
const EMPTY_ENV: Env = [null]

function makeGlobals(evaluator: Evaluator): { globals: Map<string, Slot>; builtins: Attrs } {
  const table = [...coreBuiltins, ...allBuiltins, ...(evaluator.settings.newerFeatures ? newerBuiltins : [])]
  const globals = new Map<string, Slot>()
  const symbols: number[] = []
  const slots: Slot[] = []
  for (const builtin of table) {
    const name = builtin.name.startsWith('__') ? builtin.name.slice(2) : builtin.name
    const slot = builtinSlot(builtin, name, evaluator)
    globals.set(builtin.name, slot)
    symbols.push(intern(name))
    slots.push(slot)
  }
  symbols.push(intern('builtins'))
  slots.push(lazy(() => evaluator.builtins))
  const builtins = attrsFromEntries(symbols, slots, true)
  globals.set('builtins', builtins)
  return { globals, builtins }
}

function builtinSlot(builtin: Builtin, name: string, evaluator: Evaluator): Slot {
  if (builtin.arity > 0) return new PrimOp(name, builtin, counted(builtin.code, evaluator), evaluator)
  const code = builtin.code as (evaluator: Evaluator) => Value
  // A constant, which printing shows. An answer that knows the time is not kept, so it is asked for only when it is used.
  return name === 'currentTime' ? lazy(() => code(evaluator)) : code(evaluator)
}

function counted(code: PrimOpCode, evaluator: Evaluator): PrimOpCode {
  const depth = evaluator.callDepth
  if (depth === undefined) return code
  return (using, a, b, c) => {
    depth.enter()
    try {
      return code(using, a, b, c)
    } finally {
      depth.leave()
    }
  }
}

function hashNames(names: string[]): string {
  let hash = 0x811c9dc5
  for (const c of names.sort().join('\n')) hash = Math.imul(hash ^ c.charCodeAt(0), 0x01000193)
  return (hash >>> 0).toString(16)
}
