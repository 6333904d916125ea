/** Caches in buckets of an S3 look-alike that checks every signature by the rules of the specification. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCache, openLookup, pullPaths, pushPaths } from '@baryon/cache'
import { S3_ENVIRONMENT, S3_KEY, serveBucket, temporaryDirectory } from '@baryon/testing'
import { findCredentials, findRegion } from '../src/aws-credentials.ts'
import { emptyStore, expectSound, impatient, scene } from './scene.ts'

const environment = S3_ENVIRONMENT

for (const compression of ['none', 'zstd'] as const) {
  test(`a closure goes to a bucket and comes back (${compression})`, async (t) => {
    const { store, app, lib, source, text } = scene(t)
    const bucket = await serveBucket(t, 'eu-west-1')
    const url = `s3://hep-cache/some/folder?endpoint=${bucket.endpoint}&scheme=http&region=eu-west-1`
    const { storeDirectory } = store
    const address = { url, options: { storeDirectory, environment, ...impatient } }
    const report = await pushPaths(store, address, [app], { compression, writeListing: true })
    assert.equal(report.pushed.length, 4)
    assert.ok(bucket.objects.has(`/hep-cache/some/folder/${app.digest}.narinfo`))

    const trust = { keys: [], trustAll: true }
    const target = emptyStore(t)
    const lookup = await openLookup(openCache(url, address.options), { trust })
    await pullPaths(target, [{ lookup, address }], [app])
    expectSound(target, [app, lib, source, text])

    // Without credentials only a public bucket gives anything.
    const anonymous = { url, options: { storeDirectory, environment: { HOME: temporaryDirectory(t) }, ...impatient } }
    await assert.rejects(openLookup(openCache(url, anonymous.options), { trust }), { code: 'CACHE_MISSING' })
    await assert.rejects(pushPaths(store, anonymous, [app], { compression }), { code: 'FETCH_FORBIDDEN' })
    bucket.isPublic = true
    const open = await openLookup(openCache(url, anonymous.options), { trust })
    const second = emptyStore(t)
    await pullPaths(second, [{ lookup: open, address: anonymous }], [app])
    expectSound(second, [app])
  })
}

test('a wrong secret is refused', async (t) => {
  const { store, app } = scene(t)
  const bucket = await serveBucket(t, 'us-east-1')
  const wrong = { ...environment, AWS_SECRET_ACCESS_KEY: 'wrong' }
  const options = { storeDirectory: store.storeDirectory, environment: wrong, ...impatient }
  const url = `s3://hep-cache?endpoint=${bucket.endpoint}&scheme=http`
  await assert.rejects(pushPaths(store, { url, options }, [app], { compression: 'none' }), { code: 'FETCH_FORBIDDEN' })
  assert.equal(bucket.objects.size, 0)
})

test('credentials and regions are found where the tools of AWS keep them', (t) => {
  const home = temporaryDirectory(t)
  mkdirSync(join(home, '.aws'))
  writeFileSync(
    join(home, '.aws/credentials'),
    '# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[ci]\naws_access_key_id=C\naws_secret_access_key = D=+/\naws_session_token = E\n[empty]\n',
  )
  writeFileSync(join(home, '.aws/config'), '[default]\nregion = eu-west-1\n[profile ci]\nregion=us-west-2\n')
  const at = { HOME: home }
  const none = { sessionToken: undefined }
  assert.deepEqual(findCredentials(undefined, at), { keyId: 'A', secret: 'B', ...none })
  assert.deepEqual(findCredentials('ci', { ...at, ...environment }), { keyId: 'C', secret: 'D=+/', sessionToken: 'E' })
  assert.deepEqual(findCredentials(undefined, { ...at, AWS_PROFILE: 'ci' })?.keyId, 'C')
  assert.deepEqual(findCredentials(undefined, { ...at, ...environment })?.keyId, S3_KEY.id)
  assert.equal(findCredentials(undefined, { HOME: temporaryDirectory(t) }), undefined)
  assert.throws(() => findCredentials('empty', at), { code: 'S3_CREDENTIALS' })
  assert.throws(() => findCredentials('nobody', at), { code: 'S3_CREDENTIALS' })
  assert.equal(findRegion(undefined, at), 'eu-west-1')
  assert.equal(findRegion('ci', at), 'us-west-2')
  assert.equal(findRegion('ci', { ...at, AWS_REGION: 'x' }), 'x')
  assert.equal(findRegion(undefined, { HOME: temporaryDirectory(t) }), 'us-east-1')
})
