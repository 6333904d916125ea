/** A small stack with descriptions of releases, and `baryon` in its directory. Builds are those of `/bin/sh`. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Cleanup, ordinaryUser } from '@baryon/testing'

const baryon = resolve(import.meta.dirname, '../../../bin/baryon')
export const TAG = 'x86_64-test1-gcc12-opt'
export const OTHER_TAG = 'x86_64-test1-gcc11-opt'

export interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Traced extends Result {
  readonly usesNode: boolean
}

export interface ReleaseScene {
  readonly baryon: string
  readonly directory: string
  readonly project: string
  readonly root: string
  readonly storeDirectory: string
  readonly environment: Readonly<Record<string, string>>
  /** Writes `releases/NAME/VERSION.toml`. */
  describe(release: string, text: string): void
  run(words: readonly string[], more?: { environment?: Record<string, string>; cwd?: string }): Result
  /** Standard output of a command that must do its work. */
  good(...words: readonly string[]): string
  json<T>(...words: readonly string[]): T
  /** Another program, as the same user. */
  call(program: string, words: readonly string[], more?: { environment?: Record<string, string>; cwd?: string }): Result
  /**
   * Starts it twice. A kept start depends on what the root of the host holds, and other tests change that: real Nix makes
   * `/nix`, root's proot its mount points. So the second is that of a pair with no such change between.
   */
  twice(words: readonly string[], cwd?: string): { readonly first: Traced; readonly second: Traced }
  /** Not waited for; its errors can be read. */
  start(words: readonly string[], cwd: string): ChildProcess
  /** As `good`, without waiting, and with its status. */
  away(...words: readonly string[]): Promise<{ readonly status: number; readonly stderr: string }>
}

/**
 * As a user that is not root. With `in place` the store is where it says, so that its programs run without any namespace.
 * `prefix`: words before `baryon`, see `fuseDevice`.
 */
export function releaseScene(
  test: Cleanup,
  storeDirectory: string | 'in place',
  prefix: readonly string[] = [],
): ReleaseScene {
  const user = ordinaryUser(test)
  const directory = user.home
  const isInPlace = storeDirectory === 'in place'
  const store = isInPlace ? join(directory, 'store') : storeDirectory
  const root = isInPlace ? '/' : join(directory, 'root')
  const project = join(directory, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'default.nix'), RECIPE)
  writeFileSync(join(project, 'builder.sh'), BUILDER)
  writeFileSync(join(project, 'baryon.toml'), `store-dir = ${JSON.stringify(store)}\nstack = "default.nix"\n`)
  const environment = { ...user.environment, BARYON_ROOT: root } as Record<string, string>
  const run: ReleaseScene['run'] = (words, more = {}) => {
    const cwd = more.cwd ?? project
    const variables = { ...environment, ...more.environment }
    if (prefix.length === 0) return user.run(baryon, words, { cwd, environment: variables })
    const [program, ...before] = prefix
    return spawnSync(program!, [...before, baryon, ...words], {
      cwd,
      encoding: 'utf8',
      input: '',
      env: variables,
      maxBuffer: 1 << 28,
    })
  }
  const good: ReleaseScene['good'] = (...words) => {
    const result = run(words)
    assert.equal(result.status, 0, `baryon ${words.join(' ')}\n${result.stderr}`)
    return result.stdout.trim()
  }
  const traced = (words: readonly string[], cwd: string): Traced => {
    const file = join(directory, 'trace')
    const line = ['-f', '-e', 'trace=execve', '-o', file, baryon, ...words]
    const result = user.run('strace', line, { cwd, environment })
    assert.equal(result.status, 0, result.stderr)
    const programs = readFileSync(file, 'utf8').match(/(?<=execve\(")[^"]*/g) ?? []
    assert.ok(programs.length > 1, 'strace saw nothing')
    return { ...result, usesNode: programs.some((program) => program.endsWith('/node')) }
  }
  return {
    baryon,
    directory,
    project,
    root,
    storeDirectory: store,
    environment,
    describe(release, text) {
      const file = join(project, 'releases', `${release}.toml`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    },
    run,
    good,
    call: (program, words, more = {}) =>
      user.run(program, words, { cwd: more.cwd ?? project, environment: { ...environment, ...more.environment } }),
    json: (...words) => JSON.parse(good(...words, '--json')),
    twice(words, cwd = project) {
      for (let first: Traced | undefined; ; ) {
        const before = hostRoot()
        const one = traced(words, cwd)
        first ??= one
        const second = traced(words, cwd)
        if (hostRoot() === before) return { first, second }
      }
    },
    start: (words, cwd) => user.spawn(baryon, words, { cwd, env: environment, stdio: ['ignore', 'ignore', 'pipe'] }),
    away: async (...words) => {
      const child = user.spawn(baryon, words, { cwd: project, env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
      let stderr = ''
      child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()))
      const [status] = await once(child, 'close')
      return { status: status as number, stderr }
    },
  }
}

/** When its entries last changed. */
function hostRoot(): bigint {
  return statSync('/', { bigint: true }).ctimeNs
}

/** `hello` needs `zlib`; `clash` has the program of `hello` with other contents. */
const RECIPE = `
{ platform ? "${TAG}", zlibVersion ? "1.2.13" }:
let
  make = pname: version: more: derivation ({
    name = "\${pname}-\${version}"; inherit pname version platform;
    system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin"; args = [ ./builder.sh ]; program = pname;
  } // more) // { meta = { description = "test"; mainProgram = pname; }; };
in rec {
  zlib = make "zlib" zlibVersion { };
  hello = make "hello" "2.0" { needs = zlib; };
  clash = make "clash" "1" { program = "hello"; };
  other = make "other" "3.1" { };
  slow = derivation { name = "slow-1"; system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin"; args = [ "-c" "sleep 600" ]; };
  fails = derivation { name = "fails-1"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "exit 3" ]; };
  platforms = [ "${TAG}" "${OTHER_TAG}" ];
}
`

const BUILDER = `
mkdir -p $out/bin $out/include $out/share/man/man1 $out/lib/pkgconfig
cat > $out/bin/$program <<X
#!/bin/sh
echo "$pname $version $platform"
for a in "\\$@"; do echo "<\\$a>"; done
X
chmod +x $out/bin/$program
echo "$pname" > $out/include/$pname.h
echo "$needs" > $out/lib/$pname.needs
`
