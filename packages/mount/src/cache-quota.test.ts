import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openCacheQuota } from './cache-quota.ts'

const FILE = 100_000
const TAKEN = 102_400

/** A file of the cache that was used so many minutes ago. */
function store(directory: string, name: string, minutes: number): string {
  const file = join(directory, name)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, Buffer.alloc(FILE))
  const used = Date.now() / 1000 - minutes * 60
  utimesSync(file, used, used)
  return file
}

function names(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^..\/./.test(name))
    .sort()
}

async function until(condition: () => boolean): Promise<void> {
  for (let left = 400; !condition(); left--) {
    assert.ok(left > 0, 'waited for too long')
    await delay(10)
  }
}

function open(t: TestContext, directory: string, limit: number, inUse: readonly string[] = []) {
  const quota = openCacheQuota(directory, {
    limit,
    inUse: () => inUse,
    onError: (error) => {
      throw error
    },
  })
  t.after(() => quota.close())
  return quota
}

test('what was used longest ago goes, until half of the quota is free; what is in use stays', async (t) => {
  const directory = temporary(t)
  const quota = open(t, directory, 10 * TAKEN, [join(directory, '00/catalogC')])
  store(directory, '00/catalogC', 1000)
  for (let index = 0; index < 10; index++) {
    store(directory, `0${index}/file`, 100 - index)
    quota.add(FILE)
  }
  assert.equal(names(directory).length, 11)
  quota.add(FILE)
  await until(() => names(directory).length <= 5)
  await delay(50)
  assert.deepEqual(names(directory), ['00/catalogC', '06/file', '07/file', '08/file', '09/file'])
  // Counted anew: there is room again.
  quota.add(FILE)
  await delay(50)
  assert.equal(names(directory).length, 5)
})

test('two processes add to one sum, and what a killed one left is found', async (t) => {
  const directory = temporary(t)
  const one = open(t, directory, 10 * TAKEN)
  const other = open(t, directory, 10 * TAKEN)
  store(directory, '0a/file', 90)
  for (let index = 0; index < 10; index++) store(directory, `0${index}/file`, 100 - index)
  for (let index = 0; index < 5; index++) one.add(FILE)
  for (let index = 0; index < 5; index++) other.add(FILE)
  assert.equal(names(directory).length, 11)
  other.add(FILE)
  await until(() => names(directory).length === 5)

  const killed = `import { openCacheQuota } from '${join(import.meta.dirname, 'cache-quota.ts')}'
    const quota = openCacheQuota('${directory}', { limit: 1e9, inUse: () => [], onError: () => {} })
    quota.add(5)
    process.kill(process.pid, 'SIGKILL')`
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', killed])
  assert.equal(result.signal, 'SIGKILL', String(result.stderr))
  mkdirSync(join(directory, 'txn'))
  const abandoned = store(directory, 'txn/1-abc-1', 120)
  const alive = store(directory, 'txn/1-abc-2', 1)
  for (let index = 0; index < 8; index++) store(directory, `1${index}/file`, 50 - index)
  for (let index = 0; index < 6; index++) one.add(FILE)
  await until(() => names(directory).filter((name) => !name.startsWith('txn')).length === 5)
  assert.ok(!existsSync(abandoned))
  assert.ok(existsSync(alive))
})

test('a damaged count is made anew', (t) => {
  const directory = temporary(t)
  writeFileSync(
    join(directory, 'usage.sqlite'),
    'no database, but text that is longer than the header of one'.repeat(50),
  )
  const quota = open(t, directory, TAKEN)
  quota.add(1)
})

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'baryon-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
