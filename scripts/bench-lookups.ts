/**
 * `bench-lookups.ts`: how many calls fail while a C++ program of the stack with 30 shared libraries, each of a package of its own, is started.
 * The first run builds them, with the toolchain, in a root that is kept in /var/tmp.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const LIBRARIES = 30
const PLATFORM = 'x86_64-debian12-gcc12-opt'
const CALLS = 'open,openat,stat,newfstatat,statx,access,readlink'
const baryon = resolve(import.meta.dirname, '../bin/baryon')
const work = mkdtempSync(join(tmpdir(), 'baryon-lookups-'))
try {
  const recipe = join(work, 'recipe')
  mkdirSync(recipe)
  writeFileSync(join(recipe, 'default.nix'), recipeText())
  const log = join(work, 'calls')
  const script = `exec strace -f -e trace=${CALLS} -o '${log}' "$(command -v many)"`
  run('build', '-f', recipe, 'many', '--platform', PLATFORM, '--no-link')
  run('run', '-f', recipe, '-c', PLATFORM, 'many', '--', 'sh', '-c', script)
  const failed = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes(' = -1 E'))
  const probes = failed.filter((line) => /\/(glibc-hwcaps|tls|x86_64)[/"]/.test(line)).length
  console.log(
    `${failed.length} calls (${probes} for other processors, ${failed.length - probes} in the wrong directory), ${(failed.length / LIBRARIES).toFixed(1)} per library`,
  )
} finally {
  rmSync(work, { recursive: true })
}

function run(...words: readonly string[]): void {
  const environment = { ...process.env, BARYON_ROOT: `/var/tmp/baryon-bench-${process.geteuid!()}` }
  const { status, stderr } = spawnSync(baryon, words, { encoding: 'utf8', env: environment })
  if (status !== 0) throw new Error(`baryon ${words.join(' ')}: ${stderr}`)
}

function recipeText(): string {
  return `{ platform }:
import ${resolve(import.meta.dirname, '../stacks/hep')} {
  inherit platform;
  overlays = [
    (self: super:
      let
        library = number: self.stdenv.mkDerivation {
          pname = "part\${number}";
          version = "1";
          dontUnpack = true;
          buildPhase = ''
            echo 'extern "C" int part\${number}() { return \${number}; }' > part.cc
            $CXX -shared -fPIC part.cc -o libpart\${number}.so
          '';
          installPhase = "install -D libpart\${number}.so $out/lib/libpart\${number}.so";
        };
        numbers = map toString (builtins.genList (number: number + 1) ${LIBRARIES});
      in
      {
        many = self.stdenv.mkDerivation {
          pname = "many";
          version = "1";
          dontUnpack = true;
          buildInputs = map library numbers;
          buildPhase = ''
            {
              echo '#include <iostream>'
              for n in \${toString numbers}; do echo "extern \\"C\\" int part$n();"; done
              echo 'int main() { int sum = 0;'
              for n in \${toString numbers}; do echo "sum += part$n();"; done
              echo 'std::cout << sum << std::endl; }'
            } > many.cc
            $CXX many.cc -o many $(for n in \${toString numbers}; do echo -lpart$n; done)
          '';
          installPhase = "install -D many $out/bin/many";
        };
      })
  ];
}
`
}
