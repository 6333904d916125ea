/** The commands about tools: programs for the `PATH` of a user, each with an environment of its own. */
import type { Command } from '../command.ts'
import { evaluationOptions, platformOption, publishedOptions, realiseOptions } from '../common-options.ts'

const any = Number.POSITIVE_INFINITY

export const globalCommands: readonly Command[] = [
  {
    name: 'global install',
    summary: 'put programs of packages into your PATH',
    usage: '[-c TAG] NAME[/VERSION]… [--expose PROGRAM]… [--with NAME]… [--bin-dir DIR]',
    description:
      'Makes each package be there as `baryon run` does, and writes a small script for each of its programs into ~/.local/bin. The ' +
      'script starts the program with what it needs around it, wherever it is called and whatever is installed later; it starts nothing but ' +
      '/bin/sh. Garbage collection spares the package until `baryon global remove`.\n\n' +
      'NAME may be a release: then its own program is installed, or those of --expose. What is installed already is replaced. A file that is not ' +
      'from here is never overwritten, nor the program of another tool, unless --force is given.',
    options: [
      ...evaluationOptions.map((option) => (option.name === 'expr' ? { ...option, hidden: true } : option)),
      {
        ...platformOption,
        help: 'variant to use, also by updates, or best (default: BINARY_TAG, else baryon.toml, else best or the stack)',
      },
      { name: 'expose', values: ['PROGRAM'], repeat: true, help: 'only this program; may be repeated (default: all)' },
      {
        name: 'with',
        values: ['NAME'],
        repeat: true,
        help: 'have this package beside it, such as a module of Python',
        complete: 'attribute',
      },
      {
        name: 'bin-dir',
        values: ['DIR'],
        help: 'where the programs go (BARYON_BIN_DIR; default ~/.local/bin)',
        complete: 'directory',
      },
      { name: 'force', help: 'take over programs of other tools that were installed here' },
      ...publishedOptions,
      ...realiseOptions,
    ],
    operands: { least: 1, most: any, complete: 'attribute' },
    examples: [
      ['baryon global install fastjet', 'all of its programs'],
      ['baryon global install python311 --expose python3.11 --with python311Packages.fastjet', 'one, with a module'],
      ['baryon global install -c x86_64-debian12-gcc12-opt analysis', 'the variant, now and in every update'],
      ['baryon global install HEP/1.0 --expose analysis', 'a program of a release'],
    ],
    load: () => import('../commands/global-install.ts'),
  },
  {
    name: 'global list',
    summary: 'list the tools that are installed',
    usage: '[NAME…]',
    description: 'With version, platform and programs, and what is wrong with them if anything is.',
    options: [],
    operands: { least: 0, most: any, complete: 'global-tool' },
    examples: [
      ['baryon global list', 'all'],
      ['baryon global list fastjet --json', 'one, with its paths'],
    ],
    load: () => import('../commands/global-list.ts'),
  },
  {
    name: 'global remove',
    summary: 'remove tools from your PATH',
    usage: 'NAME…',
    description:
      'Removes the programs that are still those of the tool. `baryon store gc` frees what nothing else needs.',
    options: [],
    operands: { least: 1, most: any, complete: 'global-tool' },
    examples: [['baryon global remove fastjet', 'its programs, and what kept its packages']],
    load: () => import('../commands/global-remove.ts'),
  },
  {
    name: 'global update',
    summary: 'take tools from the present state of their stacks',
    usage: '[NAME…]',
    description:
      'Looks for each again where it was found, with the options that it was installed with, and replaces its programs when it has ' +
      'changed. What was lost is made again. One that fails stays as it is and does not keep the others.',
    options: [...publishedOptions, ...realiseOptions],
    operands: { least: 0, most: any, complete: 'global-tool' },
    examples: [
      ['baryon global update', 'all of them'],
      ['baryon global update fastjet', 'fastjet 3.4.0 → 3.4.1'],
    ],
    load: () => import('../commands/global-update.ts'),
  },
]
