/**
 * A project: what its `baryon.toml` says beside the settings (see settings.ts). It is found in the current directory or above.
 *
 * ```toml
 * release = "HEP/1.0"                   # all of a release; HEP alone: the newest when it is locked
 * packages = ["fastjet", "lhapdf"]      # and these of the stack; NAME/VERSION insists on a version
 *
 * [variables]                           # @project@, @view@ and @release@ become directories; nothing else is expanded
 * LHAPDF_DATA_PATH = "@project@/pdfsets"
 * PYTHONPATH = { prepend = "@project@/lib" }   # or append = …, a list of texts, separator = " "
 *
 * [tasks]                               # commands of the shell, in the directory of the project
 * fit = "python3 fit.py --seed 1"
 * plot = { command = "root -b -q plot.C", depends-on = ["fit"], directory = "plots" }
 *
 * [priorities]                          # whose files win where two packages have other ones: the smaller number
 * lhapdf = 4
 * ```
 */
import { dirname } from 'node:path'
import {
  type DeclaredVariable,
  formatPlatform,
  isReleaseWord,
  isVariableName,
  parsePlatform,
  type Task,
} from '@baryon/environment'
import { UserError } from '@baryon/format'
import { type At, type Check, isTable, isText, mistake, must, record, table, text, texts } from '../check-toml.ts'
import type { TomlFile } from '../read-toml.ts'
import type { Settings } from '../settings.ts'
import { suggest } from '../suggestion.ts'
import { checkVariables, declaredVariables, type WrittenVariables } from '../written-variables.ts'

export interface Project {
  /** Absolute. */
  readonly directory: string
  readonly source: TomlFile
  /** `NAME` or `NAME/VERSION`. */
  readonly release: string | undefined
  /** Attributes of the stack, or `NAME/VERSION`. */
  readonly packages: readonly string[]
  /** Tags that are always locked. */
  readonly platforms: readonly string[]
  readonly variables: Readonly<Record<string, DeclaredVariable>>
  readonly tasks: Readonly<Record<string, Task>>
  readonly priorities: Readonly<Record<string, number>>
}

/** The project of the current directory; undefined: there is none. Throws `CONFIGURATION_KEY` with the place of a mistake. */
export function findProject({ configuration }: Settings): Project | undefined {
  return configuration === undefined ? undefined : parseProject(configuration)
}

/** The same, where there must be one. */
export function requireProject(settings: Settings): Project {
  const project = findProject(settings)
  if (project !== undefined) return project
  throw new UserError('NO_PROJECT', 'there is no baryon.toml in this directory or above', {
    hint: 'make one: baryon init',
  })
}

export function parseProject(source: TomlFile): Project {
  for (const [key, check] of Object.entries(checks)) {
    if (source.table[key] !== undefined) check(source.table[key], { ...top(source), path: [key] })
  }
  const given = source.table as WrittenProject
  const project: Project = {
    directory: dirname(source.file),
    source,
    release: given.release,
    packages: given.packages ?? [],
    platforms: (given.platforms ?? []).map((tag) => formatPlatform(parsePlatform(tag))),
    variables: declaredVariables(given.variables),
    tasks: Object.fromEntries(Object.entries(given.tasks ?? {}).map(([name, task]) => [name, taskOf(task)])),
    priorities: { ...given.priorities },
  }
  checkNames(project)
  return project
}

function top(source: TomlFile): At {
  return { source, path: [], code: 'CONFIGURATION_KEY' }
}

const command: Check = (value, at) => (Array.isArray(value) ? texts(value, at) : text(value, at))
/** Names that users of other tools write. */
const otherNames = { cmd: 'command', cwd: 'directory', env: 'variables', depends_on: 'depends-on' }
const taskKeys = {
  command,
  'depends-on': texts,
  directory: text,
  variables: table('texts, by names of variables', isVariableName, text),
  description: text,
}

const task: Check = (value, at) => {
  if (!isTable(value)) return command(value, at)
  record(taskKeys, otherNames)(value, at)
  if (value.command === undefined && value['depends-on'] === undefined) {
    throw mistake(at, `the task '${at.path.at(-1)}' has neither a command nor tasks to depend on`)
  }
}

const checks = {
  release: must(
    (value) => isText(value) && /^[^/]+(\/[^/]+)?$/.test(value),
    'the name of a release, NAME or NAME/VERSION',
  ),
  packages: texts,
  platforms: texts,
  variables: checkVariables,
  tasks: table('commands, by names of tasks', isReleaseWord, task),
  priorities: table('whole numbers, by package', () => true, must(Number.isSafeInteger, 'a whole number')),
} satisfies Record<string, Check>

/** As it is written, after the checks. */
interface WrittenTask {
  readonly command?: string | readonly string[]
  readonly 'depends-on'?: readonly string[]
  readonly directory?: string
  readonly variables?: Readonly<Record<string, string>>
  readonly description?: string
}

interface WrittenProject extends Partial<Omit<Project, 'tasks' | 'variables' | 'directory' | 'source'>> {
  readonly variables?: WrittenVariables
  readonly tasks?: Readonly<Record<string, string | readonly string[] | WrittenTask>>
}

function taskOf(written: string | readonly string[] | WrittenTask): Task {
  const given: WrittenTask = isTable(written) ? written : { command: written as string | readonly string[] }
  return {
    command: given.command,
    dependsOn: given['depends-on'] ?? [],
    directory: given.directory ?? '.',
    variables: { ...given.variables },
    description: given.description ?? '',
  }
}

function checkNames({ source, tasks, packages, priorities }: Project): void {
  for (const [name, { dependsOn }] of Object.entries(tasks)) {
    dependsOn.forEach((other, index) => {
      if (Object.hasOwn(tasks, other)) return
      const [near] = suggest(other, Object.keys(tasks))
      const at = { ...top(source), path: ['tasks', name, 'depends-on', String(index)] }
      throw mistake(at, `'${name}' depends on a task '${other}' that is not there`, near && `did you mean '${near}'?`)
    })
  }
  for (const attribute of Object.keys(priorities)) {
    if (packages.some((one) => one.split('/')[0] === attribute)) continue
    throw mistake(
      { ...top(source), path: ['priorities', attribute] },
      `'priorities' names '${attribute}', which is not among the packages`,
    )
  }
  const names = packages.map((one) => one.split('/')[0]!)
  if (new Set(names).size === names.length) return
  const twice = names.findIndex((one, index) => names.indexOf(one) < index)
  throw mistake({ ...top(source), path: ['packages', String(twice)] }, `'${packages[twice]}' is there twice`)
}
