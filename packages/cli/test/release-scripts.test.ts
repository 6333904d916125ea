/** What a release has for shells, on a machine that has the store at its path and nothing of ours. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isOnPath } from '@baryon/testing'
import { releaseScene, TAG } from './release-scene.ts'

describe('the scripts of a release', () => {
  test('work in every shell, and the shim opens one file of ours', (t) => {
    const scene = releaseScene(t, 'in place')
    const canary = join(scene.directory, 'canary')
    const hard = `it's $(touch ${canary}) \`touch ${canary}\` "x" ünï`
    scene.describe(
      'HEP/1.0',
      `packages = ["hello", "zlib"]\n[tasks]\ndemo = "hello --events 10"\n[variables]\nHARD = ${JSON.stringify(hard)}\nTEXT = "a\\nb"\n`,
    )
    const created = scene.run(['release', 'create', 'HEP/1.0', '-c', TAG, '--json'])
    assert.match(created.stderr, /^note: the tcl module file is left out: it has no way to say the value of TEXT$/m)
    const release = (JSON.parse(created.stdout) as { platforms: { path: string }[] }).platforms[0]!.path
    const readers = [
      ['dash', `. ${release}/setup.sh`],
      ['bash', `source ${release}/setup.sh`],
      ['zsh', `source ${release}/setup.sh`],
      ['zsh', `source ${release}/etc/baryon/activate.zsh`],
      ['fish', `source ${release}/setup.fish`],
      ['tcsh', `source ${release}/setup.csh`],
    ] as const
    const plain = {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: scene.directory, LC_ALL: 'C.UTF-8' },
    } as const
    for (const [shell, line] of readers) {
      if (!isOnPath(shell)) continue
      const script = join(scene.directory, 'script')
      writeFileSync(
        script,
        `${line}\ndemo 'b c'\nenv printenv HARD TEXT\nbaryon_deactivate\nenv printenv HARD || echo left\n`,
      )
      const { stdout, stderr } = spawnSync(shell, [script], plain)
      assert.equal(stderr, '', shell)
      assert.equal(stdout, `hello 2.0 ${TAG}\n<--events>\n<10>\n<b c>\n${hard}\na\nb\nleft\n`, shell)
    }
    assert.equal(existsSync(canary), false)

    const shim = join(release, 'bin/run')
    assert.equal(spawnSync(shim, ['hello', 'a b'], { encoding: 'utf8', env: {} }).stdout, `hello 2.0 ${TAG}\n<a b>\n`)
    assert.equal(spawnSync(shim, [], plain).status, 2)
    if (!isOnPath('strace')) return
    const traced = spawnSync('strace', ['-f', '-e', 'trace=open,openat,execve', shim, 'hello'], plain)
    assert.match(traced.stdout, /^hello/, traced.stderr)
    const calls = traced.stderr.split('\n').filter((call) => / = \d+$/.test(call))
    const start = calls.findIndex((call, index) => index > 0 && call.includes('execve('))
    const opened = calls.slice(0, start).filter((call) => call.includes('open') && call.includes(scene.storeDirectory))
    assert.equal(opened.length, 1, opened.join('\n'))
    assert.doesNotMatch(traced.stderr, /node|python/)
  })
})
