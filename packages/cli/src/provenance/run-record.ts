/** What ran, as a JSON file that others can read in ten years: everything in it is a name, a path or a hash. */
import { UserError } from '@baryon/format'

/** The file that `baryon run --record` writes. Hashes are SRI (`sha256-…`), times ISO 8601 in UTC. */
export interface RunRecord {
  readonly version: 1
  readonly package: {
    /** Or the name of a release, `HEP/1.0`. */
    readonly attribute: string
    /** Undefined: the default of the stack. */
    readonly platform?: string | undefined
    /** Of a release, which has none, its own path. */
    readonly derivation: string
  }
  readonly storeDirectory: string
  /** Store paths whose programs and variables the command saw, in this order. */
  readonly environment: readonly string[]
  /** These and all that they refer to. */
  readonly closure: readonly RecordedPath[]
  /** `NAME=VALUE` words of the command line. */
  readonly assignments: readonly (readonly [name: string, value: string])[]
  readonly command: readonly string[]
  readonly host: Readonly<Record<'name' | 'system' | 'architecture' | 'kernel', string>>
  readonly started: string
  readonly seconds: number
  /** Exit status; 128 and the number of the signal if one ended it. */
  readonly status: number
  readonly inputs: readonly RecordedFile[]
  readonly outputs: readonly RecordedFile[]
  /** Files that the streams were redirected from and to. */
  readonly standardInput?: RecordedFile | undefined
  readonly standardOutput?: RecordedFile | undefined
}

export interface RecordedPath {
  readonly path: string
  /** Of the NAR. */
  readonly hash: string
  readonly size: number
}

export interface RecordedFile {
  /** Relative to the directory in which the command ran, or absolute. */
  readonly path: string
  /** Of the contents; of the NAR for a directory. */
  readonly hash: string
  readonly size: number
}

export function formatRunRecord(record: RunRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`
}

/** Throws `RUN_RECORD_INVALID`. `name` is for the message. */
export function parseRunRecord(text: string, name: string): RunRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(name, error instanceof Error ? error.message : String(error))
  }
  const wrong = wrongField(value)
  if (wrong !== undefined) throw invalid(name, wrong)
  return value as RunRecord
}

function invalid(name: string, reason: string): UserError {
  return new UserError('RUN_RECORD_INVALID', `'${name}' is no record of a run: ${reason}`, {
    hint: 'such a file is written by: baryon run --record FILE NAME -- CMD',
  })
}

/** Only what a replay relies on. */
function wrongField(value: unknown): string | undefined {
  if (!isObject(value)) return 'it is not an object'
  if (value.version !== 1) return `its version is ${JSON.stringify(value.version)}, and only 1 is understood`
  if (!isObject(value.package) || !isText(value.package.attribute) || !isText(value.package.derivation))
    return wrong('package')
  if (!isText(value.storeDirectory) || !value.storeDirectory.startsWith('/')) return wrong('storeDirectory')
  if (!isListOf(value.environment, isText) || value.environment.length === 0) return wrong('environment')
  if (!isListOf(value.closure, isHashed)) return wrong('closure')
  if (!isListOf(value.assignments, isAssignment)) return wrong('assignments')
  if (!isListOf(value.command, isText) || value.command.length === 0) return wrong('command')
  if (typeof value.status !== 'number') return wrong('status')
  if (!isListOf(value.inputs, isHashed)) return wrong('inputs')
  if (!isListOf(value.outputs, isHashed)) return wrong('outputs')
  const wrongStream = (['standardInput', 'standardOutput'] as const).find(
    (name) => value[name] !== undefined && !isHashed(value[name]),
  )
  return wrongStream === undefined ? undefined : wrong(wrongStream)
}

function wrong(field: string): string {
  return `'${field}' is missing or not of its form`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** No NUL: these become words of a command line and names of files. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function isListOf<T>(value: unknown, isElement: (element: unknown) => element is T): value is T[] {
  return Array.isArray(value) && value.every(isElement)
}

function isHashed(value: unknown): value is RecordedFile {
  return isObject(value) && isText(value.path) && isText(value.hash) && /^sha256-[A-Za-z0-9+/]{43}=$/.test(value.hash)
}

function isAssignment(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every(isText) &&
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(String(value[0]))
  )
}
