/**
 * Random edits of a package set that is made like nixpkgs: stages, a fixed point, overlays, overrides, aliases, packages
 * that ask others for more than their paths. After each, the answer must be that of an evaluation that knows nothing.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomNumbers } from '@baryon/testing'
import { EvaluationFailure, type EvaluationRequest, evaluate } from '../index.ts'

export interface PackageEditCounts {
  edits: number
  /** Derivations that were taken over from the evaluation before, in all. */
  takenOver: number
  /** Edits that changed the answer. */
  changed: number
  /** Edits after which the evaluation fails. */
  failed: number
}

/** Does so many edits in `directory`, which must be empty. The same seed gives the same edits. */
export async function editPackagesAndCompare(
  directory: string,
  edits: number,
  seed: number,
): Promise<PackageEditCounts> {
  const set = new PackageSet(directory, randomNumbers(seed))
  const counts: PackageEditCounts = { edits: 0, takenOver: 0, changed: 0, failed: 0 }
  let before = ''
  for (; counts.edits < edits; counts.edits++) {
    const edit = before.startsWith('error') ? set.repair() : set.edit()
    // Longer than a file counts as just changed; a few times not.
    if (set.chance(0.95)) await sleep(30)
    const wanted = set.wanted()
    const expected = await outcome({ ...set.request(wanted), cacheDirectory: null })
    const answer = await outcome(set.request(wanted))
    assert.deepEqual(answer.text, expected.text, `seed ${seed}, edit ${counts.edits}: ${edit}, asked for ${wanted}`)
    counts.takenOver += answer.takenOver
    if (expected.text !== before) counts.changed++
    if (expected.text.startsWith('error')) counts.failed++
    before = expected.text
  }
  return counts
}

async function outcome(request: EvaluationRequest): Promise<{ readonly text: string; readonly takenOver: number }> {
  try {
    const { texts, derivations, takenOver } = await evaluate(request)
    return {
      text: JSON.stringify([texts.map((text) => JSON.parse(text) as unknown), derivations], null, 1),
      takenOver: takenOver ?? 0,
    }
  } catch (error) {
    if (!(error instanceof EvaluationFailure)) throw error
    return { text: `error: ${error.report}`, takenOver: 0 }
  }
}

const COUNT = 16
const NAMES = Array.from({ length: COUNT }, (_, i) => `p${i}`)

const LIB = `rec {
  fix = f: let x = f x; in x;
  extends = f: base: self: let super = base self; in super // f self super;
  optional = condition: value: if condition then [ value ] else [ ];
  isNewer = version: than: builtins.compareVersions version than > 0;
  makeOverridable = f: args:
    let result = f args; in
    result // {
      override = more: makeOverridable f (args // (if builtins.isFunction more then more args else more));
      overrideAttrs = change: makeOverridable (a: (f a).again change) args;
    };
  callPackageWith = pkgs: path: args:
    let f = if builtins.isFunction path then path else import path;
    in makeOverridable f (builtins.intersectAttrs (builtins.functionArgs f) pkgs // args);
  outputOf = name: package: if builtins.elem name (package.outputs or [ ]) then package.\${name} else package;
}
`

/** A standard environment of a shell and the packages of the stage before. */
const STDENV = `{ lib, shell, initial }:
let
  mkDerivation = attrs:
    let
      names = [ "passthru" "meta" ];
      drv = derivation (removeAttrs attrs names // {
        system = "x86_64-linux";
        builder = shell;
        args = [ "-e" ./builder.sh ];
        buildInputs = map (lib.outputOf "dev") (attrs.buildInputs or [ ]);
        initial = map (p: p.out or p) initial;
      });
    in
    drv // (attrs.passthru or { }) // {
      meta = (attrs.meta or { }) // { position = builtins.unsafeGetAttrPos "name" attrs; };
      passthru = attrs.passthru or { };
      again = change: mkDerivation (attrs // change attrs);
    };
in
derivation { name = "stdenv"; system = "x86_64-linux"; builder = shell; inherit initial; } // {
  inherit mkDerivation lib shell;
}
`

const ROOT = `{ overlays ? [ (import ./overlay.nix) ] }:
let
  lib = import ./lib.nix;
  stage = stdenv: more:
    lib.fix (builtins.foldl' (base: overlay: lib.extends overlay base) (self: { })
      ([ (self: super: { inherit stdenv lib; pkgs = self; callPackage = lib.callPackageWith self; })
         (self: super: import ./all-packages.nix self super)
         (self: super: import ./aliases.nix super) ] ++ more));
  stdenv0 = import ./stdenv.nix { inherit lib; shell = "/bin/sh"; initial = [ ]; };
  stage1 = stage stdenv0 [ ];
  stdenv1 = import ./stdenv.nix { inherit lib; shell = "\${stage1.p0}/bin/sh"; initial = [ stage1.p1 stage1.p2 ]; };
  final = stage stdenv1 overlays;
in
final
`

const ALL_PACKAGES = `self: super: with self;
{
${NAMES.map((name) => `  ${name} = callPackage ./${name} { };`).join('\n')}
  flagged = p4.override { flag = true; };
  changed = p5.overrideAttrs (old: { name = old.name + "-changed"; again = p3.version; });
  chosen = if lib.isNewer p2.version "5" then p6 else p7;
  versions = builtins.mapAttrs (name: package: package.version or "none") { inherit p1 p2 p3 p8; };
  told = callPackage ({ stdenv, versions }: stdenv.mkDerivation { name = "told"; v = builtins.toJSON versions; }) { };
  plugins = builtins.mapAttrs
    (name: _: callPackage (./plugins + "/\${name}") { host = p9; }) (builtins.readDir ./plugins);
  joined = stdenv.mkDerivation { name = "joined"; paths = builtins.attrValues plugins ++ [ p10.dev or p10 ]; };
  maybe = builtins.tryEval (if p11.isBroken or false then throw "broken" else p11.drvPath);
  zipped = builtins.zipAttrsWith (name: values: map (p: p.name) values) [ { inherit p1 p2; } { inherit p2 p3; } ];
}
`

const ALIASES = `super: with super; { old1 = p1; old2 = flagged; }
`

const OVERLAY = `self: super: { p3 = super.p3.override { flag = false; }; extra = self.callPackage ./p0 { flag = true; }; }
`

class PackageSet {
  readonly #directory: string
  readonly #random: () => number
  readonly #environment: Record<string, string> = {}
  /** What every file had when it was right. */
  readonly #good = new Map<string, string>()

  constructor(directory: string, random: () => number) {
    this.#directory = directory
    this.#random = random
    this.#write('lib.nix', LIB)
    this.#write('stdenv.nix', STDENV)
    this.#write('builder.sh', 'echo > $out\n')
    this.#write('default.nix', ROOT)
    this.#write('all-packages.nix', ALL_PACKAGES)
    this.#write('aliases.nix', ALIASES)
    this.#write('overlay.nix', OVERLAY)
    for (const [i] of NAMES.entries()) this.#writePackage(i)
    for (const name of ['one', 'two']) this.#writePlugin(name)
  }

  chance(probability: number): boolean {
    return this.#random() < probability
  }

  wanted(): 'everything' | 'some' | 'derivations' {
    return this.chance(0.6) ? 'everything' : this.chance(0.5) ? 'some' : 'derivations'
  }

  request(wanted: 'everything' | 'some' | 'derivations'): EvaluationRequest {
    const root = `import ${this.#directory}/set { }`
    const data = `p: { inherit (p) name drvPath outPath; dev = (p.dev or p).outPath; version = p.version or 0; meta = p.meta or 0; }`
    const all = `let p = ${root}; in {
      all = map (${data}) [ ${NAMES.map((name) => `p.${name}`).join(' ')} p.flagged p.changed p.chosen p.told p.joined p.old1 p.extra ];
      inherit (p) versions maybe zipped;
      plugins = builtins.mapAttrs (_: q: q.drvPath) p.plugins;
    }`
    const some = `with ${root}; [ p15.drvPath told.drvPath "\${flagged}" joined.outPath ]`
    return {
      source: { kind: 'expression', text: wanted === 'everything' ? all : wanted === 'some' ? some : root },
      output: wanted === 'derivations' ? 'derivations' : 'json',
      meta: wanted === 'derivations',
      strict: true,
      store: { kind: 'none', storeDirectory: '/nix/store' },
      cacheDirectory: join(this.#directory, 'cache'),
      environment: { ...this.#environment },
      onLog: () => {},
    }
  }

  /** Changes something and says what. */
  edit(): string {
    const package_ = Math.floor(this.#random() * COUNT)
    const edits: readonly (() => string)[] = [
      ...Array.from({ length: 6 }, () => () => this.#writePackage(package_)),
      () => this.#write(`p${package_}/data`, `data ${this.#number(3)}`),
      () => this.#toggle(`p${package_}/fix.patch`),
      () => this.#writePlugin(this.#pick(['one', 'two', 'three'])),
      () => this.#remove(`plugins/${this.#pick(['two', 'three'])}`),
      () => this.#replace('all-packages.nix', /flag = (true|false);/, `flag = ${this.chance(0.5)};`),
      () => this.#replace('all-packages.nix', /then p\d+ else/, `then p${this.#number(COUNT)} else`),
      () => this.#replace('aliases.nix', /old1 = p\d+/, `old1 = p${this.#number(COUNT)}`),
      () => this.#replace('overlay.nix', /flag = (true|false); \}; extra/, `flag = ${this.chance(0.5)}; }; extra`),
      () => this.#replace('lib.nix', /\s*$/, `\n# ${this.#number(1000)}\n`),
      () => this.#replace('stdenv.nix', /name = "stdenv\d*"/, `name = "stdenv${this.#number(3)}"`),
      () => this.#write('builder.sh', `echo ${this.#number(3)} > $out\n`),
      () => this.#setVariable(),
      () => this.#break(),
    ]
    return this.#pick(edits)()
  }

  repair(): string {
    for (const [name, text] of this.#good) this.#write(name, text)
    for (const [i] of NAMES.entries()) if (this.chance(0.2)) this.#writePackage(i)
    return 'repair'
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)]!
  }

  #number(below: number): number {
    return Math.floor(this.#random() * below)
  }

  /** Depends on packages before it only, so that nothing needs itself. */
  #writePackage(i: number): string {
    const inputs = NAMES.slice(0, i).filter(() => this.chance(0.25))
    const attributes = [
      `name = "p${i}-\${version}";`,
      `version = "${this.#number(9)}";`,
      `inherit flag;`,
      `buildInputs = [ ${inputs.join(' ')} ];`,
      this.chance(0.3) ? 'outputs = [ "out" "dev" ];' : '',
      this.chance(0.3) ? 'src = ./.;' : '',
      this.chance(0.3) ? 'data = if builtins.pathExists ./data then builtins.readFile ./data else "none";' : '',
      this.chance(0.3) ? 'patches = lib.optional (builtins.pathExists ./fix.patch) ./fix.patch;' : '',
      this.chance(0.2) ? 'set = builtins.getEnv "SET";' : '',
      inputs.length > 0 && this.chance(0.4) ? `seen = ${this.#pick(inputs)}.version or "none";` : '',
      inputs.length > 0 && this.chance(0.3) ? `flags = ${this.#pick(inputs)}.helper or (x: x) "flag";` : '',
      inputs.length > 0 && this.chance(0.2) ? `where = ${this.#pick(inputs)}.meta.description or "nowhere";` : '',
      inputs.length > 0 && this.chance(0.2) ? `deep = toString (${this.#pick(inputs)}.buildInputs or [ ]);` : '',
    ]
    const text = `{ stdenv, lib, flag ? ${this.chance(0.5)}${inputs.map((name) => `, ${name}`).join('')} }:
stdenv.mkDerivation rec {
  ${attributes.filter((line) => line !== '').join('\n  ')}
  passthru = { inherit version; helper = x: "\${x}-${this.#number(3)}"; isBroken = ${this.chance(0.1)}; };
  meta = { description = "package ${this.#number(5)}"; };
}
`
    this.#write(`p${i}/default.nix`, text)
    return `write p${i}`
  }

  #writePlugin(name: string): string {
    const text = `{ stdenv, host }: stdenv.mkDerivation { name = "plugin-${name}-${this.#number(4)}"; inherit host; }\n`
    return this.#write(`plugins/${name}/default.nix`, text)
  }

  #write(name: string, text: string, isGood = true): string {
    const path = join(this.#directory, 'set', name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    if (isGood) this.#good.set(name, text)
    return `write ${name}`
  }

  #remove(name: string): string {
    for (const known of this.#good.keys()) if (known.startsWith(`${name}/`)) this.#good.delete(known)
    rmSync(join(this.#directory, 'set', name), { recursive: true, force: true })
    return `remove ${name}`
  }

  #toggle(name: string): string {
    const path = join(this.#directory, 'set', name)
    if (!existsSync(path)) return this.#write(name, '--- patch')
    this.#good.delete(name)
    rmSync(path)
    return `remove ${name}`
  }

  #replace(name: string, pattern: RegExp, by: string): string {
    const text = readFileSync(join(this.#directory, 'set', name), 'utf8')
    return this.#write(name, text.replace(pattern, by))
  }

  #setVariable(): string {
    this.#environment.SET = this.#pick(['', 'x', 'y'])
    return `SET=${this.#environment.SET}`
  }

  #break(): string {
    const [name, text] = this.#pick([
      ['p3/default.nix', '{ stdenv, missing }: stdenv'],
      ['p6/default.nix', '{ stdenv }: throw "not today"'],
      ['p9/default.nix', '{ stdenv }: stdenv.mkDerivation { name = "p9"; version = nothing; }'],
      ['aliases.nix', 'super: { p2 = 1 +'],
    ] as const)
    return this.#write(name, text, false)
  }
}
