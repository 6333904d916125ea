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

/** All packages that evaluate, in two workers, against one process of the peer that evaluates the same ones. */
function jobsRow(baryon: string, tree: string, work: string): ComparedRow {
  const [list, jobs, texts] = ['names.json', 'jobs.nix', 'texts.nix'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ]
  const packages = `let pkgs = import ${tree} { config = { }; overlays = [ ]; }; in`
  const chosen = `builtins.fromJSON (builtins.readFile ${list})`
  const ours = (file: string): readonly string[] => [
    ...[baryon, 'eval-jobs', file, '--no-instantiate', '--workers', '2', ...PARITY],
    ...['--store-dir', STORE_DIRECTORY, '--root', join(work, 'jobs')],
  ]
  const prepare = (): void => {
    if (existsSync(list)) return
    writeFileSync(texts, `${packages} builtins.concatStringsSep "\\n" (map (name: pkgs.\${name}.drvPath) (${chosen}))`)
    writeFileSync(jobs, `${packages} builtins.intersectAttrs (pkgs.lib.genAttrs (${chosen}) (_: null)) pkgs`)
    const all = join(work, 'all.nix')
    writeFileSync(all, `${packages} pkgs`)
    const [program, ...args] = ours(all)
    const { stdout } = spawnSync(program!, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as JobRecord)
    const found = records.filter(({ drvPath, attrPath }) => drvPath !== undefined && attrPath.length === 1)
    writeFileSync(list, JSON.stringify(found.map(({ attrPath }) => attrPath[0])))
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
