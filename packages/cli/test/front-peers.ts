/** One store in place, on which Nix's programs and the fronts work in turn. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Cleanup, temporaryDirectory } from '@baryon/testing'

export interface FrontResult {
  readonly status: number | null
  /** Byte strings. */
  readonly stdout: string
  readonly stderr: string
}

export interface FrontPeers {
  /** The current directory of all programs. */
  readonly directory: string
  nix(program: string, ...words: string[]): Promise<FrontResult>
  ours(program: string, ...words: string[]): Promise<FrontResult>
  nixWith(input: string, program: string, ...words: string[]): Promise<FrontResult>
  oursWith(input: string, program: string, ...words: string[]): Promise<FrontResult>
  /** Runs both at once; they must print the same and end with the same status. */
  same(program: string, ...words: string[]): Promise<FrontResult>
  /** The same with this text on the standard input. */
  sameWith(input: string, program: string, ...words: string[]): Promise<FrontResult>
}

export function frontPeers(test: Cleanup, variables: NodeJS.ProcessEnv = {}): FrontPeers {
  const directory = temporaryDirectory(test)
  for (const name of ['home', 'conf', 'nix/store']) mkdirSync(join(directory, name), { recursive: true })
  writeFileSync(join(directory, 'conf/nix.conf'), 'sandbox = false\nbuild-users-group =\nsubstitute = false\n')
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: join(directory, 'home'),
    NIX_STORE_DIR: join(directory, 'nix/store'),
    NIX_STATE_DIR: join(directory, 'nix/var/nix'),
    NIX_LOG_DIR: join(directory, 'nix/var/log/nix'),
    NIX_CONF_DIR: join(directory, 'conf'),
    LC_ALL: 'C.UTF-8',
    // The language of the programs that are compared with.
    BARYON_NIX_VERSION: '2.8.0',
    ...variables,
  }
  const bin = resolve(import.meta.dirname, '../../../bin')
  const run = (file: string, words: readonly string[], input: string): Promise<FrontResult> =>
    new Promise((done, fail) => {
      const child = spawn(file, words, { cwd: directory, env: environment, stdio: 'pipe' })
      const texts = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('latin1').on('data', (text: string) => {
          texts[name] += text
        })
      }
      child.on('error', fail).on('close', (status) => done({ status, ...texts }))
      // A program that reads nothing may be gone already.
      child.stdin.on('error', () => undefined).end(input, 'latin1')
    })
  // Two programs of Nix that make the directories of a new store at once fail: the first makes them alone.
  let first: Promise<FrontResult> | undefined
  const runPeer = async (file: string, words: readonly string[], input: string): Promise<FrontResult> => {
    if (first === undefined) {
      first = run(file, words, input)
      return first
    }
    await first
    return run(file, words, input)
  }
  const sameWith = async (input: string, program: string, ...words: string[]): Promise<FrontResult> => {
    const [expected, actual] = await Promise.all([
      runPeer(program, words, input),
      run(join(bin, program), words, input),
    ])
    assert.deepEqual(
      { stdout: actual.stdout, status: actual.status },
      { stdout: expected.stdout, status: expected.status },
      `${program} ${words.join(' ')}\nours: ${actual.stdout}${actual.stderr}\nNix: ${expected.stdout}${expected.stderr}`,
    )
    return actual
  }
  return {
    directory,
    nix: (program, ...words) => runPeer(program, words, ''),
    ours: (program, ...words) => run(join(bin, program), words, ''),
    nixWith: (input, program, ...words) => runPeer(program, words, input),
    oursWith: (input, program, ...words) => run(join(bin, program), words, input),
    same: (program, ...words) => sameWith('', program, ...words),
    sameWith,
  }
}

/** The same with `default.nix`: derivations that need nothing but `/bin/sh`. */
export function frontPeersWithRecipe(test: Cleanup): FrontPeers {
  const peers = frontPeers(test)
  writeFileSync(join(peers.directory, 'source.txt'), 'source')
  writeFileSync(join(peers.directory, 'default.nix'), recipe)
  return peers
}

const recipe = `let
  make = name: text: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" text ]; quoted = "it's \\"a\\"\\n";
  };
in rec {
  base = make "base" "echo base > $out; echo building base";
  middle = make "middle" "echo \${base} $out > $out";
  top = make "top" "echo \${middle} \${base} \${./source.txt} > $out";
  two = derivation {
    name = "two"; system = builtins.currentSystem; builder = "/bin/sh"; outputs = [ "out" "dev" ];
    args = [ "-c" "echo 1 > $out; echo $out > $dev" ];
  };
  broken = make "broken" "echo this fails; exit 3";
}`
