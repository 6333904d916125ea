/**
 * The evaluator on the nixpkgs tree of 2017, which is not part of this repository: `NIXPKGS_2017` names a checkout of
 * chrisburr/nixpkgs, and without it only the small programs are measured.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ComparedRow, Row } from './bench.ts'

const STORE_DIRECTORY = '/cvmfs/lhcbdev.cern.ch/nix/store'
/** Both sides in the language of the peer: the tree embeds the version in a few derivations. */
const PARITY = ['--option', 'nix-version', '2.8.0']
const EDITED = 'pkgs/applications/science/misc/root/default.nix'
const NO_ANSWERS = ['--option', 'eval-cache', 'false']

export function evaluatorRows(root: string, work: string): readonly Row[] {
  const ours = join(root, 'bin/nix-instantiate')
  const directory = join(root, 'packages/language/test/data/bench')
  const programs = readdirSync(directory)
    .sort()
    .map((file) => program(ours, join(directory, file)))
  const tree = process.env.NIXPKGS_2017
  return tree === undefined ? programs : [...programs, ...treeRows(ours, tree, work)]
}

function program(ours: string, file: string): ComparedRow {
  const args = ['--eval', '--strict', file]
  return {
    name: basename(file, '.nix'),
    ours: [ours, ...args, ...PARITY, ...NO_ANSWERS],
    // A million calls need more stack than it takes for itself.
    peer: ['sh', '-c', 'ulimit -s unlimited; exec "$@"', 'sh', 'nix-instantiate', ...args],
  }
}

function treeRows(ours: string, tree: string, work: string): readonly Row[] {
  const environment = ['env', 'NIX_REMOTE=dummy://', `NIX_STORE_DIR=${STORE_DIRECTORY}`]
  const row = (name: string, attribute: string, more: readonly string[], from = tree): ComparedRow => {
    const args = ['--eval', '-E', `(import ${from} { }).${attribute}.drvPath`]
    return {
      name,
      ours: [...environment, ours, ...args, ...PARITY, ...more],
      peer: [...environment, 'nix-instantiate', ...args],
    }
  }
  const edited = join(work, 'edited')
  return [
    row('root, unchanged', 'root', []),
    { ...row('root, a package edited', 'root', [], edited), before: () => edit(tree, edited) },
    row('root, no answers kept', 'root', NO_ANSWERS),
    row('hello, no answers kept', 'hello', NO_ANSWERS),
    jobsRow(join(ours, '../baryon'), tree, work),
  ]
}

/** Other names of sets that are there, and what is none of the reference's 35,685 attributes. */
const LEFT_OUT = [
  ...['emacs25PackagesNg', 'emacsMelpa', 'emacsPackagesNg', 'gnome3', 'libsForQt5', 'ocamlPackages'],
  ...['python2Packages', 'python3Packages', 'pythonPackages', 'xlibs'],
]

/**
 * All packages that evaluate, and those in sets, in two workers, against one process of the peer that evaluates the same
 * ones: 36,760 of the tree of 2017.
 */
function jobsRow(baryon: string, tree: string, work: string): ComparedRow {
  const [list, jobs, texts] = ['names.json', 'jobs.nix', 'texts.nix'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ]
  const packages = `pkgs = import ${tree} { config = { }; overlays = [ ]; };`
  const choice = `${packages} list = builtins.fromJSON (builtins.readFile ${list});`
  const ours = (file: string): readonly string[] => [
    ...[baryon, 'eval-jobs', file, '--no-instantiate', '--workers', '2', ...PARITY],
    ...['--store-dir', STORE_DIRECTORY, '--root', join(work, 'jobs')],
  ]
  const prepare = (): void => {
    if (existsSync(list)) return
    const paths = 'set: map (name: set.${name}.drvPath)'
    writeFileSync(
      texts,
      `let ${choice} paths = ${paths}; in builtins.concatStringsSep "\\n" (paths pkgs list.flat ` +
        '++ builtins.concatMap (name: paths pkgs.${name} list.nested.${name}) (builtins.attrNames list.nested))',
    )
    const inSets =
      'builtins.mapAttrs (name: names: only pkgs.${name} names // { recurseForDerivations = true; }) list.nested'
    const only = 'set: names: builtins.intersectAttrs (pkgs.lib.genAttrs names (_: null)) set'
    writeFileSync(jobs, `let ${choice} only = ${only}; in only pkgs list.flat // ${inSets}`)
    const all = join(work, 'all.nix')
    writeFileSync(
      all,
      `let ${packages} plain = builtins.mapAttrs (_: value: if builtins.isFunction value then null else value);
      isSet = value: builtins.isAttrs value && value.type or "" != "derivation" && !(value ? stdenv && value ? callPackage);
      enter = value: if isSet value then plain value // { recurseForDerivations = true; } else value;
      in builtins.mapAttrs (_: enter) (plain pkgs)`,
    )
    const [program, ...args] = ours(all)
    const { stdout } = spawnSync(program!, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as JobRecord)
    const flat: string[] = []
    const nested: Record<string, string[]> = {}
    for (const { drvPath, attrPath } of records) {
      const [set, name, ...more] = attrPath
      if (drvPath === undefined || set === undefined || more.length > 0) continue
      if (name === undefined) flat.push(set)
      else if (!LEFT_OUT.includes(set)) (nested[set] ??= []).push(name)
    }
    writeFileSync(list, JSON.stringify({ flat, nested }))
  }
  return {
    name: 'eval-jobs, all packages',
    ours: ours(jobs),
    peer: ['env', 'NIX_REMOTE=dummy://', `NIX_STORE_DIR=${STORE_DIRECTORY}`, 'nix-instantiate', '--eval', texts],
    before: prepare,
  }
}

interface JobRecord {
  readonly drvPath?: string
  readonly attrPath: readonly string[]
}

let edits = 0

/** Gives the package another argument for its configuration, in a copy of the tree. */
function edit(tree: string, copy: string): void {
  if (!existsSync(copy)) cpSync(tree, copy, { recursive: true, verbatimSymlinks: true })
  const file = join(copy, EDITED)
  const text = readFileSync(join(tree, EDITED), 'utf8')
  const changed = text.replace('cmakeFlags = [', `cmakeFlags = [ "-Dedit=${edits++}"`)
  if (changed === text) throw new Error(`no place to edit in ${file}`)
  writeFileSync(file, changed)
}
