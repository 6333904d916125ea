import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatHash, type StorePath } from '@baryon/format'
import { openStore, removeTree, type Store } from '@baryon/store'
import { makeDerivation, outputText } from './make-derivation.ts'
import { build, outputPlace } from './temporary-store.ts'
import { asUnprivileged } from './unprivileged.ts'

/** The same derivations built by Nix itself, without a sandbox, at the same logical place. */
if (asUnprivileged(import.meta.url)) {
  const top = mkdtempSync(join(tmpdir(), 'baryon-peer-'))
  after(() => removeTree(top))
  const storeDirectory = join(top, 'nix/store')
  const env = {
    PATH: process.env.PATH!,
    HOME: top,
    NIX_STORE_DIR: storeDirectory,
    NIX_STATE_DIR: join(top, 'nix/var/nix'),
    NIX_LOG_DIR: join(top, 'nix/var/log'),
    NIX_CONF_DIR: join(top, 'nix/etc'),
    NIX_CONFIG: 'sandbox = false\nbuild-users-group =\nsubstituters =\nexperimental-features = nix-command\n',
  }
  const nix = (...args: string[]) => {
    const result = spawnSync(args[0]!, args.slice(1), { env, encoding: 'utf8' })
    assert.equal(result.status, 0, `${args.join(' ')}: ${result.stderr}`)
    return result.stdout
  }
  const peer = spawnSync('nix-store', ['--version'], { env }).status === 0
  const skip = peer ? false : 'nix-store is not installed'

  const bytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
  // The shells differ (dash there, busybox here), the programs that scripts call must not be needed for the results.
  const PATHS = 'PATH=/bin:/usr/bin'
  const sketches = (store: Store) => {
    const source = store.addText('source', 'text of the source\n')
    const a = makeDerivation(store, {
      name: 'a',
      script: `${PATHS}; mkdir $out; echo $out > $out/self; echo x > $out/x; chmod 777 $out/x`,
      sources: [source],
    })
    const multiple = makeDerivation(store, {
      name: 'multiple',
      script: `${PATHS}; mkdir $out $dev $doc; echo $dev > $out/a; echo ${outputText(store, a)} $doc > $dev/b; ln -s ${outputText(store, a)}/x $doc/c`,
      outputs: ['out', 'dev', 'doc'],
      inputs: [[a]],
    })
    const fixed = makeDerivation(store, {
      name: 'fixed',
      script: 'echo fixed > $out; echo $NIX_OUTPUT_CHECKED >&2',
      fixed: { algorithm: 'sha256', hash: createHash('sha256').update('fixed\n').digest('hex') },
    })
    const files = makeDerivation(store, {
      name: 'files',
      script: `${PATHS}; mkdir $out; cat "$textPath" > $out/text; cat graph > $out/graph; cat other > $out/other; echo "$empty$p" > $out/p`,
      env: {
        text: 'long\ntext "\' \\ \xc3\xbc',
        passAsFile: 'text',
        empty: '',
        p: 'p',
        exportReferencesGraph: `graph ${outputText(store, multiple, 'dev')} other ${store.format(source)}`,
      },
      inputs: [[multiple, 'dev']],
      sources: [source],
    })
    const structured = makeDerivation(store, {
      name: 'structured',
      builder: '/bin/sh',
      args: [
        '-c',
        `${PATHS}; out=$(sed 's/.*"outputs":{"out":"\\([^"]*\\)".*/\\1/' $NIX_ATTRS_JSON_FILE); mkdir $out; cp .attrs.json $out/json; cp .attrs.sh $out/sh`,
      ],
      env: {
        __json: bytes(
          JSON.stringify({
            name: 'structured',
            builder: '/bin/sh',
            system: 'x86_64-linux',
            text: "it's \u00fc \u2026 \n\t\u0001 \u007f\\",
            number: 12345678901,
            float: 1.5,
            whole: 3.0,
            yes: true,
            no: false,
            nothing: null,
            list: ['a b', 1, true, null, "q'"],
            mixed: ['a', ['b']],
            set: { b: 1, 'a-b': 'x y', c: null },
            deep: { a: { b: 1 } },
            'odd name': 1,
            '10': 'ten',
            '9': 'nine',
            empty: [],
            none: {},
            exportReferencesGraph: { graph: [outputText(store, multiple, 'dev')] },
          }).replace('"whole":3', '"whole":3.0'),
        ),
      },
      inputs: [[multiple, 'dev']],
    })
    return { a, multiple, files, structured, fixed }
  }

  test('outputs are those of Nix', { skip }, async () => {
    const ours = openStore({ storeDirectory, root: join(top, 'root') })
    mkdirSync(join(top, 'nix'), { recursive: true })
    const theirs = openStore({ storeDirectory, root: '/' })
    const derivations = sketches(ours)
    sketches(theirs)
    theirs.close()
    try {
      const failures: string[] = []
      for (const [name, derivation] of Object.entries(derivations)) {
        const drv = ours.format(derivation)
        nix('nix-store', '-r', drv)
        await build(ours, derivation)
        for (const output of ours.readDerivation(derivation).outputs.values()) {
          const path: StorePath = ours.parse(output.path)
          const info = ours.pathInfo(path)
          const hash = nix('nix-store', '-q', '--hash', output.path).trim()
          const references = nix('nix-store', '-q', '--references', output.path).trim().split('\n').sort().join()
          if (hash !== formatHash(info.narHash, 'nix32')) failures.push(`${name}: hash of ${output.path}`)
          assert.equal(
            info.references
              .map((reference) => ours.format(reference))
              .sort()
              .join(),
            references,
            name,
          )
        }
      }
      for (const file of ['json', 'sh']) {
        const path = outputText(ours, derivations.structured)
        assert.equal(
          readFileSync(`${outputPlace(ours, derivations.structured)}/${file}`, 'utf8'),
          readFileSync(`${path}/${file}`, 'utf8'),
        )
      }
      for (const file of ['text', 'graph', 'other', 'p']) {
        assert.equal(
          readFileSync(`${outputPlace(ours, derivations.files)}/${file}`, 'latin1'),
          readFileSync(`${outputText(ours, derivations.files)}/${file}`, 'latin1'),
        )
      }
      assert.deepEqual(failures, [])
    } finally {
      ours.close()
    }
  })

  for (const sandbox of ['bubblewrap', 'unshare', 'proot'] as const) {
    test(`in a store at its logical place, below /tmp (${sandbox})`, async (context) => {
      const store = openStore({ storeDirectory: join(top, sandbox, 'store'), root: '/' })
      try {
        const a = makeDerivation(store, { name: 'a', script: 'mkdir $out; echo a > $out/a' })
        const hidden = makeDerivation(store, { name: 'hidden', script: 'echo > $out' })
        const script = `mkdir $out; cat ${outputText(store, a)}/a > $out/b; ls $NIX_STORE > $out/c; touch /tmp/x; ls /tmp`
        const b = makeDerivation(store, { name: 'b', script, inputs: [[a]] })
        await build(store, [a, hidden, b], { sandbox })
        assert.equal(readFileSync(`${outputText(store, b)}/b`, 'utf8'), 'a\n')
        assert.deepEqual(
          readFileSync(`${outputText(store, b)}/c`, 'utf8')
            .trim()
            .split('\n')
            .map((name) => name.slice(33))
            .sort(),
          ['a', 'b'],
        )
        assert.deepEqual(store.verify({ checkContents: true }).problems, [])
      } catch (error) {
        if ((error as { code?: string }).code !== 'NO_SANDBOX') throw error
        context.skip((error as Error).message)
      } finally {
        store.close()
      }
    })
  }

  test('without a sandbox, in a store that Nix shares', { skip }, async () => {
    const directory = join(top, 'shared/nix/store')
    const store = openStore({ storeDirectory: directory, root: '/' })
    try {
      const a = makeDerivation(store, {
        name: 'shared',
        script:
          'PATH=/usr/bin:/bin; mkdir $out; pwd > $out/here; touch $out/s; chmod 6755 $out/s; (setsid sleep 7654321 > /dev/null 2>&1 &) ; echo $out > $out/self',
      })
      const { events } = await build(store, a, { sandbox: 'none' })
      assert.ok(events.some((event) => event.kind === 'notice' && /sandbox none: everything/.test(event.message)))
      assert.equal(spawnSync('pgrep', ['-x', '-f', 'sleep 7654321']).status, 1)
      const shared = {
        ...env,
        NIX_STORE_DIR: directory,
        NIX_STATE_DIR: join(top, 'shared/nix/var/nix'),
        NIX_LOG_DIR: join(top, 'shared/nix/var/log'),
      }
      const verify = spawnSync('nix-store', ['--verify', '--check-contents'], { env: shared, encoding: 'utf8' })
      assert.equal(verify.status, 0, verify.stderr)
      assert.doesNotMatch(verify.stderr, /error|modified/)
      const bad = makeDerivation(store, {
        name: 'bad',
        script: `PATH=/usr/bin:/bin; chmod -R u+w ${outputText(store, a)}; echo evil > ${outputText(store, a)}/self; echo > $out`,
        inputs: [[a]],
      })
      await assert.rejects(build(store, bad, { sandbox: 'none' }), { code: 'INPUT_MODIFIED' })
      chmodSync(outputText(store, a), 0o755)
    } finally {
      store.close()
    }
  })
}
