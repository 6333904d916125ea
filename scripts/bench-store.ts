/** The rows of the store: NARs, hashes, additions, builds, collection and verification against `nix-bin`. */
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ComparedRow, Row } from './bench.ts'

export function storeRows(root: string, work: string, environment: NodeJS.ProcessEnv): readonly Row[] {
  makeTrees(work)
  const same = (name: string, program: string, args: readonly string[], before?: ComparedRow['before']): Row => ({
    name,
    ours: [join(root, 'bin', program), ...args],
    peer: [program, ...args],
    ...(before === undefined ? {} : { before }),
  })
  const bin = (side: 'ours' | 'peer', program: string) => (side === 'ours' ? join(root, 'bin', program) : program)
  const emptyStore = () =>
    run([
      'sh',
      '-c',
      'for d in store state log var; do rm -rf "$1/$d" 2>/dev/null || { chmod -R u+w "$1/$d"; rm -rf "$1/$d"; }; mkdir "$1/$d"; done',
      'sh',
      work,
    ])
  const freshWith = (tree: string) => (side: 'ours' | 'peer') => {
    emptyStore()
    run([bin(side, 'nix-store'), '--add', join(work, tree)])
  }
  const run = (command: readonly string[]) => {
    const result = spawnSync(command[0]!, command.slice(1), { env: environment, encoding: 'utf8' })
    if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`)
  }
  const [many, large] = [join(work, MANY), join(work, LARGE)]
  let verified = false
  const figures = (what: string) => [process.execPath, join(root, 'scripts/bench-store-figures.ts'), what, work]
  return [
    same('dump 20,000 files', 'nix-store', ['--dump', many]),
    same('dump 1 GiB', 'nix-store', ['--dump', large]),
    same('nix-hash 20,000 files', 'nix-hash', ['--type', 'sha256', many]),
    same('nix-hash 1 GiB', 'nix-hash', ['--type', 'sha256', large]),
    same('add 20,000 files', 'nix-store', ['--add', many], emptyStore),
    { name: 'scan 1 GiB for 500 paths', figure: figures('scan') },
    { name: '  with reading and hashing', figure: figures('scan-and-hash') },
    buildRow(),
    { name: 'plan 5,000, all valid', figure: figures('plan') },
    { name: 'plan 1 of 100,000 paths', figure: figures('plan-one') },
    { name: 'path-info of 100,000 paths', figure: figures('path-info') },
    { name: 'dead among 100,000 paths', figure: figures('dead') },
    same('gc 20,000 files', 'nix-store', ['--gc'], freshWith(MANY)),
    same('verify 1 GiB', 'nix-store', ['--verify', '--check-contents'], () => {
      if (!verified) freshWith(LARGE)('peer')
      verified = true
    }),
  ]

  /** Ours sandboxed as an ordinary user, the peer as root without a sandbox: what each of them can do here. */
  function buildRow(): Row {
    const file = join(work, 'trivial.nix')
    writeFileSync(
      file,
      `builtins.genList (n: derivation {
        name = "trivial-\${toString n}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > $out" ];
      }) 500\n`,
    )
    const args = ['--no-out-link', '-j', '2', file]
    const home = join(work, 'user')
    mkdirSync(home)
    const user = [
      'setpriv',
      '--reuid',
      String(NOBODY),
      '--regid',
      String(NOBODY),
      '--clear-groups',
      'env',
      `HOME=${home}`,
    ]
    return {
      name: 'build 500 trivial',
      ours: [...(process.getuid!() === 0 ? user : []), join(root, 'bin/nix-build'), ...args],
      peer: ['nix-build', '--option', 'sandbox', 'false', '--option', 'build-users-group', '', ...args],
      before: (side) => {
        emptyStore()
        if (side === 'peer' || process.getuid!() !== 0) return
        for (const name of ['', 'user', 'store', 'state', 'log', 'var']) chownSync(join(work, name), NOBODY, NOBODY)
      },
    }
  }
}

const NOBODY = 65534
export const MANY = 'many'
export const LARGE = 'large'

/** 20,000 files of up to 8 KiB in 200 directories, and 1 GiB as half machine code, a quarter text, a quarter noise. */
export function makeTrees(work: string): void {
  const random = generator(1)
  const letters = Array.from({ length: 1 << 20 }, () => 'etaoinshrdlucmfwypvbgkqjxz    \n'[random() % 31]).join('')
  const text = Buffer.from(letters)
  for (let directory = 0; directory < 200; directory++) {
    const path = join(work, MANY, `directory-${directory}`)
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < 100; file++) {
      const start = random() % 100_000
      writeFileSync(join(path, `file-${file}`), text.subarray(start, start + (random() % 8192)))
    }
  }
  mkdirSync(join(work, LARGE), { recursive: true })
  const noise = Buffer.from(Uint32Array.from({ length: 1 << 20 }, random).buffer)
  const code = readFileSync(process.execPath)
  for (const [index, piece] of [code, code, code, code, text, text, noise, noise].entries()) {
    const descriptor = openSync(join(work, LARGE, `file-${index}`), 'w')
    for (let left = 1 << 27; left > 0; ) left -= writeSync(descriptor, piece, 0, Math.min(left, piece.length))
  }
}

/** Numbers of 32 bits (xorshift), the same in every run. */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
