import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  findProgram,
  formatActivation,
  formatUndoableActivation,
  type Launch,
  type Shell,
  shellNamed,
} from '@baryon/environment'
import { makeDirectories } from '@baryon/files'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import { projectOf } from '../project/project-of.ts'
import type { RunMounted } from '../published-packages.ts'
import { localRelease } from '../release-environment.ts'
import { launch } from '../replace-process.ts'
import { launchOf, prepareEnvironment, type RunEnvironment } from '../run-environment.ts'
import { stackSettings } from '../stack-evaluation.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const wanted = given.value('shell') ?? process.env.SHELL ?? '/bin/sh'
  const shell = shellNamed(wanted)
  const environment = await findEnvironment(context)
  if (typeof environment === 'function') return { status: environment() }
  if (given.flag('print')) return print(shell, environment)
  const program = findProgram(wanted.startsWith('/') ? wanted.slice(wanted.lastIndexOf('/') + 1) : wanted)
  if (program === undefined) {
    throw new UserError('SHELL_MISSING', `the shell '${wanted}' is not installed`, {
      hint: 'choose another with --shell',
    })
  }
  const plan = launchOf(context, environment, {
    assignments: [
      ['BARYON_SHELL', environment.label],
      ['IN_NIX_SHELL', 'impure'],
    ],
    defaultCommand: undefined,
  })
  const text = given.value('command')
  if (text !== undefined) return { status: launch(plan, [program, '-c', text]) }
  return { status: interactive(shell, program, plan, environment) }
}

/** The project, without a word; a release, where one word names one; else the packages. */
async function findEnvironment(context: Context): Promise<RunEnvironment | RunMounted> {
  const { operands } = context.arguments
  if (operands.length === 0) {
    const settings = await stackSettings(context)
    const project = await projectOf(context, settings)
    if (project === undefined)
      throw new UsageError('the name of a release or package is missing, and this is no project')
    const { projectToRun } = await import('../project/run-project.ts')
    return projectToRun(context, settings, project)
  }
  const [only = '', ...others] = operands
  const release = others.length > 0 ? undefined : await localRelease(context, await stackSettings(context), only)
  return release ?? prepareEnvironment(context, operands, 'develop')
}

function print(shell: Shell, environment: RunEnvironment): Outcome {
  const script = formatUndoableActivation(shell, environment.changes, environment.label)
  return { text: script, data: { shell: shell.name, paths: environment.paths, script } }
}

/**
 * Start-up files of the user may set PATH and the prompt anew, so the activation is read once more after them, from a
 * file of our own that removes itself.
 */
function interactive(shell: Shell, program: string, plan: Launch, environment: RunEnvironment): number {
  const directory = mkdtempSync(join(tmpdir(), 'baryon-shell-'))
  const activation = `${formatActivation(shell, environment.changes)}${shell.prompt(environment.label)}`
  const remove = `command rm -rf ${shell.quote(directory)}\n`
  const q = shell.quote
  // A pure shell is without what the user's files would add.
  const isPure = plan.kept !== undefined
  const own = (text: string): string => (isPure ? '' : text)
  switch (shell.name) {
    case 'bash': {
      const file = join(directory, 'rc')
      writeFileSync(file, `${own('[ -r ~/.bashrc ] && . ~/.bashrc\n')}${activation}${remove}`)
      return launch(plan, [program, '--rcfile', file, '-i'])
    }
    case 'zsh': {
      const home = process.env.ZDOTDIR ?? process.env.HOME ?? '/'
      for (const name of ['.zshenv', '.zprofile', '.zlogin']) {
        writeFileSync(join(directory, name), own(`[[ -r ${q(join(home, name))} ]] && . ${q(join(home, name))}\n`))
      }
      writeFileSync(
        join(directory, '.zshrc'),
        `ZDOTDIR=${q(home)}\n${own(`[[ -r ${q(join(home, '.zshrc'))} ]] && . ${q(join(home, '.zshrc'))}\n`)}${activation}${remove}`,
      )
      return launch({ ...plan, assignments: [...plan.assignments, ['ZDOTDIR', directory]] }, [program, '-i'])
    }
    case 'fish': {
      rmSync(directory, { recursive: true })
      return launch(plan, [program, ...(isPure ? ['--no-config'] : []), '-i', '--init-command', activation])
    }
    case 'tcsh': {
      // It has no option for one more file, but reads .tcshrc of HOME, which that file sets right at once.
      const home = q(process.env.HOME ?? '/')
      const files = 'if (-r ~/.tcshrc) then\n  source ~/.tcshrc\nelse if (-r ~/.cshrc) then\n  source ~/.cshrc\nendif\n'
      const begin = `setenv HOME ${home}\nset home = ${home}\n${own(files)}`
      writeFileSync(join(directory, '.tcshrc'), `${begin}${activation}\\rm -rf ${q(directory)}\n`)
      return launch({ ...plan, assignments: [...plan.assignments, ['HOME', directory]] }, [program, '-i'])
    }
    case 'sh': {
      makeDirectories(directory)
      const file = join(directory, 'rc')
      writeFileSync(file, `${activation}${remove}`)
      return launch({ ...plan, assignments: [...plan.assignments, ['ENV', file]] }, [program, '-i'])
    }
  }
}
