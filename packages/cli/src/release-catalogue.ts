/** The commands about releases: named, versioned sets of packages of a stack. */
import type { Command, Option } from './command.ts'
import { evaluationOptions, platformOption, realiseOptions } from './common-options.ts'

const platform: Option = { ...platformOption, help: 'of this platform alone' }

export const releaseCommands: readonly Command[] = [
  {
    name: 'release create',
    summary: 'build a release of a stack for all its platforms',
    usage: '[-f FILE] NAME/VERSION [-c TAG]…',
    description:
      'The stack describes it in one file, releases/NAME/VERSION.toml: packages, platforms, program, variables, tasks. What is ' +
      'missing is built for all platforms in one graph. For each of them the result is a path of the store with a view of the ' +
      'packages, activation scripts for all shells, `bin/run CMD`, module files, and a manifest with every hash; it stays until ' +
      '`baryon release remove`.\n\nThe same description gives the same paths. One that exists with other contents is left alone ' +
      'without --replace. `baryon repository publish DIR NAME/VERSION` is for everybody.',
    options: [
      ...evaluationOptions,
      { ...platformOption, repeat: true, help: 'for this platform alone; repeat it for several (default: all)' },
      { name: 'replace', help: 'replace what exists with other contents' },
      {
        name: 'area',
        values: ['DIR'],
        help: 'lay it out there as links, for baryon run --user-area DIR and other search paths',
        complete: 'directory',
      },
      ...realiseOptions,
    ],
    operands: { least: 1, most: 1, complete: 'new-release' },
    examples: [
      ['baryon release create HEP/1.0', 'all platforms of the description'],
      ['baryon release create HEP/1.0 -c x86_64-debian12-gcc12-dbg', 'one more platform'],
      ['baryon release create Mine/0.1 --area ~/cmtuser', 'for yourself: baryon run --user-area ~/cmtuser Mine'],
    ],
    load: () => import('./commands/release-create.ts'),
  },
  {
    name: 'release list',
    summary: 'list the releases of the store',
    usage: '[NAME]',
    options: [],
    operands: { least: 0, most: 1, complete: 'release' },
    examples: [['baryon release list HEP', 'its versions, the newest first, with their platforms']],
    load: () => import('./commands/release-list.ts'),
  },
  {
    name: 'release show',
    summary: 'what a release is made of',
    usage: 'NAME[/VERSION] [-c TAG]',
    options: [platform],
    operands: { least: 1, most: 1, complete: 'release' },
    examples: [
      ['baryon release show HEP', 'the newest version'],
      ['baryon release show HEP/1.0 --json', 'with the hash of every path'],
    ],
    load: () => import('./commands/release-show.ts'),
  },
  {
    name: 'release diff',
    summary: 'compare two releases by package',
    usage: 'NAME/VERSION NAME/VERSION [-c TAG]',
    description:
      'Platforms that only one has (- and +), and for the others the versions that changed. Ends with 1 if there is a difference.',
    options: [platform],
    operands: { least: 2, most: 2, complete: 'release' },
    examples: [['baryon release diff HEP/1.0 HEP/1.1', 'zlib: 1.2.13 → 1.3']],
    load: () => import('./commands/release-diff.ts'),
  },
  {
    name: 'release remove',
    summary: 'forget a release, so that it can be collected',
    usage: 'NAME/VERSION [-c TAG]…',
    description: 'What was published stays published.',
    options: [{ ...platform, repeat: true }],
    operands: { least: 1, most: 1, complete: 'release' },
    examples: [['baryon release remove HEP/0.9', 'then baryon store gc']],
    load: () => import('./commands/release-remove.ts'),
  },
  {
    name: 'release affected',
    summary: 'which releases hold a package of some versions',
    usage: "'NAME [< VERSION]…'",
    description:
      'Every release of the store, with its platforms, whose closure holds such a package, and which. Comparisons are <, <=, =, !=, ' +
      '>= and >; several with commas between must all hold. Versions are compared as Nix compares them.',
    options: [],
    operands: { least: 1, most: Number.POSITIVE_INFINITY },
    examples: [
      ["baryon release affected 'zlib < 1.3'", 'HEP/1.0  x86_64-debian12-gcc12-opt  zlib-1.2.13'],
      ["baryon release affected 'openssl >= 3.0, < 3.0.7'", 'both must hold'],
    ],
    load: () => import('./commands/release-affected.ts'),
  },
]
