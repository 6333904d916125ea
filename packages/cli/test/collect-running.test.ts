/** What runs is not collected: in every tier, for root and for an ordinary user. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { isOnPath, ordinaryUser, temporaryDirectory } from '@baryon/testing'
import type { RunningRecord } from './collect-running.ts'

const worker = join(import.meta.dirname, 'collect-running.ts')
const skip = isOnPath('busybox') ? false : 'busybox is not installed'
const busybox = '/bin/busybox'

/** What must show each use; a program that was replaced by proot's loader has another `exe`. */
const shownBy: Readonly<Record<string, string>> = {
  program: 'maps',
  environment: 'environ',
  'open file': 'fd',
  'working directory': 'cwd',
}

function check(output: string, tiers: readonly string[]): void {
  const records = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunningRecord)
  for (const record of records) {
    const where = JSON.stringify(record)
    assert.deepEqual(record.kept, ['needed', 'program'], where)
    assert.ok(record.sources.includes(shownBy[record.use]!), where)
    assert.deepEqual(record.left, [], where)
  }
  for (const tier of tiers)
    assert.ok(
      records.some((record) => record.tier === tier),
      `${tier}: not tried`,
    )
}

test('what runs is kept, with what it needs, in every tier', { skip }, (t) => {
  const result = spawnSync(process.execPath, [worker, temporaryDirectory(t), busybox], { encoding: 'utf8' })
  assert.equal(result.status, 0, result.stderr)
  check(
    result.stdout,
    ['bwrap', 'proot'].filter(isOnPath).map((name) => (name === 'bwrap' ? 'bubblewrap' : name)),
  )
})

test('the same for a user without any right', { skip }, (t) => {
  const user = ordinaryUser(t)
  if (user.skip) {
    t.skip(user.skip)
    return
  }
  const result = user.run(process.execPath, [worker, join(user.home, 'root'), busybox])
  assert.equal(result.status, 0, result.stderr)
  check(result.stdout, isOnPath('proot') ? ['proot'] : [])
})
