/** Derivations and sources through us and through Nix 2.8, into two stores: the same files must come out. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openStore } from '@baryon/store'
import { atEnd, peer, temporaryDirectory } from '@baryon/testing'
import { evaluate } from '../index.ts'

const nix = peer('nix-instantiate')
const nixStore = peer('nix-store')

describe('derivations agree with nix-instantiate', { skip: nix.skip }, () => {
  for (const [title, expression] of Object.entries(expressions())) {
    test(title, async (t) => {
      const directory = temporaryDirectory(t)
      writeSources(directory)
      const storeDirectory = join(directory, 'logical/store')
      const file = join(directory, 'default.nix')
      writeFileSync(file, expression)

      const theirs = openStore({ storeDirectory, root: join(directory, 'theirs') })
      const environment = { NIX_CONFIG: 'experimental-features = ca-derivations\nbuild-users-group =' }
      const output = nix.output([file], { home: directory, store: theirs, environment })
      const options = { storeDirectory, root: join(directory, 'ours') }
      const result = await evaluate({
        source: { kind: 'file', path: file },
        output: 'derivations',
        store: { kind: 'write', options },
        cacheDirectory: join(directory, 'cache'),
      })
      const ours = openStore(options)
      atEnd(t, () => {
        theirs.close()
        ours.close()
      })
      const names = result.derivations.map(
        ({ drvPath, outputName }) => drvPath + (outputName === 'out' ? '' : `!${outputName}`),
      )
      assert.deepEqual(names, output.split('\n'))
      const files = (physical: string): Record<string, string> =>
        Object.fromEntries(
          readdirSync(physical)
            .filter((name) => !name.startsWith('.'))
            .sort()
            .map((name) => [name, name.endsWith('.drv') ? readFileSync(join(physical, name), 'latin1') : '']),
        )
      assert.deepEqual(files(ours.physicalDirectory), files(theirs.physicalDirectory))
      const verified = nixStore.run(['--verify', '--check-contents'], { home: directory, store: ours })
      assert.equal(verified.status, 0, verified.stderr)
      for (const { outputs, drvPath } of result.derivations) {
        const all = Object.values(outputs).sort()
        // Paths of content-addressed outputs are known only after a build.
        if (all.length === 0) continue
        const known = nixStore.output(['-q', '--outputs', drvPath], { home: directory, store: theirs })
        assert.deepEqual(all, known.split('\n').sort())
      }
    })
  }
})

test('in a store directory with quotes, which Nix writes as they are in some places', { skip: nix.skip }, async (t) => {
  const home = temporaryDirectory(t)
  const storeDirectory = '/a"b\\c/\tstore'
  const text = `let
    d = name: attrs: derivation ({ inherit name; system = "x\\"y"; builder = "/b\\""; } // attrs);
    many = d "many" { outputs = [ "out" "dev" ]; };
    fixed = d "fixed" { outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; outputHashAlgo = "sha256"; };
    in (d "all" { inherit many fixed; args = [ many.dev "\\"" (builtins.toFile "y" "x") ]; "q\\"" = "\\t"; }).drvPath`
  const environment = { NIX_REMOTE: 'dummy://', NIX_STORE_DIR: storeDirectory }
  const theirs = nix.output(['--eval', '-E', text], { home, environment })
  const { texts } = await evaluate({
    source: { kind: 'expression', text },
    output: 'value',
    store: { kind: 'none', storeDirectory },
    cacheDirectory: null,
  })
  assert.deepEqual(texts, [theirs])
})

function writeSources(directory: string): void {
  const source = join(directory, 'source')
  mkdirSync(join(source, 'sub/empty'), { recursive: true })
  writeFileSync(join(source, 'plain'), 'plain\n')
  writeFileSync(join(source, 'skipped~'), 'backup\n')
  writeFileSync(join(source, 'sub/run.sh'), '#!/bin/sh\n')
  chmodSync(join(source, 'sub/run.sh'), 0o755)
  symlinkSync('../plain', join(source, 'sub/link'))
  symlinkSync('/nowhere', join(source, 'broken'))
}

function expressions(): Record<string, string> {
  const basic =
    'd = name: attrs: derivation ({ inherit name; system = "x86_64-linux"; builder = "/bin/sh"; } // attrs);'
  return {
    'a chain of inputs, several outputs': `let ${basic}
      a = d "a" { outputs = [ "out" "dev" "lib" ]; };
      b = d "b" { inherit a; dev = a.dev; args = [ "-c" "echo \${a.lib}" ]; };
      c = d "c" { all = [ a b a.dev ]; text = "quote \\" back \\\\ tab \\t line \\n return \\r end \${b}"; };
      e = d "e" { x = [ c c.drvPath ]; };
      in { inherit a b c e; dev = a.dev; }`,
    'fixed outputs': `let ${basic}
      f = d "f" { outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; outputHashAlgo = "sha256"; };
      r = d "r" { outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; outputHashMode = "recursive"; };
      s = d "s" { outputHash = "da39a3ee5e6b4b0d3255bfef95601890afd80709"; outputHashAlgo = "sha1"; };
      m = d "m" { outputHash = "md5:d41d8cd98f00b204e9800998ecf8427e"; };
      mirror = d "f" { outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; outputHashAlgo = "sha256"; url = "other"; };
      one = d "u" { inherit f; }; two = d "u" { f = mirror; };
      both = d "both" { x = [ f mirror one two r s m ]; };
      in [ f r s m one two both ]`,
    'inputs with the same hash': `let ${basic}
      fetch = url: d "f" { inherit url; outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; outputHashAlgo = "sha256"; };
      use = src: d "use" { inherit src; outputs = [ "out" "dev" ]; };
      in d "both" { x = [ (use (fetch "one")) (use (fetch "two")).dev ]; }`,
    'sources, filters, text files': `let ${basic}
      text = builtins.toFile "text" "see \${./source/plain}";
      in [
        (d "tree" { src = ./source; file = ./source/plain; })
        (d "string" { src = "\${./source/sub}/run.sh"; inherit text; })
        (d "filtered" { src = builtins.filterSource (path: type: type != "symlink" && builtins.match ".*~" path == null) ./source; })
        (d "path" { src = builtins.path { path = ./source; name = "renamed"; filter = p: t: t == "directory"; }; })
        (d "flat" { src = builtins.path { path = ./source/plain; recursive = false; }; })
        (d "args" { args = [ ./source/sub/run.sh [ "nested" ./source/plain ] ]; builder = ./source/sub/run.sh; })
      ]`,
    'structured attributes and nulls': `let ${basic}
      in [
        (d "structured" { __structuredAttrs = true; a = { b = [ 1 2.5 null true ./source/plain ]; }; outputs = [ "out" "dev" ]; n = null; })
        (d "ignored" { __ignoreNulls = true; n = null; x = 1; })
        (d "kept" { n = null; x = [ 1 true false null [ ] "y" [ "z" [ ] ] 1.5 ]; })
        (d "\${"n"}-1.0" { bytes = "ä\\u00e9"; })
      ]`,
    'content-addressed': `let ${basic}
      a = d "a" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputs = [ "out" "dev" ]; };
      b = d "b" { inherit a; dev = a.dev; };
      c = d "c" { inherit b; };
      in [ a b c a.dev ]`,
  }
}
