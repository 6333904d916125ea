/** Random edits of what an evaluation depends on; after each, the answer must be that of an evaluation that knows nothing. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomNumbers } from '@baryon/testing'
import {
  EvaluationFailure,
  type EvaluationRequest,
  evaluate,
  NEWEST_NIX_VERSION,
  type NixVersion,
  parseNixVersion,
} from '../index.ts'

export interface EditCounts {
  edits: number
  /** Evaluations that were answered from the cache, right each time. */
  fromCache: number
  /** Edits that changed the answer. */
  changed: number
  /** Edits after which the evaluation fails. */
  failed: number
}

/** Does so many edits in `directory`, which must be empty. The same seed gives the same edits. */
export async function editAndCompare(directory: string, edits: number, seed: number): Promise<EditCounts> {
  const scene = new Scene(directory, randomNumbers(seed))
  const counts: EditCounts = { edits: 0, fromCache: 0, changed: 0, failed: 0 }
  let before = ''
  for (; counts.edits < edits; counts.edits++) {
    // Left alone, most of the time something would be missing, and no answer kept.
    const edit = before.startsWith('error') && scene.chance(0.5) ? scene.repair() : scene.edit()
    // What has just changed is not kept. Some must be, and for some there must be no time.
    if (scene.chance(0.7)) await sleep(SETTLED)
    const expected = await outcome(scene.request({ cacheDirectory: null }))
    for (const time of ['first', 'second']) {
      const answer = await outcome(scene.request())
      assert.deepEqual(answer.text, expected.text, `seed ${seed}, edit ${counts.edits}: ${edit}, ${time} time`)
      if (answer.fromCache) counts.fromCache++
    }
    if (expected.text !== before) counts.changed++
    if (expected.text.startsWith('error')) counts.failed++
    before = expected.text
  }
  return counts
}

/** Longer than a file counts as just changed. */
const SETTLED = 30

async function outcome(request: EvaluationRequest): Promise<{ readonly text: string; readonly fromCache: boolean }> {
  try {
    const { texts, fromCache } = await evaluate(request)
    return { text: texts.join('\n'), fromCache }
  } catch (error) {
    if (!(error instanceof EvaluationFailure)) throw error
    return { text: `error: ${error.message}`, fromCache: false }
  }
}

/** Each asks the world in another way, and all of it enters the answer. */
const ROOT = `{ arg ? "none" }:
let
  look = name:
    let path = ./tree + "/\${name}";
    in if !builtins.pathExists path then "nothing" else {
      type = if builtins ? readFileType then builtins.readFileType path else "not asked";
      value = import path;
      copy = builtins.path { inherit path; name = "copy"; };
    };
  lookAtFile = name:
    let path = ./tree + "/\${name}";
    in if !builtins.pathExists path then "nothing" else {
      text = builtins.readFile path;
      hash = builtins.hashFile "sha256" path;
    };
  lookAtDirectory = name:
    let path = ./tree + "/\${name}";
    in if !builtins.pathExists path then "nothing" else {
      names = builtins.readDir path;
      filtered = builtins.path { inherit path; name = "f"; filter = file: kind: kind == "regular"; };
    };
in {
  looks = map look [ "a" "b" "c d" "ä" ];
  files = map lookAtFile [ "a" "b" ];
  directories = map lookAtDirectory [ "c d" "ä" ];
  search = builtins.tryEval (import <found>);
  paths = map (entry: entry.prefix) builtins.nixPath;
  environment = builtins.getEnv "ONE" + builtins.getEnv "TWO";
  version = builtins.nixVersion;
  system = builtins.currentSystem;
  beside = builtins.pathExists ./beside;
  inherit arg;
}
`
/** These are files, or links to one. */
const FILES = ['a', 'b']
/** These are directories, or links to one. */
const DIRECTORIES = ['c d', 'ä']

/** All of one length, and some of another. Each is an expression. */
const CONTENTS = ['10', '20', '30', '"x"', '"y"', '[ 1 2 ]', 'builtins.getEnv "ONE"', 'builtins.currentSystem']
/** These fail, or may. */
const BAD_CONTENTS = ['import ../beside', '1 +']

/** The tree, the environment and the settings, and what may happen to them. */
class Scene {
  readonly #directory: string
  readonly #random: () => number
  readonly #environment: Record<string, string> = {}
  #nixVersion: NixVersion = NEWEST_NIX_VERSION
  #system = 'x86_64-linux'
  #argument = '1'

  constructor(directory: string, random: () => number) {
    this.#directory = directory
    this.#random = random
    mkdirSync(join(directory, 'tree'))
    for (const side of ['left', 'right']) {
      mkdirSync(join(directory, side))
      writeFileSync(join(directory, side, 'default.nix'), `"${side}"`)
    }
    writeFileSync(join(directory, 'root.nix'), ROOT)
  }

  chance(probability: number): boolean {
    return this.#random() < probability
  }

  request(more: Partial<EvaluationRequest> = {}): EvaluationRequest {
    return {
      source: { kind: 'file', path: join(this.#directory, 'root.nix') },
      attributePaths: [''],
      arguments: { arg: { kind: 'expression', text: this.#argument } },
      output: 'json',
      strict: true,
      store: { kind: 'none', storeDirectory: '/nix/store' },
      cacheDirectory: join(this.#directory, 'cache'),
      environment: { ...this.#environment },
      settings: { nixVersion: this.#nixVersion, currentSystem: this.#system },
      onLog: () => {},
      ...more,
    }
  }

  /** Changes something and says what. */
  edit(): string {
    const edits: readonly (() => string)[] = [
      () => this.#write(),
      () => this.#write(),
      () => this.#writeInPlace(),
      () => this.#replaceByRename(),
      () => this.#exchange(),
      () => this.#remove(),
      () => this.#makeDirectory(),
      () => this.#link(),
      () => this.#changeMode(),
      () => this.#setVariable(),
      () => this.#setSearchPath(),
      () => this.#setSetting(),
    ]
    return this.#pick(edits)()
  }

  /** Makes everything be there, and right. */
  repair(): string {
    const files = ['beside', 'left/default.nix', 'right/default.nix', ...FILES.map((name) => `tree/${name}`)]
    for (const name of DIRECTORIES) {
      const path = join(this.#directory, 'tree', name)
      rmSync(path, { recursive: true, force: true })
      mkdirSync(path)
      files.push(`tree/${name}/default.nix`)
    }
    for (const file of files) {
      const path = join(this.#directory, file)
      rmSync(path, { force: true })
      writeFileSync(path, this.#pick(CONTENTS))
    }
    return 'repair'
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)]!
  }

  #file(): string {
    const [file, directory] = [this.#pick(FILES), this.#pick(DIRECTORIES)]
    const inside = ['default.nix', 'other'].map((name) => `tree/${directory}/${name}`)
    return join(this.#directory, this.#pick([`tree/${file}`, ...inside, 'beside', 'left/found.nix', 'right/found.nix']))
  }

  #write(): string {
    const file = this.#file()
    if (!existsSync(dirname(file))) return 'nothing'
    // A link is followed: what it points to changes. One that points nowhere makes a file there.
    writeFileSync(file, this.#pick(this.chance(0.02) ? BAD_CONTENTS : CONTENTS))
    return `write ${file}`
  }

  /** The same length, and the same time of change as always: only the time of the inode tells. */
  #writeInPlace(): string {
    const file = this.#file()
    const stat = lstatSync(file, { throwIfNoEntry: false })
    if (stat === undefined || !stat.isFile()) return 'nothing'
    const old = readFileSync(file, 'utf8')
    writeFileSync(file, this.#pick(CONTENTS.filter((text) => text.length === old.length)) ?? old)
    utimesSync(file, 1, 1)
    return `write in place ${file}`
  }

  #replaceByRename(): string {
    const file = this.#file()
    const aside = join(this.#directory, 'aside')
    writeFileSync(aside, this.#pick(CONTENTS))
    if (!existsSync(dirname(file))) return 'nothing'
    renameSync(aside, file)
    return `replace ${file}`
  }

  #exchange(): string {
    const [one, other] = this.#pick([FILES, DIRECTORIES]).map((name) => join(this.#directory, 'tree', name))
    const aside = join(this.#directory, 'exchanged')
    const moves = [
      [one!, aside],
      [other!, one!],
      [aside, other!],
    ] as const
    for (const [from, to] of moves) {
      if (from !== to && lstatSync(from, { throwIfNoEntry: false }) !== undefined) {
        rmSync(to, { recursive: true, force: true })
        renameSync(from, to)
      }
    }
    return `exchange ${one} and ${other}`
  }

  #remove(): string {
    const file = this.chance(0.7) ? this.#file() : join(this.#directory, 'tree', this.#pick(DIRECTORIES))
    rmSync(file, { recursive: true, force: true })
    return `remove ${file}`
  }

  #makeDirectory(): string {
    const path = join(this.#directory, 'tree', this.#pick(DIRECTORIES))
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path)
    writeFileSync(join(path, 'default.nix'), this.#pick(CONTENTS))
    return `make directory ${path}`
  }

  #link(): string {
    const [path, targets] = this.#pick([
      ['tree/a', ['../beside', '../nowhere']],
      ['tree/b', ['../beside']],
      ['tree/c d', ['../left', '../no directory']],
      ['tree/ä', ['../left', '../right']],
    ] as const)
    const target = this.#pick<string>(targets)
    rmSync(join(this.#directory, path), { recursive: true, force: true })
    symlinkSync(target, join(this.#directory, path))
    return `link ${path} to ${target}`
  }

  #changeMode(): string {
    const file = this.#file()
    const stat = lstatSync(file, { throwIfNoEntry: false })
    if (stat === undefined || !stat.isFile()) return 'nothing'
    chmodSync(file, stat.mode ^ 0o111)
    return `change mode of ${file}`
  }

  #setVariable(): string {
    const name = this.#pick(['ONE', 'TWO', 'THREE'])
    if (this.chance(0.3)) delete this.#environment[name]
    else this.#environment[name] = this.#pick(['', 'x', 'y'])
    return `set ${name}`
  }

  #setSearchPath(): string {
    const [left, right] = [join(this.#directory, 'left'), join(this.#directory, 'right')]
    this.#environment.NIX_PATH = this.#pick([
      '',
      `found=${left}/found.nix`,
      `found=${right}/found.nix`,
      `found=${left}/found.nix:found=${right}/found.nix`,
      `${left}:${right}`,
    ])
    return `NIX_PATH=${this.#environment.NIX_PATH}`
  }

  #setSetting(): string {
    const what = this.#pick(['version', 'system', 'argument'])
    if (what === 'version') this.#nixVersion = this.#pick([NEWEST_NIX_VERSION, parseNixVersion('2.8.0')])
    if (what === 'system') this.#system = this.#pick(['x86_64-linux', 'aarch64-linux'])
    if (what === 'argument')
      this.#argument = this.#pick(['1', '"one"', 'builtins.getEnv "TWO"', '(builtins.tryEval (import <found>)).value'])
    return `set ${what}`
  }
}
