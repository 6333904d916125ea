/**
 * `baryon repository mount` and `baryon run` from a mount, killed at any time: the server ends by itself, nothing stays mounted, and the next
 * run works. As a user that is not root.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { atEnd, type Cleanup, fuseDevice, ordinaryUser } from '@baryon/testing'
import { allGone, processesOf } from './processes-of-home.ts'
import { publishedScene } from './published-scene.ts'
import { baryon, NAME } from './repository-scene.ts'

const data = resolve(import.meta.dirname, '../../cvmfs/test/data')
const python = '/usr/bin/python3'
const device = fuseDevice()
/** Seconds: a server whose mount was never made waits for half a minute. */
const PATIENCE = 90

describe('who has a mount is killed', { skip: device.skip }, () => {
  test('baryon repository mount, with its command', async (t) => {
    const user = ordinaryUser(t)
    const point = '/cvmfs/sample.hep.example'
    const words = ['repository', 'mount', join(data, 'sample'), point, '--key', join(data, 'sample.pub'), '--']
    const start = (...command: readonly string[]) =>
      startGroup(t, [...device.words, baryon, ...words, ...command], user.home, user.environment)
    await killed(user.home, point, start('sh', '-c', tellingServer(point)))
    // One that reads all the time.
    const busy = start('sh', '-c', `echo 0; while :; do find ${point} -type f -exec cat {} + >/dev/null; done`)
    await killed(user.home, point, busy)
    for (let round = 0; round < 6; round++) {
      await killedAfter(Math.random() * 2500, user.home, point, start('sleep', '1000'))
    }
    const { stdout } = await ended(start('cat', `${point}/lhcb/a`))
    assert.equal(stdout, 'hello\n')
    await allGone(user.home)
  })

  test('what outlives the command keeps the mount, as long as it lives', async (t) => {
    const user = ordinaryUser(t)
    const point = '/cvmfs/sample.hep.example'
    const words = ['repository', 'mount', join(data, 'sample'), point, '--key', join(data, 'sample.pub'), '--']
    const script = `(read go <go; cat ${point}/lhcb/a >seen) & echo 0; exec sleep 1000`
    assert.equal(user.run('mkfifo', ['go']).status, 0)
    const child = startGroup(t, [...device.words, baryon, ...words, 'sh', '-c', script], user.home, user.environment)
    await firstLine(child)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(processesOf(user.home).length, 2)
    assert.equal(user.run('sh', ['-c', 'echo >go']).status, 0)
    await allGone(user.home, PATIENCE)
    assert.equal(readFileSync(join(user.home, 'seen'), 'utf8'), 'hello\n')
  })

  test('baryon run', async (t) => {
    const scene = publishedScene(t)
    const point = `/cvmfs/${NAME}`
    const start = (...command: readonly string[]) => {
      const words = ['run', '--repository', scene.repository, 'hello', '--', ...command]
      const [program, rest, { cwd, env }] = scene.line(device.words, ...words)
      return startGroup(t, [program, ...rest], cwd, env)
    }
    await killed(scene.home, point, start('sh', '-c', tellingServer(point)))
    for (let round = 0; round < 4; round++) {
      await killedAfter(Math.random() * 4000, scene.home, point, start('sleep', '1000'))
    }
    const { stdout, stderr } = await ended(start('hello'))
    assert.match(stdout, /^hello 1\n/, stderr)
    assert.deepEqual(scene.valid(), [])
    await allGone(scene.home)
  })
})

/** Prints the process id of the server, and waits. */
function tellingServer(point: string): string {
  return `${python} -c 'import os; print(os.getxattr("${point}", "user.pid").decode())'; exec sleep 1000`
}

function startGroup(t: Cleanup, words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(words[0]!, words.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  atEnd(t, () => void child.kill('SIGKILL'))
  return child
}

/** When its command has said the process id of the server, or 0. */
async function killed(home: string, point: string, child: ChildProcess): Promise<void> {
  const pid = Number(await firstLine(child))
  const pids = processesOf(home)
  assert.ok(pids.length >= 2 && (pid === 0 || pids.includes(pid)), `${pid} is not among ${pids}`)
  await killNow(home, point, child)
}

async function killedAfter(milliseconds: number, home: string, point: string, child: ChildProcess): Promise<void> {
  await delay(milliseconds)
  await killNow(home, point, child)
}

async function killNow(home: string, point: string, child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
  // What it has started may start more.
  while (processesOf(home).length > 0) await allGone(home, PATIENCE)
  assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(` ${point} `))
}

async function firstLine({ stdout, stderr }: ChildProcess): Promise<string> {
  let [text, errors] = ['', '']
  stderr!.on('data', (piece) => (errors += piece))
  for await (const piece of stdout!.iterator({ destroyOnReturn: false })) {
    text += String(piece)
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'))
  }
  throw new Error(`ended without a line: ${errors}`)
}

async function ended(child: ChildProcess): Promise<{ readonly stdout: string; readonly stderr: string }> {
  let [stdout, stderr] = ['', '']
  child.stdout!.on('data', (piece) => (stdout += piece))
  child.stderr!.on('data', (piece) => (stderr += piece))
  await once(child, 'close')
  return { stdout, stderr }
}
