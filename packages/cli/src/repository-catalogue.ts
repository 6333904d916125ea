/** The commands about CVMFS repositories. */
import type { Command, Option } from './command.ts'
import { evaluationOptions, platformOption } from './common-options.ts'

const keyOption: Option = {
  name: 'key',
  values: ['FILE'],
  repeat: true,
  help: 'public key of the repository (default: NAME.pub in the directory of keys)',
  complete: 'file',
}
const keysOption: Option = {
  name: 'keys',
  values: ['DIR'],
  help: 'directory with the keys of the repository (default: DIR.keys beside it; of a bucket, NAME.keys)',
  complete: 'directory',
}
const revisionOption: Option = {
  name: 'revision',
  values: ['TAG|NUMBER'],
  help: 'a tag, or the number of a tagged revision (default: the current one)',
}

const passphraseOption: Option = {
  name: 'passphrase-file',
  values: ['FILE'],
  help: 'passphrase of the private keys (BARYON_KEY_PASSPHRASE)',
  complete: 'file',
}
/** How revisions are signed. */
const signingOptions: readonly Option[] = [
  keysOption,
  {
    name: 'sign-with',
    values: ['COMMAND'],
    help: 'sign with this command of the shell instead of NAME.key: text on standard input, raw signature on standard output',
  },
  passphraseOption,
]

const any = Number.POSITIVE_INFINITY

export const repositoryCommands: readonly Command[] = [
  {
    name: 'repository create',
    summary: 'make an empty CVMFS repository with its keys',
    usage: 'NAME --dir DIR [--keys DIR]',
    description:
      'The directory is what a web server has to serve, as /cvmfs/NAME. Keys are made in another one, with the names of the ' +
      'CVMFS tools: NAME.key and NAME.crt sign revisions, NAME.masterkey signs the whitelist, NAME.pub is for clients. ' +
      'Keys that are there already are used.\n\nA folder of a bucket (s3://BUCKET/FOLDER?region=…&endpoint=…&scheme=…&profile=…) can be used like a directory by all ' +
      'commands but serve; the credentials are those of the tools of AWS. It must take conditional writes, as S3 does.\n\nWith a passphrase the private keys are encrypted. A key that a program or a card has ' +
      'signs by its command: RSA PKCS#1 v1.5, for revisions with SHA-1 (openssl dgst -sha1 -sign KEY), for the whitelist around ' +
      'the text itself (openssl pkeyutl -sign -inkey KEY). NAME.crt, or NAME.pub, must be there then.',
    options: [
      {
        name: 'dir',
        values: ['DIR|s3://…'],
        help: 'directory of the repository, or folder of a bucket',
        complete: 'directory',
      },
      ...signingOptions,
      {
        name: 'sign-whitelist-with',
        values: ['COMMAND'],
        help: 'sign the whitelist with this command instead of NAME.masterkey',
      },
      { name: 'hash', values: ['NAME'], help: 'sha1 (default) or shake128', complete: ['sha1', 'shake128'] },
      { name: 'ttl', values: ['SECONDS'], help: 'for how long clients use a revision before they ask again (240)' },
      { name: 'valid', values: ['DAYS'], help: 'for how long the whitelist is valid (30)' },
    ],
    operands: { least: 1, most: 1 },
    examples: [['baryon repository create lhcb.example.org --dir /srv/cvmfs/lhcb.example.org', 'keys in …org.keys']],
    load: () => import('./commands/repository-create.ts'),
  },
  {
    name: 'repository publish',
    summary: 'publish store paths and releases with their closures, or a directory tree',
    usage: 'DIR [-f FILE] PATH|ATTR|RELEASE… | DIR --tree TREE --at /PATH | DIR --remove /PATH',
    description:
      'Store paths appear under their own name: the repository must be the one that the store directory is in ' +
      '(/cvmfs/NAME/…). What is there already is not looked at again. Of the catalogs only those between the root and ' +
      'what changes are written. A release NAME/VERSION is also found at /NAME/VERSION/PLATFORM, below /lcg and /modulefiles, and by ' +
      'lb-run.\n\n' +
      'A tree replaces what is at its place; --at / replaces all. A directory with a file .cvmfscatalog gets a catalog of its own, ' +
      'and so does one that a rule of /.cvmfsdirtab fits (/software/releases/*, exceptions with !), when it is published or when the rules change.\n\n' +
      'A revision is complete or not there at all: after an interruption the same command starts again, and ' +
      'finds the objects that were stored.',
    options: [
      ...evaluationOptions,
      platformOption,
      ...signingOptions,
      { name: 'tree', values: ['TREE'], help: 'publish this file or directory', complete: 'directory' },
      {
        name: 'at',
        values: ['PATH'],
        help: 'where --tree goes, what is there is replaced; or where releases are found: /nightlies/main/12',
      },
      { name: 'xattrs', help: 'publish the extended attributes of --tree as well' },
      { name: 'remove', values: ['PATH'], repeat: true, help: 'remove this from the repository' },
      { name: 'tag', values: ['NAME'], help: 'a name for the new revision' },
      { name: 'description', values: ['TEXT'], help: 'what the tag is' },
      { name: 'uncompressed', help: 'store contents as they are' },
    ],
    operands: { least: 1, most: any, complete: 'store-path' },
    examples: [
      ['baryon repository publish /srv/cvmfs/lhcb.example.org analysis', 'an attribute of the stack, with its closure'],
      [
        'baryon repository publish repo HEP/1.0',
        'a release: then /cvmfs/lhcb.example.org/HEP/1.0/PLATFORM/bin/run CMD',
      ],
      ['baryon repository publish repo --tree ./release --at /releases/v1 --tag v1', 'any tree'],
    ],
    load: () => import('./commands/repository-publish.ts'),
  },
  {
    name: 'repository fetch',
    summary: 'copy store paths with their closure from a repository into the store',
    usage: 'DIR|URL PATH… | DIR|URL --all',
    description:
      'For machines where nothing is mounted, and to keep what a repository has. Signatures, every object and the hash of each path ' +
      'are verified; what the store has already is not fetched. After an interruption the same command goes on. CVMFS_HTTP_PROXY is ' +
      'heeded.\n\nThe store directory must be the one that was published. Nothing keeps the paths from `baryon store gc` but ' +
      'roots of your own.',
    options: [
      keyOption,
      keysOption,
      revisionOption,
      { name: 'all', help: 'every path of the revision' },
      { name: 'jobs', short: 'j', values: ['N'], help: 'paths in work at the same time (4)' },
    ],
    operands: { least: 1, most: any },
    examples: [
      [
        'baryon repository fetch http://stratum1.example.org/cvmfs/lhcb.example.org /cvmfs/lhcb.example.org/nix/store/…-root-6.30 --key lhcb.pub',
        'with all that it needs',
      ],
      ['baryon repository fetch repo --all --revision v1', 'a whole release'],
    ],
    load: () => import('./commands/repository-fetch.ts'),
  },
  {
    name: 'repository log',
    summary: 'show the current revision and the tagged ones',
    usage: 'DIR|URL [--key FILE]',
    options: [keyOption, keysOption],
    operands: { least: 1, most: 1, complete: 'directory' },
    examples: [['baryon repository log http://stratum1.example.org/cvmfs/lhcb.example.org --key lhcb.pub', 'verified']],
    load: () => import('./commands/repository-log.ts'),
  },
  {
    name: 'repository tag',
    summary: 'name revisions, or forget their names',
    usage: 'DIR NAME… [--revision TAG] [--description TEXT] | DIR NAME… --remove',
    options: [
      ...signingOptions,
      revisionOption,
      { name: 'description', values: ['TEXT'], help: 'what it is' },
      { name: 'remove', help: 'forget the names; what only they hold is not published any more' },
    ],
    operands: { least: 2, most: any, complete: 'directory' },
    examples: [['baryon repository tag repo v1 --description "for the first data"', 'the current revision']],
    load: () => import('./commands/repository-tag.ts'),
  },
  {
    name: 'repository rollback',
    summary: 'publish the contents of a former revision again',
    usage: 'DIR [TAG|NUMBER]',
    description:
      'A new revision with the contents of the tagged one; without a name, of the one before the current. Clients see it as ' +
      'they see any other revision.',
    options: [...signingOptions],
    operands: { least: 1, most: 2, complete: 'directory' },
    examples: [['baryon repository rollback repo v1', 'also after many revisions']],
    load: () => import('./commands/repository-rollback.ts'),
  },
  {
    name: 'repository diff',
    summary: 'show what differs between two revisions',
    usage: 'DIR|URL REVISION [REVISION]',
    description:
      'Revisions are named by a tag, or by the number of a tagged one; without the second the current one is meant. Paths that were ' +
      'added (+), removed (-), changed (~) or have another type now (!), with their sizes. Catalogs that both have are not fetched, ' +
      'and contents never.',
    options: [keyOption, keysOption, { name: 'summary', help: 'only the number of paths and bytes' }],
    operands: { least: 2, most: 3, complete: 'directory' },
    examples: [
      ['baryon repository diff repo trunk-previous', 'what the last publish did'],
      [
        'baryon repository diff http://stratum1.example.org/cvmfs/lhcb.example.org v1 v2 --key lhcb.pub',
        'also from afar',
      ],
    ],
    load: () => import('./commands/repository-diff.ts'),
  },
  {
    name: 'repository list',
    summary: 'list a directory of a repository',
    usage: 'DIR|URL [/PATH] [-l] [-R] [--revision TAG]',
    options: [
      keyOption,
      keysOption,
      revisionOption,
      { name: 'long', short: 'l', help: 'with modes, sizes, times and targets of links' },
      { name: 'recursive', short: 'R', help: 'and all below it' },
    ],
    operands: { least: 1, most: 2, complete: 'directory' },
    examples: [['baryon repository list repo /nix/store', 'only the catalogs on the way are fetched']],
    load: () => import('./commands/repository-list.ts'),
  },
  {
    name: 'repository cat',
    summary: 'print files of a repository',
    usage: 'DIR|URL /PATH… [--revision TAG]',
    options: [keyOption, keysOption, revisionOption],
    operands: { least: 2, most: any, complete: 'directory' },
    examples: [['baryon repository cat repo /releases/v1/README --revision v1', 'as it was in v1']],
    load: () => import('./commands/repository-cat.ts'),
  },
  {
    name: 'repository check',
    summary: 'verify signatures, catalogs, counters and every object',
    usage: 'DIR|URL [--tags]',
    options: [keyOption, keysOption, { name: 'tags', help: 'the tagged revisions as well' }],
    operands: { least: 1, most: 1, complete: 'directory' },
    examples: [['baryon repository check /srv/cvmfs/lhcb.example.org --tags', 'ends with 1 if anything is wrong']],
    load: () => import('./commands/repository-check.ts'),
  },
  {
    name: 'repository gc',
    summary: 'remove what no kept revision needs',
    usage: 'DIR [--keep N] [--dry-run]',
    description:
      'Kept are the current revision, those with a tag (the one before the current has), and as many more as --keep says. What ' +
      'interrupted publishes left goes as well.',
    options: [
      ...signingOptions,
      { name: 'keep', values: ['N'], help: 'former revisions without a tag to keep (0)' },
      { name: 'dry-run', help: 'only tell what would be removed' },
    ],
    operands: { least: 1, most: 1, complete: 'directory' },
    examples: [['baryon repository gc /srv/cvmfs/lhcb.example.org --keep 10', 'clients of ten revisions are served']],
    load: () => import('./commands/repository-gc.ts'),
  },
  {
    name: 'repository replicate',
    summary: 'copy a repository to a directory, as a Stratum 1',
    usage: "'URL[;URL…]' DIR --key FILE",
    description:
      'Everything is verified before it is stored, and the manifest comes last: the copy can be served at any time. After an ' +
      'interruption the same command goes on. An older revision never replaces a newer one.\n\n' +
      'Servers with semicolons between are mirrors: where one fails the next one is asked for the rest. CVMFS_HTTP_PROXY is ' +
      'heeded, with its groups: A|B;DIRECT.',
    options: [
      keyOption,
      keysOption,
      { name: 'jobs', short: 'j', values: ['N'], help: 'objects on their way at the same time (8)' },
    ],
    operands: { least: 2, most: 2, complete: 'directory' },
    examples: [
      [
        "baryon repository replicate 'http://s0.example.org/cvmfs/lhcb.example.org' /srv/cvmfs/lhcb.example.org --key lhcb.pub",
        'from cron, every few minutes',
      ],
    ],
    load: () => import('./commands/repository-replicate.ts'),
  },
  {
    name: 'repository serve',
    summary: 'serve repositories over HTTP',
    usage: 'DIR… [--listen HOST:PORT]',
    description:
      'Each as /cvmfs/NAME, with what caches on the way need to know: objects may be kept for ever, manifest and whitelist for ' +
      '--max-age. Nothing else below the directories can be had, and nothing is listed. A single repository is at / as well.\n\n' +
      'The first line on standard output is the address (with --json a record), for the client: ' +
      'CVMFS_SERVER_URL=ADDRESS/cvmfs/@fqrn@. Requests are logged on standard error. SIGTERM and Ctrl-C end it after the ' +
      'downloads in progress, or after ten seconds.',
    options: [
      { name: 'listen', values: ['HOST:PORT'], help: 'where (default 127.0.0.1:8000; port 0: any that is free)' },
      { name: 'port', values: ['PORT'], help: 'the same, for this machine alone' },
      { name: 'max-age', values: ['SECONDS'], help: 'for how long a manifest may be used before asking again (61)' },
      { name: 'quiet', short: 'q', help: 'no line for each request' },
    ],
    operands: { least: 1, most: any, complete: 'directory' },
    examples: [
      ['baryon repository serve /srv/cvmfs/lhcb.example.org', 'for trying out'],
      ['baryon repository serve /srv/cvmfs/*.org --listen 0.0.0.0:8000', 'for everybody in the network'],
    ],
    load: () => import('./commands/repository-serve.ts'),
  },
  {
    name: 'repository mount',
    summary: 'run a command that sees a repository as a directory',
    usage: 'DIR|URL[;URL…] MOUNTPOINT [--key FILE] [-- CMD…]',
    description:
      'A client for machines without CVMFS: it needs neither root nor installed software, but /dev/fuse and namespaces of users. The ' +
      'command (by default $SHELL) runs in a namespace that has the repository at MOUNTPOINT, which need not exist: ' +
      '/cvmfs/NAME works everywhere. Other processes do not see it; with the last one that does the mount goes.\n\n' +
      'Files are fetched when they are opened, verified, and kept in a cache that all mounts of a user share; what is there is read ' +
      'without a network. A newer revision is shown when the time that the repository gives is over. Faults are told by ' +
      'the attribute user.logbuffer: getfattr -n user.logbuffer MOUNTPOINT.\n\n' +
      '--record writes down what is read, --prefetch fetches what was recorded before it is asked for: a program that is started ' +
      'for the first time waits for a few answers of the server instead of for hundreds. A trace may be published with what it is of.',
    options: [
      keyOption,
      keysOption,
      {
        name: 'prefetch',
        values: ['FILE'],
        help: 'fetch what this trace names; it may lie below MOUNTPOINT',
        complete: 'file',
      },
      { name: 'record', values: ['FILE'], help: 'write a trace of what is read', complete: 'file' },
      { name: 'quota', values: ['MB'], help: 'most megabytes in the cache of all repositories (4000)' },
      {
        name: 'ttl',
        values: ['SECONDS'],
        help: 'when to ask for a newer revision (default: what the repository says)',
      },
      { name: 'descriptor', values: ['N'], help: 'serve this descriptor of /dev/fuse', hidden: true },
    ],
    operands: { least: 2, most: 2, complete: 'directory', command: 'after-dashes' },
    examples: [
      [
        'baryon repository mount http://s1.example.org/cvmfs/lhcb.example.org /cvmfs/lhcb.example.org --key lhcb.pub',
        'a shell',
      ],
      ['baryon repository mount /srv/cvmfs/lhcb.example.org ./mnt -- ls -l mnt', 'a command'],
      [
        'baryon repository mount repo /cvmfs/lhcb.example.org --record trace -- /cvmfs/lhcb.example.org/current/bin/root -b -q',
        'what does a start of ROOT read?',
      ],
    ],
    load: () => import('./commands/repository-mount.ts'),
  },
  {
    name: 'repository whitelist',
    summary: 'sign the whitelist anew, also for a new certificate',
    usage: '[renew] DIR [--valid DAYS] [--rotate]',
    description:
      'Clients refuse a repository whose whitelist has expired. Needs the master key. Listed are NAME.crt and the certificate of the ' +
      'current revision; others are not believed any more.\n\n' +
      '--rotate makes a new key with its certificate and signs the current revision with it. The former one stays listed, for ' +
      'mirrors that are behind, until the whitelist is signed the next time. Where a program has the key: put the new certificate ' +
      'at NAME.crt, sign the whitelist, then publish.',
    options: [
      keysOption,
      { name: 'valid', values: ['DAYS'], help: 'from now on (30)' },
      { name: 'rotate', help: 'make a new key and certificate, and sign with them' },
      {
        name: 'sign-with',
        values: ['COMMAND'],
        help: 'sign with this command of the shell instead of NAME.masterkey',
      },
      passphraseOption,
    ],
    operands: { least: 1, most: 2, complete: 'directory' },
    examples: [
      ['baryon repository whitelist /srv/cvmfs/lhcb.example.org', 'once a month'],
      [
        "baryon repository whitelist repo --sign-with 'openssl pkeyutl -sign -inkey card.pem'",
        'the master key is elsewhere',
      ],
    ],
    load: () => import('./commands/repository-whitelist.ts'),
  },
]
