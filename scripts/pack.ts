/**
 * Packs the sources of all commands into few files, which Node loads quicker than hundreds of small ones.
 *
 *   node scripts/pack.ts
 *
 *     build/current -> 3f0c9a…      replaced by a rename, when all of the new pack is on the disk
 *     build/3f0c9a…/cli-bin.mjs     the code of all programs, with its threads and what they load late beside it
 *     build/3f0c9a…/front.cjs       starts a front: loads its code, `nix-build.js`, and what V8 made of it, `nix-build.code`
 *     build/3f0c9a…/nix-build.sh    tells bin/baryon whether it may run the pack, or a source that counts for nix-build has
 *                                   changed since, and with which flags; likewise baryon.sh
 *
 * A pack is named by the states of its sources and never changed: a command that runs finds its own files, whatever is
 * packed meanwhile. Nothing in it is absolute, so a clone may be moved. Whoever changes a source runs the sources until
 * the next set-up.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Script } from 'node:vm'
import type { BuildOptions, Metafile, Plugin } from 'esbuild'
import { EVALUATION_FLAGS } from '../packages/evaluation/src/engine-flags.ts'

const clone = join(import.meta.dirname, '..')
const directory = join(clone, 'build')
const current = join(directory, 'current')

/** A pack that was replaced stays for a time: a server may have been started from it, and loads some code late. */
const KEPT_MILLISECONDS = 24 * 3600 * 1000
const CLOCK_TICK_MILLISECONDS = 20
/** Of all sources. */
const ALL = 'baryon.sh'

/**
 * How a front that evaluates is started. By itself V8 takes the little that survives in the first milliseconds for what
 * is to be expected, and collects all of the heap at 20 MB, which is a twentieth of what a small package of nixpkgs takes.
 * Each page of the space for new objects is first filled by the system, 2 µs for 4 KB, so that a small one is used again
 * sooner than a large one saves collections: 5,000 derivations take a tenth less. And Node would enter all strings of its
 * snapshot anew with other hashes, 3 of 27 ms, against names that are chosen to collide; but who chooses them here
 * can as well evaluate for as long as they like. One thread for V8 beside our own, where Node starts four: they take turns
 * on the memory that was just written, and a small package takes 7 % longer, a whole set 5 %, on two processors. All modules
 * of a pack are in one function, whose classes are variables to V8 unless it may keep a cell for each: only with cells does
 * it know what `instanceof` tests for. 5,000 derivations take 3 to 5 % less.
 *
 * Some could be set later, which loads node:v8, and with it streams. Compiled code belongs to such flags, also that of
 * Node's own modules: what loads many of these is better off without.
 */
const EVALUATION = [
  '--initial-heap-size=256',
  '--max-semi-space-size=2',
  '--no-rehash-snapshot',
  '--v8-pool-size=1',
  '--function-context-cells-max-size=100000',
  ...EVALUATION_FLAGS,
]

/** With the flags of Node. */
const FRONTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['nix-build', EVALUATION],
  ['nix-hash', []],
  ['nix-instantiate', EVALUATION],
  ['nix-shell', EVALUATION],
  ['nix-store', []],
])

const BILLION = 1_000_000_000n

/** What decides, beside the sources, what is in a pack; the second stands for all of node_modules. */
const tools = [
  'package-lock.json',
  'node_modules/.package-lock.json',
  'scripts/pack.ts',
  'scripts/warm-up.cjs',
  'scripts/warm-up.nix',
]

async function pack(): Promise<void> {
  const paths = globSync(['packages/*/{*,src/**/*}.{ts,json}', ...tools], { cwd: clone })
    .filter((path) => !path.endsWith('.test.ts'))
    .sort()
  const states = paths.map((path) => {
    const { size, mtimeNs } = statSync(join(clone, path), { bigint: true })
    return { path, size, mtimeNs }
  })
  const all = startText(states, [])
  const name = createHash('sha256').update(all).digest('hex').slice(0, 16)
  if (!existsSync(join(directory, name, ALL))) {
    // What is written once more within a tick of the clock keeps its time: it is read after that tick.
    await delay(CLOCK_TICK_MILLISECONDS)
    const { files, sources } = await bundle(name, paths.filter(isSource))
    for (const [front, flags] of FRONTS) {
      const ofFront = states.filter(({ path }) => !isSource(path) || sources.get(front)!.has(path))
      files.set(`${front}.sh`, startText(ofFront, flags))
    }
    await write(name, files.set(ALL, all))
  }
  select(name)
  removeOld(name)
}

function isSource(path: string): boolean {
  return path.startsWith('packages/') && path.endsWith('.ts')
}

interface State {
  readonly path: string
  readonly size: bigint
  readonly mtimeNs: bigint
}

/**
 * Size and time of all that the pack was made from decide whether it runs. One `stat` of coreutils reads them in a third of
 * the time that Node takes for it (14 of 43 ms), and where it is another `stat`, the sources run.
 */
function startText(states: readonly State[], flags: readonly string[]): string {
  const seconds = (time: bigint) => `${time / BILLION}.${String(time % BILLION).padStart(9, '0')}`
  return `# Written by scripts/pack.ts, read by bin/baryon.
baryon_is_fresh() {
  [ "$(cd "$1" && LC_ALL=C stat -L --printf='%s %.9Y\\n' -- \
${states.map(({ path }) => `${path} \\`).join('\n')}
2>/dev/null)" = '${states.map(({ size, mtimeNs }) => `${size} ${seconds(mtimeNs)}`).join('\n')}' ]
}
baryon_front_flags='${flags.join(' ')}'
`
}

// --- bundling ----------------------------------------------------------------------------------------------------

interface Bundle {
  /** By name in the pack. */
  readonly files: Map<string, Uint8Array | string>
  /** Of all that a front may load, by its name. */
  readonly sources: ReadonlyMap<string, ReadonlySet<string>>
}

async function bundle(name: string, sources: readonly string[]): Promise<Bundle> {
  const { build } = await import('esbuild')
  const common = {
    absWorkingDir: clone,
    outdir: directory,
    bundle: true,
    platform: 'node' as const,
    target: 'esnext',
    tsconfigRaw: '{}',
    write: false as const,
    metafile: true as const,
    logLevel: 'warning' as const,
    plugins: [addresses, builtins],
    define: { PACK: JSON.stringify(name) },
  } satisfies BuildOptions & { write: false; metafile: true }
  const fronts = await build({
    ...common,
    entryPoints: [...FRONTS.keys()].map(frontSource),
    format: 'cjs',
    define: { ...common.define, 'import.meta.url': '$address' },
    banner: { js: '(function (exports, require, module, $address) {' },
    footer: { js: '})' },
  })
  const entries = new Set(['packages/cli/bin.ts', ...sources.flatMap(namedModules)])
  const programs = await build({
    ...common,
    entryPoints: [...entries].map((path) => ({ in: path, out: packedName(path) })),
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    splitting: true,
    format: 'esm',
  })
  if (fronts.warnings.length + programs.warnings.length > 0) throw new Error('the bundler warned: nothing is packed')
  const files = new Map<string, Uint8Array | string>([
    ...programs.outputFiles.map(({ path, contents }) => [relative(directory, path), contents] as const),
    ...fronts.outputFiles.map(({ path, text }) => [relative(directory, path), withPlainModules(text)] as const),
    ['front.cjs', START],
  ])
  const inputs = { ...programs.metafile.inputs, ...fronts.metafile.inputs }
  return { files, sources: new Map([...FRONTS.keys()].map((name) => [name, reachable(inputs, frontSource(name))])) }
}

function frontSource(name: string): string {
  return `packages/cli/src/fronts/${name}.ts`
}

/**
 * The bundler names a module by making it the one method of an object. Four hundred objects of four hundred shapes are a
 * seventh of what V8 does before an evaluation begins; a function has none.
 */
function withPlainModules(text: string): string {
  const [begins, ends] = [/__esm\(\{\n {2}"[^"\n]*"\(\) \{\n/g, /\n {2}\}\n\}\);\n/g]
  const plain = text
    .replace(begins, '__esm(() => {\n')
    .replace(ends, '\n});\n')
    .replace('(0, fn[__getOwnPropNames(fn)[0]])(fn = 0)', 'fn(fn = 0)')
  // Another version of it may write something else.
  if (/__esm\(\{|fn\[__getOwn/.test(plain))
    throw new Error('the bundler writes modules in another way: nothing is packed')
  new Script(plain)
  return plain
}

/** The sources that one imports or starts, and those do. */
function reachable(inputs: Metafile['inputs'], source: string): Set<string> {
  const found = new Set([source])
  for (const path of found) {
    const imported = inputs[path]?.imports.map((one) => one.path) ?? []
    for (const other of [...imported, ...namedModules(path)]) if (isSource(other)) found.add(other)
  }
  return found
}

/**
 * One script for a front, because only of a script can V8 be asked for its compiled code after it has run; Node's cache
 * has what was compiled when the files were loaded, of the evaluator next to nothing: a small package of nixpkgs takes a
 * tenth less. Code that does not fit (another Node, another processor) is compiled anew. It has the name of the script,
 * which therefore is no path. The text is ASCII, which is read as it is. Other programs would read three megabytes for the
 * few functions that they run.
 */
const START = `'use strict'
const { closeSync, openSync, readSync, statSync } = require('node:fs')
const { pathToFileURL } = require('node:url')
const { constants, Script } = require('node:vm')
function sizeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
function read(path, size, memory) {
  const descriptor = openSync(path)
  let end = 0
  for (let count = 1; count > 0 && end < size; end += count) count = readSync(descriptor, memory, end, size - end, null)
  closeSync(descriptor)
  return memory.subarray(0, end)
}
function load(front) {
  const [file, code] = [__dirname + '/' + front + '.js', __dirname + '/' + front + '.code']
  const [fileSize, codeSize] = [sizeOf(file), sizeOf(code)]
  // Both are read into one piece of memory: each page that is new takes 3 of the 4 µs in which one is read.
  const memory = Buffer.allocUnsafeSlow(Math.max(fileSize, codeSize))
  const text = read(file, fileSize, memory).latin1Slice()
  let cachedData
  try {
    cachedData = read(code, codeSize, memory)
  } catch {}
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
  const script = new Script(text, { filename: front + '.js', cachedData, importModuleDynamically })
  const packed = { exports: {} }
  script.runInThisContext()(packed.exports, require, packed, pathToFileURL(file).href)
  return { script, main: packed.exports.main }
}
if (require.main === module) {
  const [program, ...words] = process.argv.slice(2)
  if (program === 'baryon') import('./cli-bin.mjs')
  else {
    // All is written and closed: Node would take its heap apart (2 of 31 ms), which the system takes back at once.
    load(program).main(words).then((status) => process.exit(status))
  }
} else module.exports = load
`

/** `import.meta.url`, also where `new URL('./other.ts', import.meta.url)` names another module, such as a thread's. */
const address = /(?:'(\.[^']*\.ts)',\s*)?\bimport\.meta\.url\b/g

function namedModules(path: string): string[] {
  const found = [...readFileSync(join(clone, path), 'utf8').matchAll(address)]
  return found.flatMap(([, target]) => (target === undefined ? [] : join(path, '..', target)))
}

function packedName(path: string): string {
  return path.replace(/^packages\/|\.ts$/g, '').replaceAll('/', '-')
}

/** To a packed source its address is still its own, seen from the pack; a module that it names is the packed one. */
const addresses: Plugin = {
  name: 'addresses',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
      const source = relative(clone, path)
      const text = readFileSync(path, 'utf8')
      if (/\bimport\.meta\.(?!url\b)/.test(text)) throw new Error('only import.meta.url means the same in a pack')
      const contents = text.replace(address, (_, target?: string) =>
        target === undefined
          ? `new URL('../../${source}', import.meta.url).href`
          : `'./${packedName(join(source, '..', target))}.mjs', import.meta.url`,
      )
      return { contents, loader: 'ts' }
    })
  },
}

/**
 * Loaded by the first use of something in them: node:crypto takes 20 ms, node:worker_threads 3; and by the first use of
 * themselves: to name `opendirSync` loads a module of Node's, 0.5 ms.
 */
const LATE = new Set(
  ['crypto', 'fs.opendirSync', 'os', 'sqlite', 'timers/promises', 'v8', 'worker_threads'].map((name) => `node:${name}`),
)

/**
 * Node's own modules without `import`: one of node:fs also loads what node:fs itself loads only when it is asked, such
 * as promises and streams (15 of 110 ms).
 */
const builtins: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin', sideEffects: false }))
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: builtinText(path) }))
  },
}

/** Each name by itself, so that those that nobody imports are left out. */
function builtinText(name: string): string {
  const builtin = process.getBuiltinModule(name) as Record<string, unknown>
  const lines = [
    'let $module',
    `const $load = () => ($module ??= process.getBuiltinModule('${name}'))`,
    'const $get = (key) => $load()[key]',
    'const $late = (key) => (...given) => $get(key)(...given)',
    'const $lateObject = (key) => new Proxy(function () {}, {',
    '  get: (_, name) => $get(key)[name],',
    '  construct: (_, given) => new ($get(key))(...given),',
    '})',
    'export default /* @__PURE__ */ $load()',
  ]
  for (const [key, value] of Object.entries(builtin)) {
    const late = /^[a-z]/.test(key) && typeof value === 'function' ? '$late' : '$lateObject'
    const isLate = LATE.has(name) || LATE.has(`${name}.${key}`)
    const get = isLate && value !== null && /function|object/.test(typeof value) ? late : '$get'
    lines.push(`export const ${key} = /* @__PURE__ */ ${get}('${key}')`)
  }
  return lines.join('\n')
}

// --- on the disk -------------------------------------------------------------------------------------------------

/** Synced: a file that is empty after a loss of power would run as a command that does nothing. */
async function write(name: string, files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
  const aside = join(directory, `.new-${name}-${process.pid}`)
  mkdirSync(aside, { recursive: true })
  try {
    // Side by side: the file system syncs many at the cost of a few.
    await Promise.all([...files].map(([file, contents]) => writeFile(join(aside, file), contents, { flush: true })))
    await compile(aside)
    renameSync(aside, join(directory, name))
  } catch (error) {
    // Where somebody else has packed the same meanwhile, that is as good.
    if (!existsSync(join(directory, name, ALL))) throw error
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

async function compile(pack: string): Promise<void> {
  const warmUp = join(import.meta.dirname, 'warm-up.cjs')
  const compiled = await Promise.all(
    [...FRONTS].map(async ([front, flags]) => {
      const child = spawn(process.execPath, [...flags, warmUp, pack, front], { stdio: 'ignore' })
      // Or why it could not be started.
      return once(child, 'close').then(
        ([status]) => status === 0,
        () => false,
      )
    }),
  )
  if (compiled.includes(false)) console.error('pack: the commands could not be compiled beforehand, and start slower')
}

function select(name: string): void {
  // What is replaced is kept for a time after that, however long it was in use.
  if (existsSync(current)) utimesSync(current, new Date(), new Date())
  const link = join(directory, `.current-${process.pid}`)
  rmSync(link, { force: true })
  symlinkSync(name, link)
  renameSync(link, current)
}

function removeOld(name: string): void {
  for (const other of readdirSync(directory)) {
    if (other === name || other === 'current') continue
    const changed = statSync(join(directory, other), { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (Date.now() - changed > KEPT_MILLISECONDS) rmSync(join(directory, other), { recursive: true, force: true })
  }
}

await pack()
