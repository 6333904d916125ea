/** `baryon repository check` as a command, on everything that the real client or the real check notices, and on what they put up with. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { create, harmless, mutations, type Place } from '../../cvmfs/test/mutations.ts'
import { type Away, repositoryScene } from './repository-scene.ts'

test('each fault is found: status 1, its code, and what is wrong', async (t) => {
  const results = await checkAll(
    t,
    Object.entries(mutations).map(([name, { mutate }]) => [name, mutate] as const),
  )
  for (const [name, { code, names }] of Object.entries(mutations)) {
    const { status, stdout, stderr } = results.get(name)!
    assert.equal(status, 1, `${name}: ${stdout}${stderr}`)
    const isFound = (line: string) => line.startsWith(`${code}: `) && names.test(line.slice(code.length + 2))
    assert.ok(stdout.split('\n').some(isFound), `${name}: ${stdout}${stderr}`)
    assert.match(stdout, /: [1-9]\d* problems?\n$/, name)
    assert.equal(stderr, '', name)
  }
})

test('what clients put up with is right', async (t) => {
  const results = await checkAll(t, [['nothing', () => {}], ...Object.entries(harmless)])
  for (const [name, { status, stdout, stderr }] of results) {
    assert.equal(status, 0, `${name}: ${stdout}${stderr}`)
    assert.match(stdout, /: no problems\n$/, name)
  }
})

test('the wrong public key, and what programs are told', async (t) => {
  const [place, scene] = [await create(t), repositoryScene(t)]
  const sample = resolve(import.meta.dirname, '../../cvmfs/test/data/sample.pub')
  const { status, stdout } = scene.run('repository', 'check', place.directory, '--key', sample, '--json')
  assert.equal(status, 1)
  const { problems } = JSON.parse(stdout) as { readonly problems: readonly { readonly code: string }[] }
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['CVMFS_WHITELIST'],
  )
})

/** Two at a time: most of the time is that of starting. */
async function checkAll(
  t: TestContext,
  changes: readonly (readonly [name: string, change: (place: Place) => void])[],
): Promise<ReadonlyMap<string, Away>> {
  const scene = repositoryScene(t)
  const results = new Map<string, Away>()
  const left = [...changes]
  let keys = 0
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [name, change] = next
      const place = await create(t)
      change(place)
      // Of its own: the other one may be reading.
      const key = join(scene.directory, `${keys++}.pub`)
      writeFileSync(key, place.keys.publicKey)
      results.set(name, await scene.away(['repository', 'check', place.directory, '--key', key]))
    }
  }
  await Promise.all([worker(), worker()])
  assert.equal(results.size, changes.length)
  return results
}
