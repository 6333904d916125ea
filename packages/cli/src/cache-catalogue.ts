/** The commands about binary caches. */
import type { Command, Option } from './command.ts'
import { evaluationOptions, platformOption } from './common-options.ts'

const any = Number.POSITIVE_INFINITY

const jobsOption: Option = { name: 'jobs', short: 'j', values: ['N'], help: 'paths in work at the same time' }

/** How paths are put into a cache. */
export const pushOptions: readonly Option[] = [
  { name: 'key', values: ['FILE'], repeat: true, help: 'sign with this secret key', complete: 'file' },
  {
    name: 'compression',
    values: ['NAME'],
    help: 'zstd (default), gzip or none',
    complete: ['zstd', 'gzip', 'none'],
  },
  { name: 'compression-level', values: ['N'], help: 'level of the compression (default: its own)' },
  { name: 'write-nar-listing', help: 'also write a listing (.ls) of each archive' },
  { name: 'index-debug-info', help: 'also index debugging information by build-id' },
  { name: 'logs', help: 'also put the build logs there' },
  {
    name: 'token-file',
    values: ['FILE'],
    help: 'token for a server that takes uploads (default: BARYON_CACHE_TOKEN)',
    complete: 'file',
  },
]

/** How paths are taken from a cache. */
export const pullOptions: readonly Option[] = [
  {
    name: 'trusted-public-key',
    values: ['KEY'],
    repeat: true,
    help: 'believe what this key signed (BARYON_TRUSTED_PUBLIC_KEYS; else baryon.toml)',
  },
  { name: 'no-check-sigs', help: 'take what nobody signed' },
  jobsOption,
]

export const cacheCommands: readonly Command[] = [
  {
    name: 'cache create-key',
    summary: 'make a pair of keys to sign with',
    usage: 'NAME [--out FILE]',
    options: [
      { name: 'out', values: ['FILE'], help: 'file for the secret key (default: NAME.secret)', complete: 'file' },
    ],
    operands: { least: 1, most: 1 },
    examples: [
      ['baryon cache create-key cache.example.org-1 --out key', 'prints the public key, for --trusted-public-key'],
    ],
    load: () => import('./commands/cache-create-key.ts'),
  },
  {
    name: 'cache sign',
    summary: 'sign paths of the store',
    usage: '--key FILE [-f FILE] PATH|ATTR… [-r]',
    options: [
      ...evaluationOptions,
      platformOption,
      { name: 'key', values: ['FILE'], repeat: true, help: 'file of a secret key', complete: 'file' },
      { name: 'recursive', short: 'r', help: 'and all that they need' },
    ],
    operands: { least: 1, most: any, complete: 'store-path' },
    examples: [['baryon cache sign --key key ./result -r', 'the signatures go wherever the paths are copied']],
    load: () => import('./commands/cache-sign.ts'),
  },
  {
    name: 'cache push',
    summary: 'put paths with their closure into a binary cache',
    usage: 'URL|DIR [-f FILE] PATH|ATTR… [--key FILE]',
    description:
      'Only what the cache lacks is put there. It can be used at any moment: an archive is complete before its record ' +
      'appears, and records appear behind those of their references. After an interruption the same command goes on.\n\n' +
      'Caches are directories, web servers that take PUT requests with a token, and S3 buckets ' +
      '(s3://BUCKET?region=…&endpoint=…&profile=…). Nix reads them all.',
    options: [...evaluationOptions, platformOption, ...pushOptions, jobsOption],
    operands: { least: 2, most: any, complete: 'store-path' },
    examples: [
      ['baryon cache push /srv/cache ./result --key key', 'a static cache, to be served by any web server'],
      ["baryon cache push 's3://hep-cache?region=eu-west-1' analysis", 'an attribute of the stack'],
    ],
    load: () => import('./commands/cache-push.ts'),
  },
  {
    name: 'cache pull',
    summary: 'take paths with their closure from a binary cache',
    usage: 'URL|DIR PATH…',
    options: [...pullOptions],
    operands: { least: 2, most: any },
    examples: [
      [
        'baryon cache pull https://cache.example.org /nix/store/…-root-6.30 --trusted-public-key KEY',
        'signed paths only; what is content-addressed needs no signature',
      ],
    ],
    load: () => import('./commands/cache-pull.ts'),
  },
]
