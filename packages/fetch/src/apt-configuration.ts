/**
 * What a machine's package manager is told: sources in one line (`deb [options] URI suite component…`) or in stanzas of fields
 * (deb822, `URIs: …`), see sources.list(5), and options (`Acquire::http::Proxy "…";`), see apt.conf(5).
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { isSystemError } from '@baryon/format'

export interface AptSource {
  readonly uri: string
  readonly suite: string
  readonly components: readonly string[]
  /** File with the keys that may sign its index, where it names one. */
  readonly signedBy?: string
}

export interface AptConfiguration {
  /** Enabled sources, binary and source ones, in the order of the files. */
  readonly sources: readonly AptSource[]
  /** Options by lower-case name (`acquire::http::proxy`). */
  readonly options: ReadonlyMap<string, string>
  /** Whether `apt-get` is there. */
  readonly program: boolean
}

/** Reads the configuration: the options from `apt-config dump` when it is there, else from the files under `directory`. */
export async function readAptConfiguration(directory?: string): Promise<AptConfiguration> {
  const dump = directory === undefined ? await dumpOptions() : undefined
  const options = dump ?? readOptionFiles(directory ?? '/etc/apt')
  // Dir, Dir::Etc and Dir::Etc::… are joined like relative paths, where an absolute one wins.
  const place = (name: string, fallback: string) => {
    if (directory !== undefined) return join(directory, fallback)
    const parts = [options.get('rootdir') ?? '/', options.get('dir') ?? '/', options.get('dir::etc') ?? 'etc/apt']
    return [...parts, options.get(`dir::etc::${name}`) ?? fallback].reduce((base, part) =>
      part.startsWith('/') ? part : join(base, part),
    )
  }
  const sources = parseSourcesList(readText(place('sourcelist', 'sources.list')) ?? '')
  const parts = place('sourceparts', 'sources.list.d')
  for (const name of fileNames(parts)) {
    const text = readText(join(parts, name)) ?? ''
    if (name.endsWith('.list')) sources.push(...parseSourcesList(text))
    else if (name.endsWith('.sources')) sources.push(...parseSourcesStanzas(text))
  }
  return { sources, options, program: dump !== undefined }
}

export function parseSourcesList(text: string): AptSource[] {
  const sources: AptSource[] = []
  for (const line of text.split('\n')) {
    const signedBy = /^\s*\S+\s+\[[^\]]*\bsigned-by=(\/[^\s,\]]+)/.exec(line)?.[1]
    const words = line
      .replace(/#.*/, '')
      .replace(/^(\s*\S+\s+)\[[^\]]*\]/, '$1')
      .trim()
      .split(/\s+/)
    if ((words[0] !== 'deb' && words[0] !== 'deb-src') || words.length < 3) continue
    sources.push({ uri: words[1]!, suite: words[2]!, components: words.slice(3), ...(signedBy && { signedBy }) })
  }
  return sources
}

export function parseSourcesStanzas(text: string): AptSource[] {
  const sources: AptSource[] = []
  for (const stanza of text.split(/\n[ \t]*\n/)) {
    const fields = new Map<string, string>()
    let field = ''
    for (const line of stanza.split('\n')) {
      if (line.startsWith('#')) continue
      const match = /^([A-Za-z][A-Za-z0-9-]*):(.*)$/.exec(line)
      if (match !== null) {
        field = match[1]!.toLowerCase()
        fields.set(field, match[2]!)
      } else if (/^[ \t]/.test(line) && field !== '') {
        fields.set(field, `${fields.get(field)}\n${line}`)
      }
    }
    const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '')
    if (/^(no|false|off|0|without|disable)$/i.test(fields.get('enabled')?.trim() ?? '')) continue
    if (!words('types').some((type) => type === 'deb' || type === 'deb-src')) continue
    // A key in the file itself begins on a line of its own.
    const signedBy = /^\s*(\/\S+)\s*$/.exec(fields.get('signed-by') ?? '')?.[1]
    for (const uri of words('uris')) {
      for (const suite of words('suites'))
        sources.push({ uri, suite, components: words('components'), ...(signedBy && { signedBy }) })
    }
  }
  return sources
}

/** The options of a file in the syntax of apt.conf, by lower-case name. Lists (`Name:: "…"`) are left out. */
export function parseAptOptions(text: string, into = new Map<string, string>()): Map<string, string> {
  const tokens = text.match(/"[^"]*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*|[{};]|[^\s{};"]+/g) ?? []
  const scopes: string[] = []
  let name = ''
  let value: string | undefined
  const prefix = () => scopes.filter((scope) => scope !== '').join('::')
  const finish = () => {
    const full = [prefix(), name].filter((part) => part !== '').join('::')
    if (value !== undefined && name !== '' && !name.endsWith('::')) into.set(full.toLowerCase(), value)
    name = ''
    value = undefined
  }
  for (const token of tokens) {
    if (token.startsWith('//') || token.startsWith('/*') || token.startsWith('#')) continue
    if (token === '{') {
      scopes.push(name)
      name = ''
      value = undefined
    } else if (token === '}') {
      finish()
      scopes.pop()
    } else if (token === ';') finish()
    else if (token.startsWith('"')) value = token.slice(1, -1)
    else if (name === '') name = token
    else value = token
  }
  finish()
  return into
}

async function dumpOptions(): Promise<Map<string, string> | undefined> {
  try {
    const { stdout } = await promisify(execFile)('apt-config', ['dump'], { maxBuffer: 16 << 20 })
    return parseAptOptions(stdout)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return undefined
    // A broken configuration stops `apt-config`; the sources may be readable all the same.
    return undefined
  }
}

function readOptionFiles(directory: string): Map<string, string> {
  const options = new Map<string, string>()
  const parts = join(directory, 'apt.conf.d')
  for (const name of fileNames(parts)) {
    if (/^[A-Za-z0-9_-]+(\.conf)?$/.test(name)) parseAptOptions(readText(join(parts, name)) ?? '', options)
  }
  return parseAptOptions(readText(join(directory, 'apt.conf')) ?? '', options)
}

function fileNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // Some files of the options are for root only, as they hold passwords.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return undefined
    throw error
  }
}
