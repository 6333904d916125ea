/** What is known of a tool that `baryon global install` made available: `ROOT/global/tools/NAME.json`. */
import { UserError } from '@baryon/format'

export interface ToolRecord {
  readonly format: 1
  /** The attribute, or the name of the release without its version. */
  readonly name: string
  readonly kind: 'package' | 'release'
  /** As it was asked for, with a version if one was: what an update looks for again. */
  readonly request: string
  /** Attributes of the packages beside it. */
  readonly with: readonly string[]
  /** Words of the command line that chose the stack, the variant and where it may come from. */
  readonly options: readonly string[]
  /** The programs that were chosen; none: all that there are. */
  readonly expose: readonly string[]
  /** May be empty. */
  readonly version: string
  /** Tag; missing where the stack has none. */
  readonly platform?: string | undefined
  readonly derivation?: string | undefined
  readonly storeDirectory: string
  readonly physicalDirectory: string
  /** Logical store paths that keep all of it. */
  readonly paths: readonly string[]
  readonly binDirectory: string
  readonly programs: readonly ToolProgram[]
  /** ISO 8601, UTC. */
  readonly installed: string
}

export interface ToolProgram {
  readonly name: string
  /** Logical path of what runs. */
  readonly path: string
}

/** Of its record; also a word that shells and directories take as it is. */
export function isToolName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_'+.-]{0,127}$/.test(text)
}

export function formatToolRecord(record: ToolRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`
}

/** Throws `GLOBAL_RECORD`; `file` is for the message. */
export function parseToolRecord(text: string, file: string): ToolRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : String(error))
  }
  const record = value as Partial<ToolRecord> | null
  if (typeof record !== 'object' || record === null) throw invalid(file, 'it is not an object')
  if (record.format !== 1) throw invalid(file, `its format is ${JSON.stringify(record.format)}, and only 1 is known`)
  const wrong =
    texts.find((key) => typeof record[key] !== 'string') ??
    lists.find((key) => !isListOf(record[key], (one) => typeof one === 'string')) ??
    (isListOf(record.programs, isProgram) ? undefined : 'programs')
  if (wrong !== undefined) throw invalid(file, `'${wrong}' is missing or not of its form`)
  return record as ToolRecord
}

const texts = ['name', 'kind', 'request', 'version', 'storeDirectory', 'physicalDirectory', 'binDirectory'] as const
const lists = ['with', 'options', 'expose', 'paths'] as const

function isProgram(value: unknown): boolean {
  const { name, path } = (value ?? {}) as Partial<ToolProgram>
  return typeof name === 'string' && typeof path === 'string' && !/[/\0]/.test(name) && name !== ''
}

function isListOf(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isElement)
}

function invalid(file: string, reason: string): UserError {
  return new UserError('GLOBAL_RECORD', `${file} is no record of a tool: ${reason}`, {
    hint: 'remove it, and install the tool again: baryon global install NAME',
  })
}
