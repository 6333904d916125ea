/** Builds that go wrong: each ends in a coded error, and nothing of it is left: no process, no file, no bad record. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  assertError,
  assertGone,
  assertOk,
  createScene,
  derivation,
  inNamespace,
  isRunning,
  openDirectory,
  quote,
  withoutNamespace,
} from './bad-input-scene.ts'

describe('bad builds', () => {
  const scene = createScene({ after })
  const place = (logical: string) => join(scene.physical, logical.slice(logical.lastIndexOf('/') + 1))

  test('one that fails: its last words, and where the whole log is', () => {
    const result = scene.build(derivation('fails', 'echo one; echo two >&2; exit 3'))
    assertError(result, 100, 'BUILD_FAILED', /-fails\.drv' failed with status 3$/, /baryon log \S+-fails\.drv$/)
    assert.match(result.stderr, /last lines of fails:\n {2}one\n {2}two\n/)
    const [, drv] = /baryon log (\S+-fails\.drv)/.exec(result.stderr)!
    assert.equal(assertOk(scene.run(['log', drv!])), 'one\ntwo')
    const record = JSON.parse(assertOk(scene.run(['log', drv!, '--json']))) as unknown
    assert.deepEqual(record, { derivation: drv, log: 'one\ntwo\n' })
  })
  test('one that needs a program that is not there', () => {
    const expression = 'derivation { name = "x"; system = builtins.currentSystem; builder = "/no/such"; }'
    const result = scene.build(expression)
    assertError(result, 100, 'BUILD_FAILED', /-x\.drv' failed with status/)
    assert.match(result.stderr, /\/no\/such: No such file/)
  })
  test('one that hangs', async () => {
    const mark = `77${process.pid}1`
    const busy = scene.build(derivation('busy', `sleep ${mark} & while :; do echo busy; sleep 0.1; done`), [
      '--timeout',
      '1',
    ])
    assertError(busy, 100, 'BUILD_TIMEOUT', /-busy\.drv' took more than 1 s/, /more time/)
    const silent = scene.build(derivation('silent', `echo begin; exec sleep ${mark}`), ['--max-silent-time', '1'])
    assertError(silent, 100, 'BUILD_SILENT', /-silent\.drv' said nothing for 1 s/, /silent for longer/)
    await assertGone(mark)
  })
  test('one that leaves a daemon', async () => {
    const mark = `77${process.pid}2`
    const script = `(setsid sleep ${mark} > /dev/null 2>&1 &); sleep ${mark} & echo > $out`
    assertOk(scene.build(derivation('daemon', script)))
    await assertGone(mark)
  })
  test('one that writes setuid files', () => {
    const script = 'mkdir $out; echo > $out/s; chmod 6755 $out/s; echo > $out/w; chmod 666 $out/w; chmod 7777 $out'
    const output = place(assertOk(scene.build(derivation('setuid', script))))
    assert.equal(lstatSync(output).mode & 0o7777, 0o555)
    assert.equal(lstatSync(join(output, 's')).mode & 0o7777, 0o555)
    assert.equal(lstatSync(join(output, 'w')).mode & 0o7777, 0o444)
  })
  test('one that tries the network', () => {
    const script = 'wget -O $out http://127.0.0.1:9/ || wc -l < /proc/net/dev; exit 1'
    const result = scene.build(derivation('network', script))
    assertError(result, 100, 'BUILD_FAILED', /-network\.drv' failed with status 1/)
    // Two lines of title, and the loopback device of its own.
    assert.match(result.stderr, /last lines of network:\n[\s\S]*\n {2}3\n/)
  })
  test('one that leaves unreadable directories', () => {
    const mess = 'mkdir -p $out/a/b a/b; echo > $out/a/b/c; chmod 0 $out/a/b/c $out/a/b $out/a a/b a'
    assertError(scene.build(derivation('unreadable', `${mess}; exit 1`)), 100, 'BUILD_FAILED', /status 1/)
    const output = place(assertOk(scene.build(derivation('unreadable', `${mess} $out`))))
    assert.equal(readFileSync(join(output, 'a/b/c'), 'utf8'), '\n')
  })
  test('one that makes nothing, or what no store can hold', () => {
    assertError(scene.build(derivation('nothing', 'true')), 100, 'OUTPUT_MISSING', /nothing/)
    assertError(scene.build(derivation('pipe', 'mkfifo $out')), 100, 'OUTPUT_FILE_TYPE', /pipe/)
  })
  test('with --keep-going and --keep-failed the others are made, and the directory stays', () => {
    const expression = `let
        bad = ${derivation('bad', 'echo x > file; exit 1')};
        good = ${derivation('good', 'sleep 0.5; echo > $out')};
      in ${derivation('both', 'echo ${bad} ${good} > $out')}`
    const result = scene.build(expression, ['-k', '-K'])
    assertError(result, 100, 'BUILD_FAILED', /-bad\.drv' failed/)
    assert.match(result.stderr, /built good/)
    assert.match(result.stderr, /left out: 'both' was not built because 'bad' failed/)
    const [, kept] = /build directory kept: (.*)\n/.exec(result.stderr)!
    assert.equal(readFileSync(join(kept!, 'file'), 'utf8'), 'x\n')
  })
  test('one that fills the disk', { skip: withoutNamespace(scene.user) }, () => {
    const full = openDirectory(join(scene.user.home, '../full'))
    const filling = derivation('filling', 'echo begin; dd if=/dev/zero of=$out bs=64k count=1000')
    const build = '"$@" build --no-link --expr "$FILLING"; echo "status $?"; "$@" store verify --check-contents'
    const command = `${inNamespace(`mount -t tmpfs -o size=6m,mode=777 full "${full}"`).map(quote).join(' ')} sh -c ${quote(build)} sh`
    const environment = { FILLING: filling, BARYON_ROOT: full }
    const wrapper = ['sh', '-c', `${command} "$1"`, 'sh']
    const result = scene.run([], { wrapper, environment })
    assert.match(result.stdout, /^status 100\n\d+ paths? checked, 0 problems\n$/, result.stderr)
    assertError({ ...result, status: 100 }, 100, 'DISK_FULL', /-filling\.drv/, /baryon store gc/)
  })

  const interrupted = async (name: string, mark: string, end: (child: ChildProcess) => void) => {
    // In a file: the word is to be on the command line of the builder alone.
    const file = join(scene.user.home, `${name}.nix`)
    writeFileSync(file, derivation(name, `sleep ${mark}; echo > $out`))
    const child = scene.start(['build', '--no-link', '-f', file])
    let stderr = ''
    child.stderr!.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const closed = new Promise<readonly unknown[]>((resolve) => child.once('close', (...how) => resolve(how)))
    while (!isRunning(mark)) await new Promise((resolve) => setTimeout(resolve, 50))
    end(child)
    const [status, signal] = await closed
    await assertGone(mark)
    return { status: status as number | null, signal, stdout: '', stderr }
  }
  test('Ctrl-C', async () => {
    const mark = `77${process.pid}3`
    const result = await interrupted('interrupted', mark, (child) => process.kill(-child.pid!, 'SIGINT'))
    assertError(result, 130, 'INTERRUPTED', /interrupted/)
    scene.assertClean()
  })
  test('kill -9, and the next run does it', async () => {
    const mark = `2.077${process.pid}`
    const result = await interrupted('killed', mark, (child) => process.kill(child.pid!, 'SIGKILL'))
    assert.equal(result.signal, 'SIGKILL')
    assertOk(scene.run(['build', '--no-link', '-f', 'killed.nix']))
    scene.assertClean()
  })
  test('the same thing in two processes is built once', async () => {
    const expression = derivation('twice', 'cat /proc/sys/kernel/random/uuid > $out; sleep 0.5')
    const runs = await Promise.all(
      [1, 2].map(async () => {
        const child = scene.start(['build', '--no-link', '--expr', expression, '--json'])
        let stdout = ''
        child.stdout!.on('data', (chunk: Buffer) => {
          stdout += chunk.toString()
        })
        const status = await new Promise((resolve) => child.once('close', resolve))
        assert.equal(status, 0, stdout)
        return JSON.parse(stdout) as { built: string[] }
      }),
    )
    assert.equal(runs.flatMap((run) => run.built).length, 1, JSON.stringify(runs))
  })
  test('the store is as it should be after all that', () => {
    assert.ok(existsSync(scene.physical))
    scene.assertClean()
  })
})
