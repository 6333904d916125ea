import { writeFileSync } from 'node:fs'
import {
  compareStorePaths,
  type Derivation,
  encodeNix32,
  formatHash,
  formatStorePath,
  hashBytes,
  isDerivationPath,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { Store } from '@baryon/store'
import {
  type DerivationOptions,
  isJsonObject,
  type Json,
  type JsonObject,
  splitWords,
  stringList,
} from './derivation-options.ts'
import { structuredAttributeFiles } from './structured-attributes.ts'

export interface BuilderEnvironmentRequest {
  readonly store: Store
  readonly derivation: Derivation
  readonly options: DerivationOptions
  /** Host directory whose files the builder finds in `buildDirectory`. */
  readonly hostDirectory: string
  /** Where the builder sees it. */
  readonly buildDirectory: string
  readonly cores: number
  /** The result is known beforehand: the network is open, and `impureEnvVars` come from our own environment. */
  readonly fixedOutput: boolean
  /** Everything that the builder can see: what `exportReferencesGraph` may name. */
  readonly inputClosure: readonly StorePath[]
}

export interface BuilderEnvironment {
  readonly args: readonly string[]
  /** Byte strings, sorted by name. */
  readonly env: ReadonlyMap<string, string>
}

/**
 * Arguments and environment of the builder, as Nix 2.8 makes them; writes the files that they speak of (`passAsFile`,
 * `exportReferencesGraph`, `.attrs.json` and `.attrs.sh`).
 */
export function builderEnvironment(request: BuilderEnvironmentRequest): BuilderEnvironment {
  const { store, derivation, options, buildDirectory } = request
  const rewrite = placeholderRewriter(derivation)
  const env = new Map<string, string>([
    ['PATH', '/path-not-set'],
    ['HOME', '/homeless-shelter'],
    ['NIX_STORE', store.storeDirectory],
    ['NIX_BUILD_CORES', String(request.cores)],
  ])
  if (options.structured === undefined) {
    const asFile = new Set(splitWords(derivation.env.get('passAsFile') ?? ''))
    for (const [name, value] of derivation.env) {
      if (!asFile.has(name)) {
        env.set(name, rewrite(value))
        continue
      }
      const file = `.attr-${encodeNix32(hashBytes('sha256', name).bytes)}`
      writeBytes(`${request.hostDirectory}/${file}`, rewrite(value))
      env.set(`${name}Path`, `${buildDirectory}/${file}`)
    }
    writeReferenceGraphs(request)
  } else {
    const files = structuredAttributeFiles(structuredAttributes(request, options.structured))
    writeBytes(`${request.hostDirectory}/.attrs.json`, rewrite(files.json))
    writeBytes(`${request.hostDirectory}/.attrs.sh`, rewrite(files.shell))
    env.set('NIX_ATTRS_JSON_FILE', `${buildDirectory}/.attrs.json`)
    env.set('NIX_ATTRS_SH_FILE', `${buildDirectory}/.attrs.sh`)
  }
  for (const name of ['NIX_BUILD_TOP', 'TMPDIR', 'TEMPDIR', 'TMP', 'TEMP', 'PWD']) env.set(name, buildDirectory)
  if (request.fixedOutput) {
    env.set('NIX_OUTPUT_CHECKED', '1')
    for (const name of options.words('impureEnvVars') ?? []) {
      env.set(name, Buffer.from(process.env[name] ?? '', 'utf8').toString('latin1'))
    }
  }
  env.set('NIX_LOG_FD', '2')
  env.set('TERM', 'xterm-256color')
  for (const [name, value] of env) checkVariable(name, value)
  return { args: derivation.args.map(rewrite), env: new Map([...env].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** What `placeholder "out"` stands for until the path is known. */
export function outputPlaceholder(outputName: string): string {
  return `/${encodeNix32(hashBytes('sha256', `nix-output:${outputName}`).bytes)}`
}

function placeholderRewriter(derivation: Derivation): (text: string) => string {
  const pairs = Array.from(derivation.outputs, ([name, output]) => [outputPlaceholder(name), output.path] as const)
  return (text) => {
    // A placeholder has 53 characters: short texts, which most are, cannot hold one.
    if (text.length < 53) return text
    let result = text
    for (const [placeholder, path] of pairs) result = result.replaceAll(placeholder, path)
    return result
  }
}

function writeReferenceGraphs({ store, derivation, hostDirectory, inputClosure }: BuilderEnvironmentRequest): void {
  const words = splitWords(derivation.env.get('exportReferencesGraph') ?? '')
  if (words.length % 2 !== 0) {
    throw new UserError('DERIVATION_INVALID', 'exportReferencesGraph must be pairs of a file name and a store path', {
      hint: 'write exportReferencesGraph = [ "name" path … ];',
    })
  }
  for (let index = 0; index < words.length; index += 2) {
    const name = words[index]!
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
      throw new UserError('DERIVATION_INVALID', `'${name}' is no legal file name for exportReferencesGraph`, {
        hint: 'use letters, digits, _ . and -',
      })
    }
    const paths = exportedClosure(store, [parseStorePath(store.storeDirectory, words[index + 1]!)], inputClosure)
    let text = ''
    for (const path of paths) {
      const references = referencesOf(store, path).map((reference) => formatStorePath(store.storeDirectory, reference))
      text += `${[formatStorePath(store.storeDirectory, path), '', String(references.length), ...references].join('\n')}\n`
    }
    writeBytes(`${hostDirectory}/${name}`, text)
  }
}

function structuredAttributes(
  { store, derivation, inputClosure }: BuilderEnvironmentRequest,
  structured: JsonObject,
): JsonObject {
  const attributes = new Map(structured)
  attributes.set('outputs', new Map(Array.from(derivation.outputs, ([name, output]) => [name, output.path])))
  const graphs = structured.get('exportReferencesGraph')
  if (isJsonObject(graphs)) {
    for (const [name, value] of graphs) {
      const tops = (typeof value === 'string' ? [value] : stringList(value, 'exportReferencesGraph')).map((text) =>
        parseStorePath(store.storeDirectory, text),
      )
      attributes.set(
        name,
        exportedClosure(store, tops, inputClosure).map((path) => pathAttributes(store, path)),
      )
    }
  }
  return attributes
}

function pathAttributes(store: Store, path: StorePath): Json {
  const info = store.queryPathInfo(path)
  if (info === undefined) throw notInput(store, path)
  let closureSize = 0
  for (const member of store.computeClosure([path])) closureSize += store.queryPathInfo(member)?.narSize ?? 0
  const attributes = new Map<string, Json>([
    ['path', formatStorePath(store.storeDirectory, path)],
    ['narHash', formatHash(info.narHash, 'nix32')],
    ['narSize', { number: String(info.narSize) }],
    ['references', referencesOf(store, path).map((reference) => formatStorePath(store.storeDirectory, reference))],
    ['closureSize', { number: String(closureSize) }],
  ])
  if (info.contentAddress !== undefined) attributes.set('ca', info.contentAddress)
  return attributes
}

/** The closure, with the outputs of derivations in it, sorted. */
function exportedClosure(store: Store, tops: readonly StorePath[], inputClosure: readonly StorePath[]): StorePath[] {
  const visible = new Set(inputClosure.map(storePathBaseName))
  for (const top of tops) if (!visible.has(storePathBaseName(top))) throw notInput(store, top)
  const closure = new Map(store.computeClosure(tops).map((path) => [storePathBaseName(path), path]))
  for (const path of [...closure.values()]) {
    if (!isDerivationPath(path)) continue
    const outputs = [...store.queryDerivationOutputs(path).values()].filter((output) => store.isValid(output))
    for (const member of store.computeClosure(outputs)) closure.set(storePathBaseName(member), member)
  }
  return [...closure.values()].sort(compareStorePaths)
}

function referencesOf(store: Store, path: StorePath): StorePath[] {
  return [...(store.queryPathInfo(path)?.references ?? [])].sort(compareStorePaths)
}

function notInput(store: Store, path: StorePath): UserError {
  return new UserError(
    'DERIVATION_INVALID',
    `exportReferencesGraph names '${formatStorePath(store.storeDirectory, path)}', which is not in the closure of the inputs`,
  )
}

function checkVariable(name: string, value: string): void {
  if (name.includes('=') || name.includes('\0') || name === '' || value.includes('\0')) {
    throw new UserError('DERIVATION_INVALID', `environment variable '${name}' cannot be passed to a builder`, {
      hint: 'names must not hold =, and neither names nor values a NUL byte',
    })
  }
  if (value.length + name.length >= 131_071) {
    throw new UserError(
      'DERIVATION_INVALID',
      `environment variable '${name}' is ${value.length} bytes long: the kernel takes 128 KiB`,
      {
        hint: `add "${name}" to passAsFile`,
      },
    )
  }
}

function writeBytes(path: string, bytes: string): void {
  writeFileSync(path, bytes, { encoding: 'latin1', mode: 0o644 })
}
