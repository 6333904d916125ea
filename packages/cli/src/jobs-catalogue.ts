/** `eval-jobs` as data: its options are those of `nix-eval-jobs`, beside ours. */
import type { Command, Option } from './command.ts'
import { evaluationOptions, platformOption, sandboxOption, substituterOptions } from './common-options.ts'

export const jobsCommands: readonly Command[] = [
  {
    name: 'eval-jobs',
    summary: 'evaluate a set of packages in parallel, a JSON record per job',
    usage: '[FILE] [-A ATTR] [--workers N] [--max-memory-size MIB]…',
    description:
      'Finds the derivations of a set and of the sets in it that have recurseForDerivations, writes them to the store, ' +
      'and prints a line of JSON for each as soon as it is known, with the fields of nix-eval-jobs. Several processes ' +
      'evaluate.\n\nA job that fails is a record with `error`, and no other is lost by it: not by an abort, an endless ' +
      'recursion, a lack of memory or a killed worker, of which `fatal` tells. Exit status: 0 although jobs failed, 1 ' +
      'when the root of the set cannot be evaluated or a job took its worker with it.',
    options: [
      ...evaluationOptions.map((option): Option => (option.name === 'expr' ? { ...option, short: 'E' } : option)),
      platformOption,
      { name: 'attr', short: 'A', values: ['ATTR'], help: 'start at this attribute', complete: 'attribute' },
      { name: 'flake', values: ['REF'], help: 'a flake on this machine: DIR, DIR#ATTR' },
      { name: 'workers', values: ['N'], help: 'processes that evaluate (default: processors, as far as memory goes)' },
      {
        name: 'max-memory-size',
        values: ['MIB'],
        help: 'a worker that uses more is replaced between two jobs (default: 4096)',
      },
      { name: 'force-recurse', help: 'enter all sets, also those without recurseForDerivations' },
      { name: 'meta', help: 'with the meta attribute of each derivation' },
      { name: 'show-input-drvs', help: 'with the input derivations of each' },
      { name: 'check-cache-status', help: 'is it here, in a binary cache, or to be built?' },
      { name: 'select', values: ['FUNCTION'], help: 'apply this to the root before anything is looked for' },
      { name: 'apply', values: ['FUNCTION'], help: 'apply this to each derivation; its result becomes extraValue' },
      {
        name: 'gc-roots-dir',
        values: ['DIR'],
        help: 'make links here that keep the derivations from being collected',
        complete: 'directory',
      },
      { name: 'no-instantiate', help: 'write nothing to the store' },
      { name: 'option', values: ['NAME', 'VALUE'], repeat: true, help: 'a setting by its name in nix.conf' },
      { name: 'show-trace', help: 'errors with all places on the way' },
      { name: 'impure', help: 'evaluation is impure anyway', hidden: true },
      sandboxOption,
      ...substituterOptions,
      { name: 'offline', help: 'use no network if something must be built or fetched' },
    ],
    operands: { least: 0, most: 1, complete: 'file' },
    examples: [
      ['baryon eval-jobs release.nix --workers 4 > jobs.jsonl', 'all packages of a file'],
      ['baryon eval-jobs -f stacks/hep --no-instantiate --meta', 'of a stack, without writing'],
      ["baryon eval-jobs -E 'import ./. { }' -A python3Packages --force-recurse", 'a part of an expression'],
    ],
    load: () => import('./commands/eval-jobs.ts'),
  },
]
