/** `baryon cache serve`. */
import type { Command } from './command.ts'

export const cacheServeCommands: readonly Command[] = [
  {
    name: 'cache serve',
    summary: 'serve the store as a binary cache over HTTP',
    usage: '[--listen HOST:PORT | --socket PATH] [--key FILE]… [--upload-token-file FILE]',
    description:
      'Nix and Baryon can copy from it: narinfo, NARs streamed from the store (also parts of them), listings, build logs ' +
      'and debug info. What is built or collected meanwhile appears and disappears by itself.\n\nThe address is printed ' +
      'on standard output, a line for each request on standard error (with --json one record each). /healthz says whether it ' +
      'works, /metrics what it does, for Prometheus. SIGTERM and Ctrl-C end it after the downloads in progress, or ' +
      'after --grace seconds.\n\nWith a token file, whoever knows the token can upload: as a bearer token, or as the ' +
      'password in the netrc-file of Nix (`nix copy --to http://…`). What is uploaded must match its narinfo, and its ' +
      'references must be there already; with --trusted-key it must be signed as well.',
    options: [
      { name: 'listen', values: ['HOST:PORT'], help: 'where (default 127.0.0.1:5000; port 0: any that is free)' },
      { name: 'socket', values: ['PATH'], help: 'a socket in the file system instead, for a proxy', complete: 'file' },
      {
        name: 'key',
        values: ['FILE'],
        repeat: true,
        help: 'sign every path with this secret key; repeat it for several',
        complete: 'file',
      },
      {
        name: 'compression',
        values: ['NAME'],
        help: 'how NARs are offered: none (default), zstd or gzip, on the fly',
        complete: ['none', 'zstd', 'gzip'],
      },
      { name: 'priority', values: ['N'], help: 'clients ask caches with lower numbers first (default 30)' },
      {
        name: 'upload-token-file',
        values: ['FILE'],
        help: 'allow uploads to whoever knows the token in this file',
        complete: 'file',
      },
      {
        name: 'trusted-key',
        values: ['NAME:BASE64'],
        repeat: true,
        help: 'take uploads only of what one of these public keys has signed',
      },
      { name: 'max-upload', values: ['SIZE'], help: 'largest file that is taken (default 64G)' },
      { name: 'workers', values: ['N'], help: 'threads that read the store (default: processors, at most 4)' },
      { name: 'grace', values: ['SECONDS'], help: 'for downloads in progress when it is told to end (default 10)' },
      { name: 'quiet', short: 'q', help: 'no line for each request' },
    ],
    operands: { least: 0, most: 0 },
    examples: [
      ['baryon cache serve --key cache.example.org-1.secret', 'for this machine, signed'],
      ['baryon cache serve --listen 0.0.0.0:5000 --compression zstd', 'for everybody in the network'],
    ],
    load: () => import('./commands/cache-serve.ts'),
  },
]
