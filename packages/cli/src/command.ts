/** What a command is: a descriptor that help, parsing and completion read as data, and code that is loaded to run it. */
import type { Arguments } from './parse-arguments.ts'
import type { Settings, SettingsRequest } from './settings.ts'
import type { Terminal } from './terminal.ts'

export interface Command {
  /** The words that call it: `build`, `store add`. */
  readonly name: string
  /** One phrase, without a full stop. */
  readonly summary: string
  /** What follows the name in the usage line. */
  readonly usage: string
  /** Paragraphs for `--help`. */
  readonly description?: string
  readonly options: readonly Option[]
  readonly operands: Operands
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  readonly load: () => Promise<{ readonly run: Run }>
}

export interface Option {
  /** Long name, without dashes. */
  readonly name: string
  readonly short?: string
  /** Names of the values that follow; none for a switch. */
  readonly values?: readonly string[]
  /** May be given more than once. */
  readonly repeat?: boolean
  readonly help: string
  readonly complete?: Completion
  /** Understood, but neither shown nor completed. */
  readonly hidden?: boolean
}

export interface Operands {
  readonly least: number
  readonly most: number
  readonly complete?: Completion
  /**
   * `after-dashes`: `-- CMD…` is kept apart. `after-first`: everything after the first operand is the command's,
   * whatever it looks like, and one `--` directly after it is dropped.
   */
  readonly command?: 'after-dashes' | 'after-first'
  /** `NAME=VALUE` words may come before the operands; they are not counted as such. */
  readonly assignments?: boolean
}

/** What a word can be, for completion. */
export type Completion = 'file' | 'directory' | DynamicCompletion | readonly string[]

/** What a stack, a store or a project knows. `new-release`: one that a stack describes; `runnable`: tasks, releases and attributes. */
export type DynamicCompletion =
  | 'attribute'
  | 'store-path'
  | 'platform'
  | 'release'
  | 'new-release'
  | 'runnable'
  | 'project-package'
  | 'global-tool'

/** Returns what to print and the exit status; or prints by itself (streams) and returns only the status. */
export type Run = (context: Context) => Promise<Outcome> | Outcome

export interface Outcome {
  /** The record that `--json` prints. */
  readonly data?: unknown
  /** What is printed without `--json`; a line end is added when it lacks one. */
  readonly text?: string
  readonly status?: number
}

export interface Context {
  readonly command: Command
  readonly arguments: Arguments
  readonly terminal: Terminal
  readonly json: boolean
  readonly verbose: boolean
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal
  readonly settings: (request?: SettingsRequest) => Promise<Settings>
}
