import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Cleanup, temporaryDirectory } from '@baryon/testing'
import {
  checkRepository,
  collectGarbage,
  createRepository,
  directorySource,
  directoryStorage,
  openPreparedCatalogs,
  publish,
  readKeys,
} from '../index.ts'
import { assertRight } from './assert-right.ts'

const KILLS = 25

test('a publisher that is killed anywhere loses nothing that was published', async (context) => {
  const { directory, keys, cache, tree } = await makePlace(context)
  mkdirSync(join(tree, 'nested'))
  writeFileSync(join(tree, 'nested/.cvmfscatalog'), '')
  for (let index = 0; index < 20; index++) writeFileSync(join(tree, `file-${index}`), `${index}`.repeat(1000))
  const { publicKey, privateKey } = readKeys('crash.hep.example', keys)
  const source = directorySource(directory)
  const check = (withTags: boolean) =>
    checkRepository({ source, publicKeys: [publicKey], cacheDirectory: temporaryDirectory(context), withTags })
  let published = 1
  for (let kill = 0; kill < KILLS; kill++) {
    published = Math.max(published, await killedAfter(Math.random() * 400, [directory, keys, cache, tree]))
    const { problems } = await check(false)
    // Between reflog and manifest there is a moment in which the one is newer; the next publish ends it.
    assert.deepEqual(
      problems.filter(({ message }) => !message.startsWith('the reflog')),
      [],
    )
    const storage = directoryStorage(directory)
    const { manifest } = await publish({ storage, publicKeys: [publicKey], privateKey, cacheDirectory: cache }, [
      { kind: 'tree', at: '/tree', from: tree },
    ])
    assert.ok(manifest.revision > published, `${manifest.revision} after ${published}`)
    published = manifest.revision
  }
  assert.deepEqual((await check(true)).problems, [])
  assert.deepEqual(readdirSync(join(directory, 'data/txn')), ['publish.lock'])
})

test('two publishers at once: one after the other, or an error that says so', async (context) => {
  const { directory, keys, cache, tree } = await makePlace(context)
  writeFileSync(join(tree, 'file'), 'text')
  const { publicKey, privateKey } = readKeys('crash.hep.example', keys)
  const results = await Promise.allSettled(
    Array.from({ length: 4 }, (_, index) =>
      publish({ storage: directoryStorage(directory), publicKeys: [publicKey], privateKey, cacheDirectory: cache }, [
        { kind: 'tree', at: `/${index}`, from: tree },
      ]),
    ),
  )
  const good = results.filter(({ status }) => status === 'fulfilled').length
  assert.ok(good >= 1)
  for (const result of results) {
    if (result.status === 'rejected') assert.equal((result.reason as { code: string }).code, 'CVMFS_LOCKED')
  }
  await assertRight(context, directory, publicKey)
})

test('publishers of two repositories share what is prepared, and are killed', async (context) => {
  const { directory, keys, cache } = await makePlace(context)
  const places = [directory, temporaryDirectory(context)]
  await createRepository({ name: 'crash.hep.example', directory: places[1]!, keyDirectory: keys })
  const { publicKey, privateKey } = readKeys('crash.hep.example', keys)
  const trees = places.map(() => temporaryDirectory(context))
  for (const tree of trees) mkdirSync(join(tree, 'nested'))
  for (let kill = 0; kill < KILLS / 5; kill++) {
    const workers = places.map((place, index) => [place, keys, cache, trees[index]!])
    await Promise.all(workers.map((words) => killedAfter(200 + Math.random() * 1000, words)))
    for (const place of places) {
      // Collecting leaves what is prepared without its objects.
      const options = { storage: directoryStorage(place), publicKeys: [publicKey], privateKey, cacheDirectory: cache }
      if (kill % 2 === 1) await collectGarbage(options)
      else await publish(options, [{ kind: 'catalog', at: `/${kill}` }])
      await assertRight(context, place, publicKey)
    }
  }
  const preparedCatalogs = openPreparedCatalogs(join(cache, 'prepared'))
  const tree = { kind: 'tree', from: trees[0]!, isNested: true, isImmutable: true, contents: () => 'last' } as const
  for (const [index, place] of places.entries()) {
    const options = { storage: directoryStorage(place), publicKeys: [publicKey], privateKey, cacheDirectory: cache }
    const owner = { uid: 0, gid: 0 }
    const { attached } = await publish({ ...options, owner, preparedCatalogs }, [{ ...tree, at: '/last' }])
    assert.equal(attached, index)
    await assertRight(context, place, publicKey)
  }
})

/** An empty repository, and a directory for what is published. */
async function makePlace(context: Cleanup) {
  const place = {
    directory: temporaryDirectory(context),
    keys: temporaryDirectory(context),
    cache: temporaryDirectory(context),
    tree: temporaryDirectory(context),
  }
  await createRepository({ name: 'crash.hep.example', directory: place.directory, keyDirectory: place.keys })
  return place
}

/** Gives the last revision that the publisher said it had published. */
function killedAfter(milliseconds: number, words: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'publish-worker.ts'), words, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let last = 0
    let complaint = ''
    child.stderr!.on('data', (text) => (complaint += text))
    child.on('message', (message) => {
      if (message === 'ready') setTimeout(() => child.kill('SIGKILL'), milliseconds)
      else last = Number(message)
    })
    child.on('exit', (_, signal) =>
      signal === 'SIGKILL' ? resolve(last) : reject(new Error(`the publisher ended by itself: ${complaint}`)),
    )
  })
}
