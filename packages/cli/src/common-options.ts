/** Options that several commands share, each said once. */
import type { Option } from './command.ts'

/** Understood by every command. */
export const globalOptions: readonly Option[] = [
  {
    name: 'root',
    values: ['DIR'],
    help: 'where everything is kept (BARYON_ROOT; default ~/.local/share/baryon)',
    complete: 'directory',
  },
  {
    name: 'store-dir',
    values: ['DIR'],
    help: 'logical store directory (BARYON_STORE_DIR; else baryon.toml, else /nix/store)',
    complete: 'directory',
  },
  { name: 'json', help: 'print one JSON record instead of text' },
  { name: 'verbose', short: 'v', help: 'say more: logs of builds, traces of evaluation' },
  { name: 'debug', help: 'also show the stack of an error' },
  { name: 'help', short: 'h', help: 'show this text' },
]

export const platformOption: Option = {
  name: 'platform',
  short: 'c',
  values: ['TAG'],
  help: 'variant to use, such as x86_64-debian12-gcc12-opt (default: BINARY_TAG, else baryon.toml, else the stack)',
  complete: 'platform',
}

/** How a stack or an expression is chosen and called. */
export const evaluationOptions: readonly Option[] = [
  {
    name: 'file',
    short: 'f',
    values: ['FILE'],
    help: 'Nix file or directory with a default.nix (default: the stack of baryon.toml)',
    complete: 'file',
  },
  { name: 'expr', values: ['EXPRESSION'], help: 'an expression instead of a file' },
  { name: 'arg', values: ['NAME', 'EXPRESSION'], repeat: true, help: 'argument for the function that the file is' },
  { name: 'argstr', values: ['NAME', 'TEXT'], repeat: true, help: 'the same, as a string' },
  {
    name: 'include',
    short: 'I',
    values: ['PATH'],
    repeat: true,
    help: 'search path entry for <name>, before NIX_PATH',
    complete: 'directory',
  },
  {
    name: 'nix-version',
    values: ['VERSION'],
    help: 'language of Nix 2.36.0 or 2.8.0 (BARYON_NIX_VERSION; else baryon.toml, else 2.36.0)',
    complete: ['2.36.0', '2.8.0'],
  },
  {
    name: 'experimental-feature',
    values: ['NAME'],
    repeat: true,
    help: 'syntax that is not settled yet: pipe-operators, parse-toml-timestamps',
    complete: ['pipe-operators', 'parse-toml-timestamps'],
  },
  {
    name: 'lint',
    values: ['NAME', 'LEVEL'],
    repeat: true,
    help: 'ignore, warn or fatal for url-literals, absolute-path-literals or short-path-literals',
    complete: ['url-literals', 'absolute-path-literals', 'short-path-literals'],
  },
  {
    name: 'max-call-depth',
    values: ['COUNT'],
    help: 'how deep functions may call each other (default: as deep as 1 GB of stack allows)',
  },
]

export const sandboxOption: Option = {
  name: 'sandbox',
  values: ['TIER'],
  help: 'auto, userns, proot or none (BARYON_SANDBOX; default auto)',
  complete: ['auto', 'userns', 'proot', 'none'],
}

/** Where finished paths may come from. */
export const substituterOptions: readonly Option[] = [
  {
    name: 'substituter',
    values: ['URL'],
    repeat: true,
    help: 'binary cache to ask before building (BARYON_SUBSTITUTERS; else baryon.toml)',
  },
  {
    name: 'trusted-public-key',
    values: ['KEY'],
    repeat: true,
    help: 'believe what this key signed (BARYON_TRUSTED_PUBLIC_KEYS; else baryon.toml)',
  },
  { name: 'no-substitute', help: 'ask no binary cache' },
]

/** Where programs may be run from without building or copying them. */
export const publishedOptions: readonly Option[] = [
  {
    name: 'repository',
    values: ['URL'],
    help: 'CVMFS repository to run from what neither this machine nor its store has (BARYON_REPOSITORY; else baryon.toml)',
    complete: 'directory',
  },
  { name: 'key', values: ['FILE'], repeat: true, help: 'public key of the repository', complete: 'file' },
]

/** Stores of other users of this machine. */
export const neighbourOptions: readonly Option[] = [
  {
    name: 'neighbour',
    values: ['DIR'],
    repeat: true,
    help: 'root of the store of another user, to copy from what proves itself (BARYON_NEIGHBOURS)',
    complete: 'directory',
  },
  {
    name: 'trusted-owner',
    values: ['USER'],
    repeat: true,
    help: 'believe a neighbour that only this user can write to (BARYON_TRUSTED_OWNERS)',
  },
]

/** How builds are done. */
export const realiseOptions: readonly Option[] = [
  ...substituterOptions,
  ...neighbourOptions,
  { name: 'jobs', short: 'j', values: ['N'], help: 'builds at the same time (default: processors of the machine)' },
  { name: 'cores', values: ['N'], help: 'processors that one build may use (default: all)' },
  { name: 'keep-going', short: 'k', help: 'go on with other builds after a failure' },
  { name: 'keep-failed', short: 'K', help: 'keep the directory of a failed build' },
  { name: 'timeout', values: ['SECONDS'], help: 'kill a build that takes longer' },
  { name: 'max-silent-time', values: ['SECONDS'], help: 'kill a build that prints nothing for so long' },
  { name: 'offline', help: 'use no network: only the source archive and what is built' },
  sandboxOption,
]

/** Where `baryon run` and `baryon shell` look for releases first: see release-areas.ts. */
export const areaOptions: readonly Option[] = [
  {
    name: 'user-area',
    values: ['DIR'],
    help: 'look here for releases before anywhere else (User_release_area)',
    complete: 'directory',
  },
  { name: 'no-user-area', help: 'do not look into User_release_area' },
  {
    name: 'nightly',
    values: ['SLOT[/ID]'],
    help: 'look into a nightly build: ID is a number, a date, Mon to Sun, Today, Yesterday or latest (default: Today)',
  },
  {
    name: 'nightly-base',
    values: ['DIR'],
    repeat: true,
    help: 'where nightly slots are (LHCBNIGHTLIES, LCG_nightlies_area; default: where LHCb and LCG have theirs below /cvmfs)',
    complete: 'directory',
  },
  { name: 'dev', help: 'look into the development area as well (LHCBDEV)' },
  {
    name: 'dev-dir',
    values: ['DIR'],
    repeat: true,
    help: 'look here as well, before the search path',
    complete: 'directory',
  },
  {
    name: 'search-path',
    values: ['DIR'],
    repeat: true,
    help: 'look here as well, before the store and /cvmfs (BARYON_RELEASE_PATH, separated by colons)',
    complete: 'directory',
  },
]

export const pureOption: Option = {
  name: 'pure',
  short: 'i',
  help: 'without your variables, but for HOME, TERM and others that every session needs',
}
