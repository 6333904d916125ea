import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatHash, hashBytes } from '@baryon/format'
import { planRealise, readLog, type SandboxChoice } from '../index.ts'
import { staticBusybox } from '../src/sandbox/host-shell.ts'
import { makeDerivation, outputText } from './make-derivation.ts'
import { build, finishedTasks, logLines, outputPlace, temporaryStore } from './temporary-store.ts'
import { asUnprivileged } from './unprivileged.ts'

if (asUnprivileged(import.meta.url)) {
  test('builds a graph, then does nothing over again', async () => {
    const store = temporaryStore()
    const a = makeDerivation(store, { name: 'a-1.0', script: 'echo one > $out; echo building a' })
    const b = makeDerivation(store, {
      name: 'b-1.0',
      script: `mkdir $out; cat ${outputText(store, a)} > $out/x; ln -s ${outputText(store, a)} $out/link`,
      inputs: [[a]],
    })
    const first = await build(store, b)
    assert.deepEqual(finishedTasks(first.events), ['a-1.0.drv', 'b-1.0.drv'])
    assert.deepEqual(logLines(first.events), ['building a'])
    assert.equal((await readLog(store, a))?.toString(), 'building a\n')
    assert.equal(readFileSync(`${outputPlace(store, b)}/x`, 'utf8'), 'one\n')
    const info = store.pathInfo(store.parse(outputText(store, b)))
    assert.deepEqual(
      info.references.map((path) => store.format(path)),
      [outputText(store, a)],
    )
    assert.equal(info.deriver?.digest, b.digest)
    assert.equal(info.ultimate, true)
    assert.ok(store.referencePositions(info.path)?.some(({ path, kind }) => path === 'link' && kind === 'symlink'))
    const second = await build(store, b)
    assert.deepEqual(second.events, [])
    assert.equal(second.report.present, 1)
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
    assert.ok(!existsSync(`${store.ownDirectory}/build`) || lstatSync(`${store.ownDirectory}/build`).nlink === 2)
  })

  test('every tier makes the same', async (context) => {
    const hashes = new Map<string, string>()
    for (const sandbox of ['bubblewrap', 'unshare', 'proot'] as SandboxChoice[]) {
      const store = temporaryStore()
      const source = store.addText('source', 'of all\n')
      const dependency = makeDerivation(store, { name: 'dependency', script: 'mkdir -p $out/bin; echo x > $out/bin/x' })
      const script = `mkdir $out $dev; cd /build; id -u > $out/user; pwd > $out/here; cat ${store.format(source)} ${outputText(store, dependency)}/bin/x > $out/text
        umask 000; touch $out/setuid; chmod 6755 $out/setuid; mkdir $out/closed; touch $out/closed/f; chmod 000 $out/closed; ln -s ../nowhere $out/link; echo $NIX_BUILD_CORES $TMPDIR $HOME $USER > $out/env
        ls -a $NIX_STORE > /dev/null; touch -d 2001-01-01 $out/text; ln $out/text $out/hard; printf "\\377\\000" > "$out/a b"; ls -A / > $out/root; cat /etc/passwd > $out/passwd; echo $out > $dev/back`
      const top = makeDerivation(store, {
        name: 'top',
        script,
        outputs: ['out', 'dev'],
        inputs: [[dependency]],
        sources: [source],
        env: { dev: '' },
      })
      try {
        await build(store, top, { sandbox, cores: 3 })
      } catch (error) {
        if ((error as { code?: string }).code !== 'NO_SANDBOX') throw error
        context.diagnostic(`${sandbox} is not here`)
        continue
      }
      const out = store.pathInfo(store.parse(outputText(store, top)))
      hashes.set(sandbox, formatHash(out.narHash, 'sri'))
      const place = outputPlace(store, top)
      assert.equal(statSync(`${place}/setuid`).mode & 0o7777, 0o555)
      assert.equal(statSync(`${place}/closed`).mode & 0o7777, 0o555)
      assert.equal(readFileSync(`${place}/env`, 'utf8'), '3 /build /homeless-shelter\n')
      assert.equal(readFileSync(`${place}/root`, 'utf8'), 'bin\nbuild\ncvmfs\ndev\netc\nproc\ntmp\n')
      assert.deepEqual(store.verify({ checkContents: true }).problems, [])
    }
    assert.ok(hashes.size > 0)
    assert.equal(new Set(hashes.values()).size, 1, JSON.stringify([...hashes]))
  })

  test('gives builders the environment and the files of Nix', async () => {
    const store = temporaryStore()
    const a = makeDerivation(store, { name: 'a', script: 'echo $out > $out' })
    const derivation = makeDerivation(store, {
      name: 'environment',
      script:
        'mkdir $out; cat "$textPath" > $out/text; echo "[$text]" > $out/unset; cat graph > $out/graph; echo $p > $out/placeholder; echo $NIX_LOG_FD $TERM $NIX_STORE $PWD $NIX_BUILD_TOP > $out/env',
      env: {
        text: 'bytes \xc3\xa4 "q"',
        passAsFile: 'text',
        exportReferencesGraph: `graph ${outputText(store, a)}`,
        p: '/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9/x',
      },
      inputs: [[a]],
    })
    await build(store, derivation)
    const place = outputPlace(store, derivation)
    const read = (name: string) => readFileSync(`${place}/${name}`, 'latin1')
    const path = outputText(store, a)
    assert.equal(read('text'), 'bytes \xc3\xa4 "q"')
    assert.equal(read('unset'), '[]\n')
    assert.equal(read('graph'), `${path}\n\n1\n${path}\n`)
    assert.equal(read('placeholder'), `${outputText(store, derivation)}/x\n`)
    assert.equal(read('env'), `2 xterm-256color ${store.storeDirectory} /build /build\n`)
  })

  test('plans without doing', async () => {
    const store = temporaryStore()
    const fetched = makeDerivation(store, {
      name: 'fetched',
      builder: 'builtin:fetchurl',
      env: { url: 'file:///nowhere' },
      fixed: { algorithm: 'sha256', hash: 'ab'.repeat(32) },
    })
    const a = makeDerivation(store, { name: 'a', script: 'echo > $out', inputs: [[fetched]] })
    const b = makeDerivation(store, { name: 'b', script: 'echo > $out', inputs: [[a]] })
    const plan = await planRealise(store, [{ derivation: b, outputs: 'all' }])
    assert.deepEqual(
      Array.from(plan.tasks.values(), ({ name, activity }) => [name, activity]),
      [
        ['fetched', 'fetch'],
        ['a', 'build'],
        ['b', 'build'],
      ],
    )
    const [first, second, third] = [...plan.tasks.values()]
    assert.ok(first!.priority > second!.priority && second!.priority > third!.priority)
    assert.deepEqual([...third!.dependencies], [second!.key])
    assert.equal(store.isValid(store.parse(outputText(store, a))), false)
  })

  test('keeps fetched sources, and builds from them when the origin is gone', async () => {
    const store = temporaryStore()
    const file = join(tmpdir(), `baryon-origin-${process.pid}`)
    writeFileSync(file, 'source\n')
    const sketch = {
      builder: 'builtin:fetchurl',
      env: { url: `file://${file}` },
      fixed: { algorithm: 'sha256', hash: '4c61c00ed9d9ce8d62e79b6ae9ce9cd0b1af23eccf1b0e0a5ea4aefee4a4ba1f' },
    }
    const wrong = makeDerivation(store, { name: 'wrong', ...sketch })
    await assert.rejects(build(store, wrong), {
      code: 'HASH_MISMATCH',
      message: /wanted: sha256-TGHAD[\s\S]*got: +sha256-uLsDT/,
    })
    const right = Buffer.from(hashBytes('sha256', 'source\n').bytes).toString('hex')
    const one = makeDerivation(store, { name: 'one', ...sketch, fixed: { algorithm: 'sha256', hash: right } })
    const { report } = await build(store, one)
    assert.equal(report.fetched.length, 1)
    assert.equal(
      store.pathInfo(store.parse(outputText(store, one))).contentAddress,
      `fixed:sha256:${formatHash(hashBytes('sha256', 'source\n'), 'nix32', false)}`,
    )
    const two = makeDerivation(store, {
      name: 'two',
      ...sketch,
      env: { url: 'file:///gone' },
      fixed: { algorithm: 'sha256', hash: right },
    })
    await build(store, two, { offline: true })
    assert.equal(readFileSync(outputPlace(store, two), 'utf8'), 'source\n')
    const three = makeDerivation(store, {
      name: 'three',
      ...sketch,
      env: { url: 'file:///gone' },
      fixed: { algorithm: 'sha256', hash: 'ab'.repeat(32) },
    })
    await assert.rejects(build(store, three, { offline: true }), { code: 'OFFLINE' })
    await assert.rejects(build(store, three), { code: 'FETCH_NOT_FOUND' })
    const executable = makeDerivation(store, {
      name: 'run',
      ...sketch,
      env: { ...sketch.env, executable: '1' },
      fixed: { algorithm: 'r:sha256', hash: 'ab'.repeat(32) },
    })
    await assert.rejects(build(store, executable), { code: 'HASH_MISMATCH' })
  })

  test('a damaged file of the source archive is fetched again', async () => {
    const store = temporaryStore()
    const file = join(tmpdir(), `baryon-damage-${process.pid}`)
    writeFileSync(file, 'source\n')
    const hash = hashBytes('sha256', 'source\n')
    const hex = Buffer.from(hash.bytes).toString('hex')
    const make = (name: string) =>
      makeDerivation(store, {
        name,
        builder: 'builtin:fetchurl',
        env: { url: `file://${file}` },
        fixed: { algorithm: 'sha256', hash: hex },
      })
    const sourceDirectory = `${store.ownDirectory}/archive`
    await build(store, make('first'), { sourceDirectory })
    const archived = `${sourceDirectory}/sha256/${hex.slice(0, 2)}/${hex}`
    chmodSync(archived, 0o644)
    writeFileSync(archived, 'sourcE\n')
    const second = make('second')
    await build(store, second, { sourceDirectory })
    assert.equal(readFileSync(outputPlace(store, second), 'utf8'), 'source\n')
    assert.equal(readFileSync(archived, 'utf8'), 'source\n')
  })

  for (const sandbox of ['bubblewrap', 'unshare', 'proot'] as const) {
    test(`the network is there for fixed outputs only (${sandbox})`, async (context) => {
      const store = temporaryStore()
      const server = createServer((_request, response) => response.end('served\n')).listen(0, '127.0.0.1')
      context.after(() => server.close())
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      process.env.BARYON_TEST_PORT = String(port)
      // The shell of the minimal sandbox is busybox where there is one; another one can open no connection.
      if (staticBusybox() === undefined) return context.skip('there is no static busybox')
      const script = 'wget -q -O $out http://127.0.0.1:$BARYON_TEST_PORT/'
      const fixed = { algorithm: 'sha256', hash: Buffer.from(hashBytes('sha256', 'served\n').bytes).toString('hex') }
      const fetched = makeDerivation(store, {
        name: 'fetched',
        script,
        fixed,
        env: { impureEnvVars: 'BARYON_TEST_PORT' },
      })
      try {
        const { report } = await build(store, fetched, { sandbox })
        assert.equal(report.fetched.length, 1)
      } catch (error) {
        if ((error as { code?: string }).code !== 'NO_SANDBOX') throw error
        return context.skip((error as Error).message)
      }
      const isolated = makeDerivation(store, {
        name: 'isolated',
        script: script.replace('$BARYON_TEST_PORT', String(port)),
      })
      if (sandbox === 'proot') await build(store, isolated, { sandbox })
      else await assert.rejects(build(store, isolated, { sandbox }), { code: 'BUILD_FAILED' })
    })
  }
}
