/** A machine without the packages, and a repository that has them: all below the home of a user that is not root. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cleanup, ordinaryUser } from '@baryon/testing'
import { baryon, NAME } from './repository-scene.ts'

export const STORE = `/cvmfs/${NAME}/nix/store`

/** A user with a project, some packages of which are built and published. */
export function publishedScene(t: Cleanup) {
  const user = ordinaryUser(t)
  const { home } = user
  const project = join(home, 'my project')
  mkdirSync(join(project, 'keys'), { recursive: true })
  writeFileSync(join(project, 'default.nix'), RECIPE)
  const configure = (more: string) =>
    writeFileSync(join(project, 'baryon.toml'), `store-dir = "${STORE}"\nstack = "default.nix"\n${more}`)
  configure('')
  const start = (root: string, prefix: readonly string[], words: readonly string[]) => {
    const environment = { ...user.environment, BARYON_ROOT: join(home, root) }
    if (prefix.length === 0) return user.run(baryon, words, { cwd: project, environment })
    const [program = '', ...before] = [...prefix, baryon, ...words]
    return spawnSync(program, before, { cwd: project, encoding: 'utf8', input: '', env: environment })
  }
  const good = (...words: readonly string[]) => {
    const { status, stdout, stderr } = start('builder', [], words)
    assert.equal(status, 0, stderr)
    return stdout
  }
  const built = good('build', 'hello', 'other', '--no-link').trim().split('\n')
  const repository = join(home, 'repository')
  good('repository', 'create', NAME, '--dir', repository)
  good('repository', 'publish', repository, ...built)
  writeFileSync(join(project, `keys/${NAME}.pub`), spawnSync('cat', [`${repository}.keys/${NAME}.pub`]).stdout)
  return {
    home,
    repository,
    configure,
    run: (prefix: readonly string[], ...words: readonly string[]) => start('node', prefix, words),
    /** What `run` runs, with its environment; `prefix` may not be empty. */
    line: (prefix: readonly string[], ...words: readonly string[]) => {
      const [program = '', ...before] = [...prefix, baryon, ...words]
      return [program, before, { cwd: project, env: { ...user.environment, BARYON_ROOT: join(home, 'node') } }] as const
    },
    /** Names of the paths that the node has, without those that only say how something is built. */
    valid(): string[] {
      const directory = join(home, 'node', STORE)
      const names = existsSync(directory) ? readdirSync(directory) : []
      return names.map((name) => name.slice(33)).filter((name) => name !== '' && !/\.drv$|builder/.test(name))
    },
  }
}

const RECIPE = `
{ platform ? "x86_64-test1-gcc12-opt" }:
let
  script = builtins.toFile "builder.sh" ''
    mkdir -p $out/bin
    cat > $out/bin/$pname <<X
    #!/bin/sh
    echo "$pname 1"
    here="\\$(dirname "\\$0")"; here="\\$(dirname "\\$here")"
    dirname "\\$here"
    for a in "\\$@"; do echo "<\\$a>"; done
    X
    chmod +x $out/bin/$pname
  '';
  make = pname: derivation {
    name = "\${pname}-1"; inherit pname;
    system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin"; args = [ script ];
  } // { meta.mainProgram = pname; };
in { hello = make "hello"; other = make "other"; unpublished = make "unpublished"; }
`
