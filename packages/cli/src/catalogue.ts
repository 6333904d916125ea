/** Every command as data: parsing, help and completion read this table, and only the code of the one that runs is loaded. */

import { cacheCommands } from './cache-catalogue.ts'
import { cacheServeCommands } from './cache-serve-catalogue.ts'
import type { Command } from './command.ts'
import {
  areaOptions,
  evaluationOptions,
  platformOption,
  publishedOptions,
  pureOption,
  realiseOptions,
  sandboxOption,
  substituterOptions,
} from './common-options.ts'
import { globalCommands } from './global/global-catalogue.ts'
import { jobsCommands } from './jobs-catalogue.ts'
import { projectCommands } from './project/project-catalogue.ts'
import { releaseCommands } from './release-catalogue.ts'
import { repositoryCommands } from './repository-catalogue.ts'
import { storeCommands } from './store-catalogue.ts'

export function listCommands(): readonly Command[] {
  return commands
}

/** Groups of commands that share their first word, with a phrase each. */
export const groups: ReadonlyMap<string, string> = new Map([
  ['store', 'look into the store and care for it'],
  ['derivation', 'the build instructions that recipes become'],
  ['cache', 'binary caches that Nix understands'],
  ['repository', 'CVMFS repositories: publish, look, check'],
  ['source', 'the archive of sources by hash'],
  ['release', 'named sets of packages, for all platforms'],
  ['stack', 'what a stack holds'],
  ['task', 'what a project does'],
  ['global', 'tools for your PATH'],
  ['platform', 'platform tags and this machine'],
])

const any = Number.POSITIVE_INFINITY
const platforms = { ...platformOption, repeat: true, help: 'build this variant; repeat it for several in one graph' }

const commands: readonly Command[] = [
  {
    name: 'build',
    summary: 'build packages of a stack',
    usage: '[-f FILE] [ATTR…] [--platform TAG]…',
    description:
      'Evaluates the stack, builds what is missing in a sandbox, and prints the store paths. Nothing is built twice: ' +
      'an unchanged stack only costs a look.\n\nThe results stay until their links (result, result-2, …) are removed ' +
      'and `baryon store gc` runs.',
    options: [
      ...evaluationOptions,
      platforms,
      {
        name: 'out-link',
        short: 'o',
        values: ['PATH'],
        help: 'name of the link to the result (default: result)',
        complete: 'file',
      },
      { name: 'no-link', help: 'make no link; garbage collection may take the result' },
      { name: 'check', help: 'build once more and compare, bit for bit' },
      { name: 'dry-run', help: 'only say what would be built' },
      ...realiseOptions,
    ],
    operands: { least: 0, most: any, complete: 'attribute' },
    examples: [
      ['baryon build zlib hepmc3', 'two packages of the default stack'],
      ['baryon build -f stacks/hep fastjet -c x86_64-debian12-gcc11-opt', 'one variant of a package'],
      ["baryon build --expr '(import ./stacks/hep { }).zlib' --no-link", 'any expression'],
      ['baryon build zlib --check', 'is it reproducible?'],
    ],
    load: () => import('./commands/build.ts'),
  },
  {
    name: 'run',
    summary: 'run a task of the project, or a program of a release or a stack',
    usage:
      '[-c TAG|best] [NAME=VALUE]… TASK [ARG]… | -- CMD [ARG]… | NAME[/VERSION] [--] [CMD [ARG]…] | --list NAME | --list-platforms NAME | --replay FILE',
    description:
      'In a project (a directory with a baryon.toml, or below one) a task of this name runs in its environment, and with `-- CMD` any command. ' +
      'While baryon.lock is what baryon.toml asks for, nothing is evaluated; else it is made anew and what changed is said.\n\n' +
      'A release of this name (`baryon release list`, those below /cvmfs, and those of --repository) is run in its newest version, or the ' +
      'one that is said, on the best platform for this machine; without CMD its program, or the variables are printed. The ' +
      'exit status is then that of lb-run: 64 for nothing found, 66 for a platform that this machine cannot run. The user ' +
      'area, nightly builds, development areas and the search path are looked into before, for releases and for projects ' +
      'with a NAME.xenv as lb-run has them.\n\n' +
      'Otherwise NAME is a package of the stack. Builds the package if needed and runs CMD (by default its main program) where the store is visible at its own ' +
      'path, although this machine may not have that path. Everything after NAME belongs to the command. Home, current ' +
      'directory and network are as outside, and the exit status is that of the command.',
    options: [
      ...evaluationOptions,
      {
        ...platformOption,
        help: 'variant to use, such as x86_64-debian12-gcc12-opt, or best (default: BINARY_TAG, else baryon.toml, else best or the stack)',
      },
      { name: 'locked', help: 'fail when baryon.lock is not what baryon.toml asks for, instead of making it anew' },
      { name: 'list', short: 'l', help: 'list the versions of a release, with their places and platforms' },
      { name: 'list-platforms', short: 'L', help: 'list the platforms of a release, best first' },
      { name: 'force-platform', help: 'run a release also where this machine does not support its platform' },
      ...areaOptions,
      pureOption,
      sandboxOption,
      ...publishedOptions,
      ...substituterOptions,
      { name: 'offline', help: 'use no network if something must be built' },
      {
        name: 'record',
        values: ['FILE'],
        help: 'write down what ran: packages with hashes, host, command, files that it read and made',
        complete: 'file',
      },
      { name: 'replay', values: ['FILE'], help: 'run again what a record says, and compare', complete: 'file' },
      {
        name: 'input',
        values: ['FILE'],
        repeat: true,
        help: 'to be recorded although the command line does not name it',
        complete: 'file',
      },
      {
        name: 'output',
        values: ['FILE'],
        repeat: true,
        help: 'to be recorded although it is not in the current directory',
        complete: 'file',
      },
    ],
    operands: { least: 0, most: 1, command: 'after-first', assignments: true, complete: 'runnable' },
    examples: [
      ['baryon run fit --seed 2', 'a task of the project, with arguments'],
      ['baryon run -- python3', 'any command in the environment of the project'],
      ['baryon run HEP/1.0 -- analysis --events 1000', 'a program of a release'],
      ['baryon run --nightly main/latest HEP', 'of the last build of a nightly slot'],
      ['baryon run --user-area ~/cmtuser DaVinciDev', 'what was built there, with the projects that it uses'],
      ['baryon run --list HEP', '1.0 in /cvmfs/lhcb.example.org/HEP/1.0: x86_64-debian12-gcc12-opt'],
      ['baryon run analysis -- analysis --events 1000', 'a program with its arguments'],
      ['baryon run -c x86_64-debian12-gcc11-opt analysis', 'the main program of another variant'],
      ['baryon run python/3.11 -- python3 -V', 'insist on a version'],
      ['baryon run OMP_NUM_THREADS=1 fastjet -- sh', 'with a variable set'],
      ['baryon run --record run.json analysis -- analysis --output plots', 'and write down what it was'],
      ['baryon run --replay run.json', 'the same again, years later'],
      ['baryon run --repository http://s1.example.org/cvmfs/lhcb.example.org --key lhcb.pub analysis', 'from a mount'],
    ],
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'shell',
    summary: 'open a shell that has the project, packages or a release',
    usage: '[-c TAG] [NAME… | NAME[/VERSION]] [--command TEXT]',
    description:
      'Without a name it has what the project of the current directory has. Programs, headers, libraries and CMake packages are found through PATH, CPATH, LIBRARY_PATH, CMAKE_PREFIX_PATH, ' +
      'PKG_CONFIG_PATH and PYTHONPATH. With --print the statements are printed for a shell to read, where the store is ' +
      'visible at its path; `baryon_deactivate` in that shell undoes them, and so does the next activation.',
    options: [
      ...evaluationOptions,
      platformOption,
      { name: 'command', values: ['TEXT'], help: 'run this in the shell instead of asking for input' },
      {
        name: 'shell',
        values: ['SHELL'],
        help: 'which shell (default: SHELL)',
        complete: ['bash', 'zsh', 'fish', 'sh', 'tcsh'],
      },
      { name: 'print', help: 'print the activation for --shell and end' },
      { name: 'locked', help: 'fail when baryon.lock is not what baryon.toml asks for, instead of making it anew' },
      ...areaOptions,
      pureOption,
      sandboxOption,
      ...publishedOptions,
      ...substituterOptions,
      { name: 'offline', help: 'use no network if something must be built' },
    ],
    operands: { least: 0, most: any, complete: 'runnable' },
    examples: [
      ['baryon shell', 'with all of the project'],
      ['baryon shell hepmc3 fastjet', 'a shell with two packages'],
      ['baryon shell HEP/1.0', 'all of a release'],
      ["baryon shell fastjet --command 'fastjet-config --libs'", 'one command'],
      ['eval "$(baryon shell fastjet --print --shell bash)"', 'in the shell that runs'],
    ],
    load: () => import('./commands/shell.ts'),
  },
  {
    name: 'exec',
    summary: 'run a command with several packages',
    usage: '[-c TAG] NAME… -- CMD [ARG]…',
    options: [
      ...evaluationOptions,
      platformOption,
      pureOption,
      sandboxOption,
      ...publishedOptions,
      ...substituterOptions,
      { name: 'offline', help: 'use no network if something must be built' },
    ],
    operands: { least: 1, most: any, command: 'after-dashes', complete: 'attribute' },
    examples: [['baryon exec python root -- python3 fit.py', 'both packages in PATH and PYTHONPATH']],
    load: () => import('./commands/exec.ts'),
  },
  ...projectCommands,
  ...globalCommands,
  {
    name: 'eval',
    summary: 'evaluate an expression',
    usage: '[-f FILE] [ATTR] [--expr EXPRESSION] [--json|--raw]',
    options: [
      ...evaluationOptions,
      { ...platformOption, help: 'variant of the stack' },
      { name: 'raw', help: 'print a string without quotes and line end' },
      { name: 'read-only', help: 'write nothing to the store' },
      { name: 'strict', help: 'evaluate everything inside (default with --json)' },
    ],
    operands: { least: 0, most: 1, complete: 'attribute' },
    examples: [
      ["baryon eval --expr '1 + 1'", '2'],
      ['baryon eval zlib.version --raw', 'an attribute of the default stack'],
      ['baryon eval -f ./pins.nix --json', 'a whole file as JSON'],
    ],
    load: () => import('./commands/eval.ts'),
  },
  ...jobsCommands,
  {
    name: 'repl',
    summary: 'try the language line by line',
    usage: '[FILE]',
    description:
      'Lines are expressions, definitions (NAME = EXPRESSION) or commands; the tabulator completes names, attributes and files. ' +
      'The history is kept in ~/.local/state/baryon (XDG_STATE_HOME).',
    options: [
      ...evaluationOptions,
      platformOption,
      sandboxOption,
      ...substituterOptions,
      { name: 'offline', help: 'use no network for :b' },
    ],
    operands: { least: 0, most: 1, complete: 'file' },
    examples: [
      ['baryon repl stacks/hep', 'with the attributes of a file in scope'],
      ['baryon repl', 'then :? lists what it understands'],
    ],
    load: () => import('./commands/repl.ts'),
  },
  {
    name: 'log',
    summary: 'show the log of a build',
    usage: 'PATH|DERIVATION',
    options: [],
    operands: { least: 1, most: 1, complete: 'store-path' },
    examples: [['baryon log ./result', 'of what a link points to']],
    load: () => import('./commands/log.ts'),
  },
  {
    name: 'hash',
    summary: 'hash files and convert hashes',
    usage: '[--type NAME] [--flat] [--to FORM] PATH… | --convert HASH',
    options: [
      {
        name: 'type',
        values: ['NAME'],
        help: 'md5, sha1, sha256 (default) or sha512',
        complete: ['md5', 'sha1', 'sha256', 'sha512'],
      },
      { name: 'flat', help: 'hash the bytes of a file, not its NAR serialisation' },
      {
        name: 'to',
        values: ['FORM'],
        help: 'sri (default), nix32, base16 or base64',
        complete: ['sri', 'nix32', 'base16', 'base64'],
      },
      { name: 'convert', help: 'the arguments are hashes, to be written in another form' },
    ],
    operands: { least: 1, most: any, complete: 'file' },
    examples: [
      ['baryon hash --flat hepmc3.tar.gz', 'for the hash of a fetchurl'],
      ['baryon hash src/', 'of a tree, as a store path would have it'],
      ['baryon hash --convert --to nix32 sha256-…', 'the same hash in another form'],
    ],
    load: () => import('./commands/hash.ts'),
  },
  ...storeCommands,
  ...cacheServeCommands,
  ...cacheCommands,
  ...releaseCommands,
  ...repositoryCommands,
  {
    name: 'source archive',
    summary: 'keep all sources of a closure by hash',
    usage: '[-f FILE] ATTR|DERIVATION…',
    options: [...evaluationOptions, platforms, { name: 'dry-run', help: 'only list them' }],
    operands: { least: 1, most: any, complete: 'attribute' },
    examples: [['baryon source archive hepmc3', 'then the build needs no network, for ever']],
    load: () => import('./commands/source-archive.ts'),
  },
  {
    name: 'source list',
    summary: 'list the archive of sources',
    usage: '',
    options: [],
    operands: { least: 0, most: 0 },
    examples: [['baryon source list', 'hash, size and name']],
    load: () => import('./commands/source-list.ts'),
  },
  {
    name: 'source fetch',
    summary: 'fetch a URL into the archive',
    usage: 'URL [--hash HASH]',
    options: [
      { name: 'hash', values: ['HASH'], help: 'what it must be' },
      { name: 'name', values: ['NAME'], help: 'name to remember (default: last part of the URL)' },
    ],
    operands: { least: 1, most: 1 },
    examples: [['baryon source fetch https://example.org/zlib-1.3.tar.gz', 'prints the hash for the recipe']],
    load: () => import('./commands/source-fetch.ts'),
  },
  {
    name: 'stack list',
    summary: 'list the packages of a stack',
    usage: '[-f FILE]',
    options: [...evaluationOptions, platformOption],
    operands: { least: 0, most: 0 },
    examples: [['baryon stack list', 'name, version and description']],
    load: () => import('./commands/stack-list.ts'),
  },
  {
    name: 'stack platforms',
    summary: 'list the variants of a stack',
    usage: '[-f FILE]',
    options: [...evaluationOptions],
    operands: { least: 0, most: 0 },
    examples: [['baryon stack platforms', 'best first, with those that this machine runs']],
    load: () => import('./commands/stack-platforms.ts'),
  },
  {
    name: 'stack graph',
    summary: 'show what depends on what',
    usage: '[-f FILE] ATTR… [--dot]',
    options: [
      ...evaluationOptions,
      platformOption,
      { name: 'dot', help: 'for graphviz' },
      { name: 'all', help: 'with sources and toolchain' },
    ],
    operands: { least: 1, most: any, complete: 'attribute' },
    examples: [['baryon stack graph analysis --dot | dot -Tsvg > graph.svg', 'a picture of the build']],
    load: () => import('./commands/stack-graph.ts'),
  },
  {
    name: 'stack lock',
    summary: 'pin what a stack wants of the Debian archive',
    description:
      'Adds what is missing to the lock files of the stack and drops what it does not use; what is pinned stays. NAME is a source ' +
      'package that recipes are to find as `sources.NAME`. The index of the archive is only believed when its signature holds.',
    usage: '[-f FILE] [NAME…] [--check]',
    options: [...evaluationOptions, { name: 'check', help: 'only say whether something is to be done' }],
    operands: { least: 0, most: any },
    examples: [
      ['baryon stack lock --check', 'does the stack want something that is not pinned?'],
      ['baryon stack lock pythia8', 'pin the source of a package for a new recipe'],
    ],
    load: () => import('./commands/stack-lock.ts'),
  },
  {
    name: 'stack update',
    summary: 'pin the newest versions of the Debian archive',
    description:
      'For all packages in the lock files of the stack, or those that are named. The suites are those that apt is configured with.',
    usage: '[-f FILE] [NAME…] [--dry-run]',
    options: [...evaluationOptions, { name: 'dry-run', help: 'change nothing' }],
    operands: { least: 0, most: any },
    examples: [
      ['baryon stack update --dry-run', 'what is newer?'],
      ['baryon stack update openssl', 'pin the newest version of one package'],
    ],
    load: () => import('./commands/stack-update.ts'),
  },
  {
    name: 'platform show',
    summary: 'what this machine is, or what a tag means',
    usage: '[TAG]',
    options: [],
    operands: { least: 0, most: 1, complete: 'platform' },
    examples: [['baryon platform show x86_64_v3-el9-gcc13-opt', 'its parts, and whether it runs here']],
    load: () => import('./commands/platform-show.ts'),
  },
  {
    name: 'platform list',
    summary: 'order platform tags, best first',
    usage: '[-f FILE] [TAG…]',
    options: [...evaluationOptions],
    operands: { least: 0, most: any, complete: 'platform' },
    examples: [['baryon platform list', 'the variants of the stack that run here']],
    load: () => import('./commands/platform-list.ts'),
  },
  {
    name: 'doctor',
    summary: 'is this machine able to build and run?',
    usage: '',
    options: [],
    operands: { least: 0, most: 0 },
    examples: [['baryon doctor', 'sandbox, disk, Node and what is missing']],
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    usage: 'bash|zsh|fish',
    options: [],
    operands: { least: 1, most: 1, complete: ['bash', 'zsh', 'fish'] },
    examples: [
      ['eval "$(baryon completion bash)"', 'in ~/.bashrc'],
      ['baryon completion fish > ~/.config/fish/completions/baryon.fish', 'for fish'],
    ],
    load: () => import('./commands/completion.ts'),
  },
]
