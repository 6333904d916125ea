import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { killTree } from '../src/sandbox/kill-tree.ts'

test('a tree of processes is killed while it grows, in whatever sessions its members are', async () => {
  for (let round = 0; round < 20; round++) {
    const word = `70${process.pid}${round}`
    const script = `echo; for i in 1 2 3; do setsid sh -c "sleep ${word} & sleep ${word}; :" & done; sleep ${word}; :`
    const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    // Each time at another moment of its growth.
    await sleep(round)
    killTree(child.pid!)
    assert.deepEqual(await ended, [null, 'SIGKILL'])
    for (let tries = 0; tries < 250 && processesWith(word).length > 0; tries++) await sleep(20)
    assert.deepEqual(processesWith(word), [])
  }
})

function processesWith(word: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(word)
    } catch {
      // It has ended.
      return false
    }
  })
}
