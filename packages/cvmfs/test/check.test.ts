/** Every mutation that the real `check` or the real client notices is found, and some that they miss. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { checkRepository, directorySource } from '../index.ts'
import { create, harmless, mutations } from './mutations.ts'

const data = join(import.meta.dirname, 'data')

test('the sample of the real tool is right', async (context) => {
  const report = await checkRepository({
    source: directorySource(join(data, 'sample')),
    publicKeys: [readFileSync(join(data, 'sample.pub'))],
    cacheDirectory: temporaryDirectory(context),
    withTags: true,
  })
  assert.deepEqual(report.problems, [])
  assert.equal(report.revisions, 2)
  assert.equal(report.catalogs, 6)
})

// As the real `pull` leaves it: other times, and of former revisions only those that have a tag.
test('a Stratum 1 has a reflog of its own', async (context) => {
  const { directory, keys } = await create(context)
  const reflog = new DatabaseSync(join(directory, '.cvmfsreflog'))
  reflog.exec('UPDATE refs SET timestamp = timestamp + 100')
  reflog.close()
  const problems = async () => {
    const report = await checkRepository({
      source: directorySource(directory),
      publicKeys: [keys.publicKey],
      cacheDirectory: temporaryDirectory(context),
    })
    return report.problems.map(({ message }) => message)
  }
  assert.deepEqual(await problems(), ['the reflog is not the one that the manifest names'])
  rmSync(join(directory, '.cvmfs_master_replica'))
  assert.deepEqual(await problems(), [])
  writeFileSync(join(directory, '.cvmfsreflog'), 'no database at all')
  assert.match((await problems()).join(), /^the reflog cannot be read: /)
})

for (const [name, { code, names, mutate }] of Object.entries(mutations)) {
  test(name, async (context) => {
    const place = await create(context)
    const options = { source: directorySource(place.directory), publicKeys: [place.keys.publicKey] }
    const before = await checkRepository({ ...options, cacheDirectory: temporaryDirectory(context) })
    assert.deepEqual(before.problems, [])
    mutate(place)
    const { problems } = await checkRepository({ ...options, cacheDirectory: temporaryDirectory(context) })
    const found = problems.find((problem) => problem.code === code && names.test(problem.message))
    assert.ok(found, JSON.stringify(problems, undefined, 1))
  })
}

for (const [name, mutate] of Object.entries(harmless)) {
  test(`right as well: ${name}`, async (context) => {
    const place = await create(context)
    mutate(place)
    const options = { source: directorySource(place.directory), publicKeys: [place.keys.publicKey] }
    const { problems } = await checkRepository({ ...options, cacheDirectory: temporaryDirectory(context) })
    assert.deepEqual(problems, [])
  })
}

test('the wrong public key', async (context) => {
  const place = await create(context)
  const { problems } = await checkRepository({
    source: directorySource(place.directory),
    publicKeys: [readFileSync(join(data, 'sample.pub'))],
    cacheDirectory: temporaryDirectory(context),
  })
  assert.equal(problems[0]?.code, 'CVMFS_WHITELIST')
})
