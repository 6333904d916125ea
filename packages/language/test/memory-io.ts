/** An `EvalIo` for tests: reads real files, keeps what goes into the store in memory. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { fixedOutputPath, formatStorePath, hashBytes, textPath } from '@baryon/format'
import {
  createEvaluator,
  type EvalIo,
  type EvalSettings,
  type Evaluator,
  type FileType,
  type ParseCache,
} from '../index.ts'

export interface MemoryIo extends EvalIo {
  readonly messages: string[]
  readonly store: Map<string, string>
}

export function memoryIo(storeDirectory = '/nix/store'): MemoryIo {
  const store = new Map<string, string>()
  const messages: string[] = []
  const refuse = (what: string) => (): never => {
    throw new Error(`${what} in a test`)
  }
  return {
    messages,
    store,
    storeDirectory,
    readFile: (path) => store.get(path) ?? readFileSync(Buffer.from(path, 'latin1'), 'latin1'),
    fileType: (path) => {
      const status = lstatSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false })
      return store.has(path) ? 'regular' : status === undefined ? undefined : typeOf(status)
    },
    readLink: (path) => readlinkSync(path, 'latin1'),
    readDirectory: (path) => readdirSync(path).map((name) => ({ name, type: typeOf(lstatSync(`${path}/${name}`)) })),
    fingerprint: (path) => {
      const status = lstatSync(path)
      return `${status.size}:${status.mtimeMs}:${status.ino}`
    },
    getEnvironment: (name) => process.env[name] ?? '',
    currentTime: () => 0,
    log: (message) => messages.push(message),
    addPath: ({ path, name }) => {
      const hash = hashBytes('sha256', readFileSync(path))
      return formatStorePath(storeDirectory, fixedOutputPath(storeDirectory, name, { method: 'flat', hash }))
    },
    addText: (name, contents, references) => {
      const hash = hashBytes('sha256', contents)
      const path = formatStorePath(storeDirectory, textPath(storeDirectory, name, hash, [...references]))
      store.set(path, contents)
      return path
    },
    writeDerivation: (path, aterm) => {
      store.set(path, aterm.toString())
    },
    readDerivation: (path) => store.get(path)!,
    isValidPath: (path) => store.has(path),
    queryReferences: () => [],
    realise: refuse('build'),
    fetch: refuse('fetch'),
  }
}

export function testEvaluator(
  io: EvalIo = memoryIo(),
  settings: Partial<EvalSettings> = {},
  parseCache?: ParseCache,
): Evaluator {
  return createEvaluator({
    io,
    ...(parseCache === undefined ? {} : { parseCache }),
    settings: {
      nixVersion: '2.8.0',
      currentSystem: 'x86_64-linux',
      searchPath: [],
      pureEval: false,
      restrictEval: false,
      allowImportFromDerivation: true,
      newerFeatures: false,
      experimentalFeatures: [],
      lints: {},
      maxCallDepth: undefined,
      maxDataDepth: Number.POSITIVE_INFINITY,
      showTrace: false,
      traceVerbose: false,
      abortOnWarn: false,
      ...settings,
    },
  })
}

function typeOf(status: Stats): FileType {
  if (status.isSymbolicLink()) return 'symlink'
  return status.isDirectory() ? 'directory' : status.isFile() ? 'regular' : 'unknown'
}
