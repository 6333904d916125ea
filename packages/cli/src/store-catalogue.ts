/** The commands about the store and what is in it. */
import { pullOptions, pushOptions } from './cache-catalogue.ts'
import type { Command } from './command.ts'
import {
  evaluationOptions,
  neighbourOptions,
  platformOption,
  sandboxOption,
  substituterOptions,
} from './common-options.ts'

const any = Number.POSITIVE_INFINITY

export const storeCommands: readonly Command[] = [
  {
    name: 'store add',
    summary: 'copy files into the store',
    usage: 'PATH… [--name NAME] [--flat]',
    options: [
      { name: 'name', values: ['NAME'], help: 'name of the store path (default: that of the file)' },
      { name: 'flat', help: 'hash the bytes of a file, not its NAR serialisation' },
      {
        name: 'type',
        values: ['NAME'],
        help: 'hash algorithm (default: sha256)',
        complete: ['md5', 'sha1', 'sha256', 'sha512'],
      },
    ],
    operands: { least: 1, most: any, complete: 'file' },
    examples: [['baryon store add ./detector.gdml', 'prints the store path']],
    load: () => import('./commands/store-add.ts'),
  },
  {
    name: 'store ls',
    summary: 'list the store or a directory in it',
    usage: '[PATH] [--long]',
    options: [
      { name: 'long', short: 'l', help: 'with kind and size' },
      { name: 'recursive', short: 'R', help: 'and everything below' },
    ],
    operands: { least: 0, most: 1, complete: 'store-path' },
    examples: [['baryon store ls ./result/lib -l', 'what is inside']],
    load: () => import('./commands/store-ls.ts'),
  },
  {
    name: 'store cat',
    summary: 'print a file of the store',
    usage: 'PATH',
    options: [],
    operands: { least: 1, most: 1, complete: 'store-path' },
    examples: [['baryon store cat ./result/include/zlib.h', 'by logical path, wherever the store is']],
    load: () => import('./commands/store-cat.ts'),
  },
  {
    name: 'store path-info',
    summary: 'hash, size, references and deriver of paths',
    usage: '[-f FILE] PATH|ATTR…',
    options: [
      ...evaluationOptions,
      platformOption,
      { name: 'closure-size', short: 'S', help: 'also the size of the closure' },
      { name: 'store', values: ['URL'], help: 'a binary cache instead of the local store' },
    ],
    operands: { least: 1, most: any, complete: 'store-path' },
    examples: [
      ['baryon store path-info ./result -S --json', 'for programs'],
      ['baryon store path-info --store https://cache.example.org ./result', 'is it in the cache?'],
    ],
    load: () => import('./commands/store-path-info.ts'),
  },
  {
    name: 'store closure',
    summary: 'all that a path needs to run',
    usage: '[-f FILE] PATH|ATTR… [--size] [--tree]',
    options: [
      ...evaluationOptions,
      platformOption,
      { name: 'size', short: 's', help: 'with sizes and their sum' },
      { name: 'tree', help: 'as a tree' },
      { name: 'reverse', help: 'what needs the path instead' },
    ],
    operands: { least: 1, most: any, complete: 'store-path' },
    examples: [
      ['baryon store closure ./result --size', 'what a node must have'],
      ['baryon store closure -f stacks/hep analysis --tree', 'by attribute'],
    ],
    load: () => import('./commands/store-closure.ts'),
  },
  {
    name: 'store why-depends',
    summary: 'how one path comes to need another',
    usage: '[-f FILE] PATH|ATTR DEPENDENCY',
    options: [...evaluationOptions, platformOption, { name: 'all', help: 'every way, not only a shortest one' }],
    operands: { least: 2, most: 2, complete: 'store-path' },
    examples: [
      ['baryon store why-depends analysis glibc', 'with the files that hold each reference, and where in them'],
    ],
    load: () => import('./commands/store-why-depends.ts'),
  },
  {
    name: 'store diff',
    summary: 'compare two paths file by file, or their closures by package',
    usage: '[-f FILE] PATH|ATTR PATH|ATTR [--closure]',
    options: [
      ...evaluationOptions,
      platformOption,
      { name: 'closure', help: 'packages, versions and sizes of all that each of them needs' },
    ],
    operands: { least: 2, most: 2, complete: 'store-path' },
    examples: [
      ['baryon store diff ./result ./result-2', 'status 1 when they differ'],
      ['baryon store diff ./result ./result-2 --closure', 'what an update brings'],
    ],
    load: () => import('./commands/store-diff.ts'),
  },
  {
    name: 'store verify',
    summary: 'check the store against its database, and repair it',
    usage: '[PATH…] [--check-contents] [--repair]',
    description:
      'Without PATH everything is checked. A path that is missing or damaged is repaired from the source archive, from ' +
      'another store or cache, or by building it again: from the first that has exactly what was registered.',
    options: [
      { name: 'check-contents', help: 'also hash every path' },
      { name: 'closure', help: 'of PATH also all that it needs' },
      { name: 'repair', help: 'replace what is missing or damaged' },
      {
        name: 'from',
        values: ['DIR'],
        repeat: true,
        help: 'root of another store to repair from',
        complete: 'directory',
      },
      ...substituterOptions,
      ...neighbourOptions,
      { name: 'offline', help: 'use no network' },
      sandboxOption,
    ],
    operands: { least: 0, most: any, complete: 'store-path' },
    examples: [
      ['baryon store verify --check-contents', 'status 1 when something is wrong'],
      ['baryon store verify --check-contents --repair', 'status 1 when something could not be repaired'],
    ],
    load: () => import('./commands/store-verify.ts'),
  },
  {
    name: 'store optimise',
    summary: 'save space: equal files become hard links to one',
    usage: '[PATH…] [--dry-run]',
    description:
      'Works in the .links directory that nix-store --optimise uses. Any other command may run meanwhile, and it may be ' +
      'interrupted at any time. With BARYON_AUTO_OPTIMISE=1 every new path is treated as soon as it is registered.',
    options: [{ name: 'dry-run', help: 'only count' }],
    operands: { least: 0, most: any, complete: 'store-path' },
    examples: [['baryon store optimise --dry-run', 'what would it save?']],
    load: () => import('./commands/store-optimise.ts'),
  },
  {
    name: 'store copy',
    summary: 'copy paths with their closure to or from elsewhere',
    usage: '--to URL|ROOT | --from URL|ROOT PATH|ATTR…',
    description:
      'A URL (file://, https://, s3://) is a binary cache, anything else the root of another store for the same store ' +
      'directory. Only what is missing is copied, and what comes is verified.',
    options: [
      ...evaluationOptions,
      platformOption,
      { name: 'to', values: ['URL'], help: 'where to' },
      { name: 'from', values: ['URL'], help: 'where from' },
      ...pullOptions,
      ...pushOptions,
    ],
    operands: { least: 1, most: any, complete: 'store-path' },
    examples: [
      ['baryon store copy --to file:///srv/cache ./result', 'the same as cache push'],
      ['baryon store copy --from /mnt/other/root /nix/store/…-root-6.30', 'from a store on another disk'],
    ],
    load: () => import('./commands/store-copy.ts'),
  },
  {
    name: 'store usage',
    summary: 'what takes the space, and what would free it',
    usage: '[-f FILE] [PATH|ATTR…]',
    description:
      'Sizes on disk count a file with several names (see baryon store optimise) once. "Freed without" is what a garbage ' +
      'collection would free if that root went.',
    options: [...evaluationOptions, platformOption, { name: 'all', help: 'every root, package and path' }],
    operands: { least: 0, most: any, complete: 'store-path' },
    examples: [
      ['baryon store usage', 'totals, and the largest roots, packages and paths'],
      ['baryon store usage ./result', 'what this link keeps, and what it alone keeps'],
    ],
    load: () => import('./commands/store-usage.ts'),
  },
  {
    name: 'store gc',
    summary: 'remove what no root needs',
    usage: '[--dry-run] [--max-freed BYTES] [--delete-older-than DAYS]',
    options: [
      { name: 'dry-run', help: 'only say what would be removed' },
      { name: 'max-freed', values: ['BYTES'], help: 'stop after so much (K, M, G and T are understood)' },
      {
        name: 'delete-older-than',
        values: ['DAYS'],
        help: 'first remove generations of profiles that were out of use so long ago (30d)',
      },
      { name: 'keep-outputs', help: 'a derivation that is kept keeps its outputs' },
      { name: 'keep-derivations', help: 'a path that is kept keeps its derivation (the default)' },
      { name: 'no-keep-derivations', help: 'it does not' },
    ],
    operands: { least: 0, most: 0 },
    examples: [
      ['baryon store gc --dry-run', 'how much would it free?'],
      ['baryon store gc --delete-older-than 30d', 'old generations of profiles as well'],
    ],
    load: () => import('./commands/store-gc.ts'),
  },
  {
    name: 'store roots',
    summary: 'what keeps paths from being removed',
    usage: '',
    options: [],
    operands: { least: 0, most: 0 },
    examples: [['baryon store roots', 'links, builds and processes, and the paths they keep']],
    load: () => import('./commands/store-roots.ts'),
  },
  {
    name: 'derivation show',
    summary: 'show a derivation',
    usage: '[-f FILE] DERIVATION|PATH|ATTR…',
    options: [...evaluationOptions, platformOption, { name: 'recursive', short: 'r', help: 'and all that it needs' }],
    operands: { least: 1, most: any, complete: 'attribute' },
    examples: [['baryon derivation show zlib', 'outputs, inputs, builder and environment']],
    load: () => import('./commands/derivation-show.ts'),
  },
  {
    name: 'derivation diff',
    summary: 'why two derivations differ',
    usage: '[-f FILE] DERIVATION|ATTR DERIVATION|ATTR [--platform TAG --platform TAG]',
    description:
      'Follows inputs of one name through both graphs of derivations to the attributes in which they begin to differ: ' +
      'variables, arguments, sources (with the files in them), inputs that came or went. What differs only because an ' +
      'input does is left out, and what many derivations have in common is told once.\n\nFor attributes of a stack or an ' +
      'expression also file, line and column are told of what differs. Exit status: 0 equal, 1 different.',
    options: [...evaluationOptions, { ...platformOption, repeat: true, help: 'one tag for both, or one for each' }],
    operands: { least: 1, most: 2, complete: 'attribute' },
    examples: [
      [
        "baryon derivation diff --expr '{ a = import ./old { }; b = import ./new { }; }' a.root b.root",
        'what a change of recipes means',
      ],
      [
        'baryon derivation diff zlib -c x86_64-debian12-gcc12-opt -c x86_64-debian12-gcc11-opt',
        'one package in two variants',
      ],
      ['baryon derivation diff old.drv new.drv', 'only what is really different, followed through the inputs'],
    ],
    load: () => import('./commands/derivation-diff.ts'),
  },
]
