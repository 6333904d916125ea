/**
 * A small real stack, as a user that is not root: zlib and HepMC3 with two compilers, and once more with the network cut.
 *
 * The first root stays between runs (its contents are named by hash): a run that changes nothing builds nothing there. The
 * second is always new, so that every run proves that the archive of sources is enough, and that the bits are the same.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isOnPath, ordinaryUser } from '@baryon/testing'
import { keptRoot } from './kept-root.ts'

const clone = join(import.meta.dirname, '../../..')
const baryon = join(clone, 'bin/baryon')
const stack = join(clone, 'stacks/hep')
const storeDirectory = '/cvmfs/lhcb.example.org/nix/store'
const platforms = ['x86_64-debian12-gcc12-opt', 'x86_64-debian12-gcc11-opt'] as const
const request = [
  'build',
  '-f',
  stack,
  'zlib',
  'hepmc3',
  ...platforms.flatMap((tag) => ['--platform', tag]),
  '--no-link',
  '--json',
]

interface BuildRecord {
  readonly results: readonly { readonly attribute: string; readonly platform: string; readonly path: string }[]
}

interface InfoRecord {
  readonly paths: readonly { readonly path: string; readonly narHash: string; readonly references: readonly string[] }[]
}

test('a small stack, end to end', {
  timeout: 1_200_000,
  skip: process.arch === 'x64' ? false : 'the toolchain is for x86_64',
}, async (t) => {
  const user = ordinaryUser(t)
  const root = keptRoot(user.uid)
  const call = (where: string, args: readonly string[], wrapper: readonly string[] = []): string => {
    const [command, ...rest] = [...wrapper, baryon, ...args]
    const result = user.run(command!, rest, { environment: { BARYON_ROOT: where } })
    assert.equal(result.status, 0, `${args.join(' ')}\n${result.stderr.slice(-4000)}`)
    return result.stdout
  }
  const built = JSON.parse(call(root, request)) as BuildRecord
  const paths = built.results.map((result) => result.path)
  const infoOf = (where: string): InfoRecord =>
    JSON.parse(call(where, ['store', 'path-info', '--json', ...paths])) as InfoRecord

  await t.test('gives four paths below the logical store directory', () => {
    assert.deepEqual(
      built.results.map(({ platform, attribute }) => `${platform} ${attribute}`).sort(),
      platforms.flatMap((tag) => [`${tag} hepmc3`, `${tag} zlib`]).sort(),
    )
    assert.equal(new Set(paths).size, 4)
    for (const path of paths) assert.ok(path.startsWith(`${storeDirectory}/`), path)
  })

  await t.test('products refer to the runtime, not to the toolchain', () => {
    for (const { path, references } of infoOf(root).paths) {
      assert.ok(
        references.some((reference) => /-glibc-[\d.]+$/.test(reference)),
        `${path} has no glibc`,
      )
      assert.ok(
        !references.some((reference) => /buildroot|stdenv|-cc-/.test(reference)),
        `${path}: ${references.join(' ')}`,
      )
    }
  })

  await t.test(
    'libraries carry their run path',
    { skip: isOnPath('readelf') ? false : 'readelf is not installed' },
    () => {
      for (const { attribute, path } of built.results) {
        const library = attribute === 'zlib' ? 'libz.so' : 'libHepMC3.so'
        const result = spawnSync('readelf', ['-d', join(root, path, 'lib', library)], { encoding: 'utf8' })
        assert.match(
          result.stdout,
          new RegExp(`\\(RPATH\\).*\\[[^\\]]*${storeDirectory}/[^:\\]]*glibc`),
          `${path}\n${result.stdout}`,
        )
        assert.doesNotMatch(result.stdout, /RUNPATH/)
      }
    },
  )

  await t.test(
    'Nix finds nothing wrong with the store',
    { skip: isOnPath('nix-store') ? false : 'nix-store is not installed' },
    () => {
      const prefix = join(root, '/cvmfs/lhcb.example.org/nix')
      const url = `local?store=${storeDirectory}&real=${prefix}/store&state=${prefix}/var/nix&log=${prefix}/var/log/nix`
      const result = user.run('nix-store', ['--store', url, '--verify', '--check-contents'], {
        environment: { NIX_STORE_DIR: storeDirectory },
      })
      assert.equal(result.status, 0, result.stderr)
      assert.doesNotMatch(result.stderr, /error|modified|disappeared/)
    },
  )

  await t.test('a second build does nothing', () => {
    const again = JSON.parse(call(root, request)) as BuildRecord & { readonly built?: readonly string[] }
    assert.deepEqual(
      again.results.map(({ path }) => path),
      paths,
    )
    assert.deepEqual(again.built ?? [], [])
  })

  await t.test(
    'a generated source that names the prefix makes no cycle where debug information stays in the file',
    () => {
      const recipe = join(user.home, 'where.nix')
      writeFileSync(
        recipe,
        `(import ${stack} { platform = "x86_64-debian12-gcc12-dbg"; }).stdenv.mkDerivation {
        name = "where-1.0";
        dontUnpack = true;
        buildPhase = ''printf 'const char *prefix = "%s"; /* configured */\\n' "$out" > where.c; cc -shared -fPIC -o libwhere.so where.c'';
        installPhase = ''install -D libwhere.so "$out/lib/libwhere.so"'';
      }\n`,
      )
      const { results } = JSON.parse(
        call(root, ['build', '-f', recipe, '--store-dir', storeDirectory, '--no-link', '--json']),
      ) as BuildRecord
      const out = results[0]!.path
      const library = join(root, out, 'lib/libwhere.so')
      assert.ok(readFileSync(library).includes(out))
      const where = ['-ex', `set substitute-path /cvmfs ${join(root, 'cvmfs')}`]
      const listed = spawnSync('gdb', ['-nx', '-batch', ...where, '-ex', 'list prefix', library], { encoding: 'utf8' })
      assert.match(
        listed.stdout + listed.stderr,
        /prefix = "\/cvmfs\/lhcb\.example\.org\/nix\/store\/e{32}-where-1\.0"; \/\* configured/,
      )
    },
  )

  await t.test('the loader searches for nothing', () => {
    const directory = join(user.home, 'bound')
    mkdirSync(directory)
    writeFileSync(
      join(directory, 'default.nix'),
      `{ platform }: import ${stack} {
        inherit platform;
        overlays = [ (self: super: {
          inner = self.stdenv.mkDerivation {
            name = "inner-1.0";
            dontUnpack = true;
            buildInputs = [ self.zlib ];
            buildPhase = ''
              echo '#include <zlib.h>
              const char *inner() { return zlibVersion(); }' > inner.c
              cc -shared -fPIC -o libinner.so inner.c -lz
            '';
            installPhase = ''install -D libinner.so "$out/lib/libinner.so"'';
          };
          outer = self.stdenv.mkDerivation {
            name = "outer-1.0";
            dontUnpack = true;
            buildInputs = [ self.inner ];
            buildPhase = ''
              echo '#include <iostream>
              extern "C" const char *inner();
              int main() { std::cout << inner() << std::endl; }' > outer.cc
              c++ -o outer outer.cc -linner
            '';
            installPhase = ''install -D outer "$out/bin/outer"'';
          };
        }) ];
      }\n`,
    )
    const choice = ['-f', directory, '--store-dir', storeDirectory, '--platform', platforms[0]]
    const { results } = JSON.parse(call(root, ['build', 'outer', ...choice, '--no-link', '--json'])) as BuildRecord
    const needed = spawnSync('readelf', ['-d', join(root, results[0]!.path, 'bin/outer')], { encoding: 'utf8' }).stdout
    assert.match(needed, new RegExp(`\\(NEEDED\\).*\\[${storeDirectory}/\\w+-inner-1\\.0/lib/libinner\\.so\\]`))
    assert.match(needed, /\(RPATH\)/)
    const record = join(user.home, 'searches')
    const printed = call(root, [
      'run',
      ...choice,
      'outer',
      '--',
      'env',
      'LD_DEBUG=libs',
      `LD_DEBUG_OUTPUT=${record}`,
      'outer',
    ])
    assert.match(printed, /^1\.2\.13/)
    const loaded = readdirSync(user.home)
      .filter((name) => name.startsWith('searches.'))
      .map((name) => readFileSync(join(user.home, name), 'utf8'))
      .join('')
    assert.match(loaded, /calling init: [^\n]*\/libz\.so\.1/)
    assert.match(loaded, /calling init: [^\n]*\/libm\.so\.6/)
    assert.doesNotMatch(loaded, /find library=|trying file=/)
  })

  await t.test('the same bits again with the network cut', () => {
    const cut = join(user.home, 'cut')
    mkdirSync(cut)
    cpSync(join(root, 'source'), join(cut, 'source'), { recursive: true, preserveTimestamps: true })
    const copied = user.uid === process.geteuid?.() ? 0 : spawnSync('chown', ['-R', String(user.uid), cut]).status
    assert.equal(copied, 0)
    const offline = ['unshare', '--user', '--map-current-user', '--net', '--']
    const routes = user.run('unshare', [...offline.slice(1), 'cat', '/proc/net/route'])
    assert.equal(routes.stdout.trim().split('\n').length, 1, routes.stdout + routes.stderr)
    call(cut, request, offline)
    assert.deepEqual(
      infoOf(cut).paths.map(({ path, narHash }) => `${path} ${narHash}`),
      infoOf(root).paths.map(({ path, narHash }) => `${path} ${narHash}`),
    )
    call(cut, ['store', 'verify', '--check-contents', '--store-dir', storeDirectory])
  })
})
