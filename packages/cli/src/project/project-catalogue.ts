/** The commands about projects: a directory with a `baryon.toml`, whose environment `baryon.lock` pins. */
import type { Command, Option } from '../command.ts'
import { evaluationOptions, platformOption, publishedOptions, realiseOptions } from '../common-options.ts'

/** A lock holds what `baryon.toml` says, and nothing of one command line: these are understood and refused. */
const stackOptions: readonly Option[] = evaluationOptions.map((option) => ({ ...option, hidden: true }))
const platforms: Option = { ...platformOption, repeat: true, help: 'lock this platform as well; may be repeated' }
const noBuild: Option = { name: 'no-build', help: 'only lock: build, copy and link nothing yet' }
const any = Number.POSITIVE_INFINITY

export const projectCommands: readonly Command[] = [
  {
    name: 'init',
    summary: 'begin a project in a directory',
    usage: '[DIR] [--release NAME[/VERSION]] [--package NAME]…',
    description:
      'Writes a baryon.toml with comments that say what can be in it. One that is there is never overwritten.\n\n' +
      'A project names a release, packages of the stack, variables and tasks. `baryon add`, `baryon run TASK` and ' +
      '`baryon shell` work in its directory and below; baryon.lock pins by hash what they found, for everybody who has the two files.',
    options: [
      {
        name: 'release',
        values: ['NAME'],
        help: 'begin with all of a release (baryon release list)',
        complete: 'release',
      },
      { name: 'package', values: ['NAME'], repeat: true, help: 'begin with this package', complete: 'attribute' },
    ],
    operands: { least: 0, most: 1, complete: 'directory' },
    examples: [
      ['baryon init', 'in the current directory'],
      ['baryon init higgs --release HEP/1.0', 'in a new one, on top of a release'],
    ],
    load: () => import('../commands/init.ts'),
  },
  {
    name: 'add',
    summary: 'add packages to the project',
    usage: 'NAME[/VERSION]…',
    description:
      'Finds the packages in the stack, makes them be there, and writes them into baryon.toml, where everything else stays as it is, and ' +
      'baryon.lock. Nothing is written when one of them is unknown, cannot be built, or has files that another one has as well.',
    options: [...stackOptions, platforms, noBuild, ...publishedOptions, ...realiseOptions],
    operands: { least: 1, most: any, complete: 'attribute' },
    examples: [
      ['baryon add fastjet lhapdf', 'two more packages'],
      ['baryon add python/3.11', 'insist on a version'],
    ],
    load: () => import('../commands/add.ts'),
  },
  {
    name: 'remove',
    summary: 'remove packages from the project',
    usage: 'NAME…',
    options: [...stackOptions, platforms, noBuild, ...publishedOptions, ...realiseOptions],
    operands: { least: 1, most: any, complete: 'project-package' },
    examples: [['baryon remove lhapdf', 'from baryon.toml and baryon.lock']],
    load: () => import('../commands/remove.ts'),
  },
  {
    name: 'lock',
    summary: 'pin by hash what the project is made of',
    usage: '[-c TAG]… [--check]',
    description:
      'Writes baryon.lock from what baryon.toml asks for and what release and stack are now, and says what changed. Nothing is built. ' +
      'Other commands write it only when baryon.toml asks for something else.\n\n' +
      'With --check nothing is written; the exit status is 1 when the lock is not what would be written, because baryon.toml, the release ' +
      'or a package has changed.',
    options: [...stackOptions, platforms, { name: 'check', help: 'only say what has changed' }, ...publishedOptions],
    operands: { least: 0, most: 0 },
    examples: [
      ['baryon lock', 'take the present state of the stack'],
      ['baryon lock --check', 'in continuous integration: zlib 1.2.13 → 1.3'],
    ],
    load: () => import('../commands/lock.ts'),
  },
  {
    name: 'task list',
    summary: 'list the tasks of the project',
    usage: '',
    options: [],
    operands: { least: 0, most: 0 },
    examples: [['baryon task list', 'each with what it depends on']],
    load: () => import('../commands/task-list.ts'),
  },
]
