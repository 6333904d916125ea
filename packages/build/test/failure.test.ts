import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hashBytes } from '@baryon/format'
import { BuildError, type BuildEvent, readLog } from '../index.ts'
import { makeDerivation, outputText } from './make-derivation.ts'
import { build, buildErrors, logLines, outputPlace, temporaryStore } from './temporary-store.ts'
import { asUnprivileged } from './unprivileged.ts'

if (asUnprivileged(import.meta.url)) {
  const store = temporaryStore()
  const clean = () => {
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
    assert.deepEqual(readdirSync(`${store.ownDirectory}/build`), [])
    assert.deepEqual(
      readdirSync(store.physicalDirectory).filter((name) => name.includes('baryon-tmp')),
      [],
    )
  }
  const failure = async (
    name: string,
    sketch: Partial<Parameters<typeof makeDerivation>[1]>,
    options: Parameters<typeof build>[2] = {},
  ) => {
    const derivation = makeDerivation(store, { name, ...sketch })
    const { failures } = await buildErrors(store, derivation, options)
    assert.equal(failures.length, 1, failures.join('\n'))
    const [error] = failures
    assert.ok(error instanceof BuildError, String(error))
    assert.equal(error.derivation.digest, derivation.digest)
    clean()
    return error
  }

  test('a builder that fails', async () => {
    const error = await failure('fails', { script: 'for i in 1 2 3; do echo line $i; done; exit 3' })
    assert.deepEqual([error.code, error.status, error.logTail], ['BUILD_FAILED', 3, ['line 1', 'line 2', 'line 3']])
    assert.equal((await readLog(store, error.derivation))?.toString(), 'line 1\nline 2\nline 3\n')
    const killed = await failure('killed', { script: 'kill -KILL $$' })
    assert.match(killed.message, /signal 9|status/)
    assert.equal((await failure('no-builder', { builder: '/no/builder' })).code, 'BUILD_FAILED')
  })
  test('a builder that makes too little or the wrong things', async () => {
    assert.equal((await failure('nothing', { script: 'echo hello' })).code, 'OUTPUT_MISSING')
    assert.equal((await failure('half', { script: 'echo > $out', outputs: ['out', 'dev'] })).code, 'OUTPUT_MISSING')
    assert.equal((await failure('pipe', { script: 'mkdir $out; mkfifo $out/pipe' })).code, 'OUTPUT_FILE_TYPE')
    const fixed = { algorithm: 'sha256', hash: Buffer.from(hashBytes('sha256', 'x\n').bytes).toString('hex') }
    const mismatch = await failure('mismatch', { script: 'echo y > $out', fixed })
    assert.equal(mismatch.code, 'HASH_MISMATCH')
    assert.match(mismatch.message, /specified: sha256-[\s\S]*got: +sha256-/)
    assert.equal(
      (await failure('executable', { script: 'echo x > $out; chmod +x $out', fixed })).code,
      'OUTPUT_NOT_FLAT',
    )
    assert.equal((await failure('directory', { script: 'mkdir $out', fixed })).code, 'OUTPUT_NOT_FLAT')
  })
  test('outputs that refer to each other in a circle', async () => {
    const error = await failure('circle', {
      script: 'mkdir $out $dev; echo $dev > $out/a; echo $out > $dev/b',
      outputs: ['out', 'dev'],
    })
    assert.equal(error.code, 'OUTPUT_CYCLE')
    // Which files they are, and where in them.
    assert.match(error.message, /\n {2}dev\/b, byte \d+: circle\n {2}out\/a, byte \d+: circle-dev$/)
  })
  test('references that are not allowed', async () => {
    const a = makeDerivation(store, { name: 'a', script: 'echo > $out' })
    const b = makeDerivation(store, { name: 'b', script: `echo ${outputText(store, a)} > $out`, inputs: [[a]] })
    const refer = { script: `echo ${outputText(store, b)} > $out`, inputs: [[b]] as const }
    const own = { script: 'echo $out > $out' }
    const code = async (name: string, sketch: object) => (await failure(name, sketch)).code
    assert.equal(await code('r1', { ...refer, env: { allowedReferences: '' } }), 'OUTPUT_REFERENCES')
    const inFile = { ...refer, script: `mkdir $out; echo a ${outputText(store, b)} > $out/file` }
    const { message } = await failure('r0', { ...inFile, env: { allowedReferences: '' } })
    assert.match(message, /\(allowedReferences\)\n {2}out\/file, byte \d+: b$/)
    assert.equal(
      await code('r2', { ...refer, env: { disallowedReferences: outputText(store, b) } }),
      'OUTPUT_REFERENCES',
    )
    assert.equal(
      await code('r3', { ...refer, env: { disallowedRequisites: outputText(store, a) } }),
      'OUTPUT_REFERENCES',
    )
    assert.equal(await code('r4', { ...refer, env: { allowedRequisites: outputText(store, b) } }), 'OUTPUT_REFERENCES')
    assert.equal(await code('r5', { ...own, env: { allowedReferences: '' } }), 'OUTPUT_REFERENCES')
    for (const [name, sketch] of Object.entries({
      s1: { ...refer, env: { allowedReferences: outputText(store, b), disallowedReferences: outputText(store, a) } },
      s2: { ...refer, env: { allowedRequisites: `${outputText(store, b)} ${outputText(store, a)}` } },
      s3: { ...own, env: { allowedReferences: 'out', allowedRequisites: '' } },
    })) {
      await build(store, makeDerivation(store, { name, ...sketch }))
    }
    const json = JSON.stringify({
      name: 'r6',
      outputChecks: { out: { disallowedReferences: [outputText(store, b)], maxSize: 1 } },
    })
    const script = `out=$(sed 's/.*"outputs":{"out":"\\([^"]*\\)".*/\\1/' $NIX_ATTRS_JSON_FILE); echo ${outputText(store, b)} > $out`
    assert.equal(await code('r6', { script, inputs: [[b]], env: { __json: json } }), 'OUTPUT_REFERENCES')
    assert.equal(
      await code('r7', { script: script.replace(outputText(store, b), ''), env: { __json: json } }),
      'OUTPUT_TOO_LARGE',
    )
  })
  test('limits of time and silence', async () => {
    const timeout = await failure('hangs', { script: 'while :; do echo busy; sleep 0.1; done' }, { timeout: 1 })
    assert.equal(timeout.code, 'BUILD_TIMEOUT')
    const silent = await failure('silent', { script: 'echo one; sleep 60' }, { maxSilent: 1 })
    assert.deepEqual([silent.code, silent.logTail], ['BUILD_SILENT', ['one']])
  })
  test('one failure stops the rest, unless all are to be tried', async () => {
    const bad = makeDerivation(store, { name: 'bad', script: 'exit 1' })
    const slow = makeDerivation(store, { name: 'slow', script: 'sleep 30; echo > $out' })
    const needs = makeDerivation(store, { name: 'needs', script: 'echo > $out', inputs: [[bad]] })
    const good = makeDerivation(store, { name: 'good', script: 'sleep 0.3; echo > $out' })
    const stopped = await buildErrors(store, [needs, slow], { jobs: 2 })
    assert.deepEqual([stopped.failures.length, stopped.code], [1, 'BUILD_FAILED'])
    const { failures, report } = await buildErrors(store, [needs, good], { jobs: 1, keepGoing: true })
    assert.equal(failures.length, 1)
    assert.deepEqual(
      report.built.map(({ name }) => name),
      ['good.drv'],
    )
    clean()
  })
  test('a build directory is kept when asked for', async () => {
    const derivation = makeDerivation(store, { name: 'kept', script: 'echo hello > file; exit 1' })
    const { failures } = await buildErrors(store, derivation, { keepFailed: true })
    const [error] = failures as BuildError[]
    assert.equal(readFileSync(`${error!.keptDirectory}/file`, 'utf8'), 'hello\n')
  })
  test('a check finds what differs', async () => {
    const derivation = makeDerivation(store, {
      name: 'random',
      script: 'mkdir $out; echo same > $out/a; cat /proc/sys/kernel/random/uuid > $out/b',
    })
    await build(store, derivation)
    const { failures } = await buildErrors(store, derivation, { check: true, keepFailed: true })
    const [error] = failures as BuildError[]
    assert.equal(error!.code, 'NOT_DETERMINISTIC')
    assert.match(error!.message, /output 'out' differs in b: contents differ at byte \d/)
    assert.equal(error!.keptDirectory, `${outputPlace(store, derivation)}.check`)
    assert.ok(existsSync(`${error!.keptDirectory}/b`))
    const same = makeDerivation(store, { name: 'same', script: 'mkdir $out; echo same > $out/a' })
    await build(store, same)
    assert.deepEqual(buildCounts((await build(store, same, { check: true })).events), { planned: 1, finished: 1 })
    const twice = makeDerivation(store, { name: 'twice', script: 'echo same > $out' })
    assert.deepEqual(buildCounts((await build(store, twice, { check: true })).events), { planned: 2, finished: 2 })
    await assert.rejects(build(store, makeDerivation(store, { name: 'new', script: 'exit 1' }), { check: true }), {
      code: 'BUILD_FAILED',
    })
  })
  test('odd output', async () => {
    const odd = makeDerivation(store, {
      name: 'odd',
      script:
        'printf "\\377\\000\\r\\nhalf"; printf "@nix {\\"action\\":\\"setPhase\\",\\"phase\\":\\"testPhase\\"}\\n" >&2; echo @nix {broken; echo > $out',
    })
    const { events } = await build(store, odd)
    assert.deepEqual(logLines(events), ['\ufffd\0', 'half@nix {"action":"setPhase","phase":"testPhase"}'])
    const phases = makeDerivation(store, {
      name: 'phases',
      script: 'echo "@nix {\\"action\\":\\"setPhase\\",\\"phase\\":\\"testPhase\\"}" >&$NIX_LOG_FD; echo > $out',
    })
    assert.ok(
      (await build(store, phases)).events.some((event) => event.kind === 'phase' && event.phase === 'testPhase'),
    )
  })
  test('100 MB of log', async () => {
    const loud = makeDerivation(store, {
      name: 'loud',
      script: 'head -c 100000000 /dev/zero | tr "\\0" x | fold -w 99; echo > $out',
    })
    const { events } = await build(store, loud)
    assert.ok(logLines(events).length > 1_000_000)
    assert.ok((await readLog(store, loud))!.length > 100_000_000)
  })
  test('machines and builders that are not there', async () => {
    assert.equal(
      (await buildErrors(store, makeDerivation(store, { name: 'm', system: 'riscv64-linux' })).catch((error) => error))
        .code,
      'WRONG_SYSTEM',
    )
    assert.equal((await failure('unknown', { builder: 'builtin:magic' })).code, 'BUILTIN_UNKNOWN')
    const other = makeDerivation(store, { name: 'gone', script: 'echo > $out' })
    await assert.rejects(
      build(store, makeDerivation(store, { name: 'none', script: 'echo > $out' }), { sandbox: 'none' }),
      { code: 'SANDBOX_NEEDED' },
    )
    await assert.rejects(build(store, { digest: other.digest.replace(/./g, '0'), name: 'x.drv' }), {
      code: 'DERIVATION_MISSING',
    })
  })
}

function buildCounts(events: readonly BuildEvent[]): { planned: number; finished: number } {
  return {
    planned: events.findLast((event) => event.kind === 'planned')?.builds ?? 0,
    finished: events.filter(({ kind }) => kind === 'finished').length,
  }
}
