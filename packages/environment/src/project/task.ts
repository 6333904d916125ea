/** Tasks of a project: named commands that run in the environment of the project, after those on which they depend. */
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { quotePosix, shellNamed } from '../shell.ts'

export interface Task {
  /** A text for the shell, or the words of a command; undefined: there is nothing to run but what it depends on. */
  readonly command: string | readonly string[] | undefined
  /** Tasks that run before, each once. */
  readonly dependsOn: readonly string[]
  /** Where it runs; relative to the directory of the project. */
  readonly directory: string
  readonly variables: Readonly<Record<string, string>>
  readonly description: string
}

/**
 * The task as a script for `/bin/sh`, whose arguments are those of the task: they follow a command on one line that does not
 * use arguments itself. The first task that fails ends it, with its status. Throws UserError `TASK_CYCLE`.
 */
export function formatTask(tasks: Readonly<Record<string, Task>>, name: string, directory: string): string {
  const { command, ...task } = tasks[name]!
  const before = dependenciesOf(tasks, name).map((other) => runBefore(other, tasks[other]!, name, directory))
  if (command !== undefined) {
    return [...before, enter(task, directory), commandLine(command, takesArguments(command) ? '' : ' "$@"')].join('')
  }
  const refusal = `error[USAGE]: the task '${name}' has no command that could take arguments`
  return [`[ $# -eq 0 ] || { echo ${quotePosix(refusal)} >&2; exit 2; }\n`, ...before].join('')
}

/** In a shell of its own, which does not see the arguments. */
function runBefore(name: string, task: Task, wanted: string, directory: string): string {
  const message = `error[TASK_FAILED]: the task '${name}', on which '${wanted}' depends, ended with status`
  return `(
set --
${enter(task, directory)}${commandLine(task.command ?? ':')}) || {
  baryon_status=$?
  printf '%s %s\\n' ${quotePosix(message)} "$baryon_status" >&2
  exit "$baryon_status"
}
`
}

/** Depth first, without the task itself. */
function dependenciesOf(tasks: Readonly<Record<string, Task>>, name: string): string[] {
  const done = new Set<string>()
  const visit = (one: string, above: readonly string[]): void => {
    if (above.includes(one)) {
      const circle = [...above.slice(above.indexOf(one)), one]
      throw new UserError('TASK_CYCLE', `tasks depend on each other in a circle: ${circle.join(' → ')}`)
    }
    for (const other of tasks[one]!.dependsOn) visit(other, [...above, one])
    done.add(one)
  }
  visit(name, [])
  done.delete(name)
  return [...done]
}

function enter({ directory, variables }: Omit<Task, 'command'>, project: string): string {
  const settings = Object.entries(variables).map(([variable, value]) => shellNamed('sh').set(variable, value))
  return `cd ${quotePosix(join(project, directory))} || exit\n${settings.join('')}`
}

/** The shell becomes a simple command: it gets the signals, and no process stays above it. */
function commandLine(command: string | readonly string[], rest = ''): string {
  if (typeof command !== 'string') return `exec ${command.map(quotePosix).join(' ')}${rest}\n`
  const text = command.trim()
  const isSimple = /^[A-Za-z0-9_./+-]+(?: +[A-Za-z0-9_./+:,@%=-]+)*$/.test(text) && !builtins.has(text.split(' ')[0]!)
  return `${isSimple ? 'exec ' : ''}${text}${text.includes('\n') ? '' : rest}\n`
}

/** Words at the start of a command that are no programs, or other ones than the shell's own. */
const builtins: ReadonlySet<string> = new Set(
  '. alias bg break case cd command continue do done elif else esac eval exec exit export fc fg fi for getopts hash if in jobs local read readonly return set shift source then time times trap type ulimit umask unalias unset until wait while'.split(
    ' ',
  ),
)

function takesArguments(command: string | readonly string[]): boolean {
  return typeof command === 'string' && /\$(?:[@*1-9]|\{[@*1-9])/.test(command)
}
