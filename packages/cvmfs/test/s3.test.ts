/** A repository in a bucket of a look-alike of S3 that checks signatures. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { S3_KEY, serveBucket, type TestBucket, temporaryDirectory } from '@baryon/testing'
import {
  type Change,
  changeTags,
  checkRepository,
  collectGarbage,
  createRepository,
  httpSource,
  type ObjectStorage,
  openPreparedCatalogs,
  openRepository,
  type PublishOptions,
  publish,
  readKeys,
  replicate,
  type S3StorageOptions,
  s3Storage,
} from '../index.ts'

const NAME = 's3.hep.example'
const REGION = 'eu-west-1'
const FOLDER = '/hep/cvmfs/s3.hep.example/'

interface Place {
  readonly bucket: TestBucket
  readonly keys: string
  storage(options?: Partial<S3StorageOptions>): ObjectStorage
  publish(
    changes: readonly Change[],
    storage?: ObjectStorage,
    more?: Partial<PublishOptions>,
  ): ReturnType<typeof publish>
  problems(): Promise<readonly unknown[]>
}

async function create(t: TestContext, pageSize?: number): Promise<Place> {
  const bucket = await serveBucket(t, REGION, pageSize)
  const keys = temporaryDirectory(t)
  const storage = (options: Partial<S3StorageOptions> = {}) =>
    s3Storage({
      name: 's3://hep/cvmfs/s3.hep.example',
      url: new URL(`http://${bucket.endpoint}/hep/`),
      prefix: 'cvmfs/s3.hep.example/',
      region: REGION,
      credentials: { keyId: S3_KEY.id, secret: S3_KEY.secret, sessionToken: S3_KEY.token },
      ...options,
    })
  await createRepository({ name: NAME, storage: storage(), keyDirectory: keys })
  const { publicKey, privateKey } = readKeys(NAME, keys)
  const cacheDirectory = temporaryDirectory(t)
  return {
    bucket,
    keys,
    storage,
    publish: (changes, to = storage(), more = {}) =>
      publish({ storage: to, publicKeys: [publicKey], privateKey, cacheDirectory, ...more }, changes),
    problems: async () => {
      const source = storage()
      const report = await checkRepository({
        source,
        publicKeys: [publicKey],
        cacheDirectory: temporaryDirectory(t),
        withTags: true,
      })
      return report.problems
    },
  }
}

const file = (at: string, text: string): Change => ({ kind: 'file', at, bytes: () => Buffer.from(text) })

test('create, publish, tag, collect, check and replicate, with keys and in pages', async (t) => {
  const place = await create(t, 7)
  const { bucket, keys, storage } = place
  await assert.rejects(createRepository({ name: NAME, storage: storage(), keyDirectory: keys }), {
    code: 'CVMFS_EXISTS',
  })
  const tree = temporaryDirectory(t)
  for (let index = 0; index < 60; index++) writeFileSync(join(tree, `f${index}`), `contents ${index % 50}`)
  const large = Buffer.alloc(9 << 20)
  for (let at = 0, state = 1; at < large.length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    large.writeUInt32LE(state, at)
  }
  writeFileSync(join(tree, 'large'), large)
  const { objects } = await place.publish([{ kind: 'tree', at: '/x', from: tree }])
  assert.ok(objects > 50)
  // Each object was put once, whoever has the same contents.
  const puts = bucket.requests.filter((line) => /^PUT .*\/data\/..\/[0-9a-f]/.test(line))
  assert.equal(new Set(puts).size, puts.length)
  assert.deepEqual(await place.problems(), [])
  for (const name of bucket.objects.keys()) assert.ok(name.startsWith(FOLDER), name)
  assert.ok(!bucket.objects.has(`${FOLDER}data/txn/publish.lock`))

  const { publicKey, privateKey } = readKeys(NAME, keys)
  const cacheDirectory = temporaryDirectory(t)
  const owned = { storage: storage(), publicKeys: [publicKey], privateKey, cacheDirectory }
  await changeTags(owned, [{ kind: 'add', name: 'v1', description: '' }])
  await place.publish([{ kind: 'remove', at: '/x' }, file('/y', 'other')])
  await place.publish([file('/y', 'another')])
  const before = bucket.objects.size
  const collected = await collectGarbage(owned)
  assert.ok(collected.removedObjects > 0)
  assert.equal(bucket.objects.size, before - collected.removedObjects)
  await changeTags(owned, [{ kind: 'remove', name: 'v1' }])
  await place.publish([file('/y', 'yet another')])
  assert.ok((await collectGarbage(owned)).removedObjects > 50)
  assert.deepEqual(await place.problems(), [])

  // For everybody else it is a repository on a web server.
  bucket.isPublic = true
  const url = `http://${bucket.endpoint}${FOLDER}`
  const directory = temporaryDirectory(t)
  assert.equal((await replicate({ source: httpSource(url), publicKeys: [publicKey], directory })).revision, 5)
})

test('what was taken back is attached, and read again when one of its objects is gone', async (t) => {
  const place = await create(t)
  const { bucket } = place
  const [tree, prepared] = [temporaryDirectory(t), join(temporaryDirectory(t), 'prepared')]
  for (let index = 0; index < 20; index++) writeFileSync(join(tree, `f${index}`), `contents ${index}`)
  const at = '/nix/store/path'
  const publishTree = async (from: string): Promise<number> => {
    const change: Change = {
      ...{ kind: 'tree', at, from, isNested: true, isImmutable: true },
      marker: () => Buffer.from('about the tree'),
      contents: () => 'sha256:1',
    }
    const options = { owner: { uid: 0, gid: 0 }, preparedCatalogs: openPreparedCatalogs(prepared) }
    return (await place.publish([change], undefined, options)).attached
  }
  assert.equal(await publishTree(tree), 0)
  const stored = [...bucket.objects.keys()]
  await place.publish([{ kind: 'remove', at }])
  // A directory that has none of the files: who reads it has something else.
  assert.equal(await publishTree(temporaryDirectory(t)), 1)
  assert.deepEqual(await place.problems(), [])
  await place.publish([{ kind: 'remove', at }])
  const [contents] = stored.filter((name) => /\/data\/..\/[0-9a-f]+$/.test(name))
  bucket.objects.delete(contents!)
  assert.equal(await publishTree(tree), 0)
  assert.deepEqual(await place.problems(), [])
  assert.ok(bucket.objects.has(contents!))
})

test('a server that fails now and then is asked again; one that always fails changes nothing', async (t) => {
  const place = await create(t)
  const { bucket } = place
  const counts = new Map<string, number>()
  bucket.failure = (method, path) => {
    const count = (counts.get(method + path) ?? 0) + 1
    counts.set(method + path, count)
    return count % 3 === 1 ? 503 : undefined
  }
  await place.publish([file('/x', 'text')])
  bucket.failure = undefined
  assert.deepEqual(await place.problems(), [])
  const manifest = bucket.objects.get(`${FOLDER}.cvmfspublished`)
  for (const [name, status] of [
    ['data/../[0-9a-f]+$', 500],
    ['data/../[0-9a-f]+$', 403],
    ['.cvmfsreflog', 403],
    ['.cvmfspublished', 500],
  ] as const) {
    bucket.failure = (method, path) => (method === 'PUT' && new RegExp(`${name}$`).test(path) ? status : undefined)
    await assert.rejects(place.publish([file('/x', `${name} ${status}`)], place.storage({ attempts: 2 })), {
      code: 'CVMFS_S3',
    })
    bucket.failure = undefined
    assert.equal(bucket.objects.get(`${FOLDER}.cvmfspublished`), manifest)
    await place.publish([])
  }
  await place.publish([file('/x', 'at last')])
  assert.deepEqual(await place.problems(), [])
})

test('an answer that was lost on its way makes no second publisher of us', async (t) => {
  const place = await create(t)
  const { bucket } = place
  for (const name of ['.cvmfspublished', 'data/txn/publish.lock']) {
    const path = FOLDER + name
    let count = 0
    bucket.isLost = (method, asked) => method === 'PUT' && asked === path && count++ === 0
    await place.publish([file('/x', name)])
    bucket.isLost = undefined
    assert.ok(count > 1, name)
  }
  assert.deepEqual(await place.problems(), [])
})

test('one publishes at a time; one that is dead is not waited for long, and replaces nothing', async (t) => {
  const place = await create(t)
  const { bucket, storage } = place
  const times = { patience: 5000, renewal: 20 }
  const other = storage({ lockTimes: times })
  const lock = await other.lock()
  await assert.rejects(place.publish([file('/x', 'x')]), { code: 'CVMFS_LOCKED' })
  // It is heard of as long as it lives.
  const path = `${FOLDER}data/txn/publish.lock`
  const before = bucket.requests.length
  while (bucket.requests.slice(before).filter((line) => line === `PUT ${path}`).length < 3) await sleep(10)
  await lock.release()
  assert.ok(!bucket.objects.has(path))
  await place.publish([file('/x', 'x')])

  const silent = storage({ lockTimes: { patience: 5000, renewal: 1 << 30 } })
  const held = await silent.lock()
  await assert.rejects(place.publish([file('/x', 'y')], storage({ lockTimes: times })), { code: 'CVMFS_LOCKED' })
  bucket.clock += 6000
  const manifest = bucket.objects.get(`${FOLDER}.cvmfspublished`)!
  await place.publish([file('/x', 'y')], storage({ lockTimes: times }))
  await assert.rejects(silent.replace('.cvmfspublished', manifest), { code: 'CVMFS_LOCKED' })
  await held.release()
  assert.equal((await openPublished(t, place)).manifest.revision, 3)

  // Taken away while it is at work.
  const slow = storage({ lockTimes: { patience: 5000, renewal: 10 } })
  const lost = await slow.lock()
  bucket.objects.set(path, Buffer.from('somebody else'))
  const count = bucket.requests.length
  while (bucket.requests.slice(count).filter((line) => line === `PUT ${path}`).length < 2) await sleep(5)
  await assert.rejects(slow.replace('.cvmfsreflog', manifest), { code: 'CVMFS_LOCKED' })
  await lost.release()
  assert.equal(bucket.objects.get(path)?.toString(), 'somebody else')
})

test('wrong and missing credentials', async (t) => {
  const place = await create(t)
  const wrong = { keyId: S3_KEY.id, secret: 'wrong', sessionToken: S3_KEY.token }
  const size = place.bucket.objects.size
  for (const credentials of [wrong, undefined]) {
    const storage = place.storage({ credentials })
    await assert.rejects(place.publish([file('/x', 'x')], storage), { code: 'CVMFS_S3' })
    await assert.rejects(createRepository({ name: NAME, storage, keyDirectory: place.keys }), { code: 'CVMFS_S3' })
  }
  assert.equal(place.bucket.objects.size, size)
})

function openPublished(t: TestContext, place: Place) {
  const { publicKey } = readKeys(NAME, place.keys)
  return openRepository({
    source: place.storage(),
    publicKeys: [publicKey],
    cacheDirectory: temporaryDirectory(t),
  })
}
