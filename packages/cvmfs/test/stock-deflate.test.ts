/** The bytes of stock zlib: of the real tool's objects, and of Python, which has it on Debian. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deflateSync, inflateSync } from 'node:zlib'
import { peer, temporaryDirectory } from '@baryon/testing'
import fc from 'fast-check'
import { changeTags, collectGarbage, createRepository, directoryStorage, parseManifest, readKeys } from '../index.ts'
import { deflateAsStock, STOCK_LIMIT } from '../src/compress/stock-deflate.ts'
import { hashContent, objectName } from '../src/content-hash.ts'
import { formatManifest } from '../src/manifest.ts'
import { assertRight } from './assert-right.ts'

const sample = join(import.meta.dirname, 'data/sample/data')
const python = peer('python3')
const PYTHON = `
import sys, zlib
for line in sys.stdin: print(zlib.compress(bytes.fromhex(line)).hex())`

test('small objects of the real tool, compressed again, are the same bytes', () => {
  const suffixes = new Set<string>()
  for (const name of readdirSync(sample, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue
    const stored = readFileSync(join(name.parentPath, name.name))
    const plain = inflateSync(stored)
    if (plain.length > STOCK_LIMIT) continue
    suffixes.add(name.name.slice(38))
    assert.deepEqual(Buffer.from(deflateAsStock(plain)), stored, name.name)
  }
  for (const suffix of ['', 'X', 'M']) assert.ok(suffixes.has(suffix), suffix)
})

test('whatever the text, the bytes are those of stock zlib', { skip: python.skip }, (context) => {
  const size = { maxLength: STOCK_LIMIT, size: 'max' } as const
  const base64 = fc.uint8Array({ maxLength: 9000, size: 'max' }).map((bytes) => Buffer.from(bytes).toString('base64'))
  const inputs: Uint8Array[] = [
    ...fc.sample(fc.uint8Array(size), 40),
    ...fc.sample(fc.uint8Array({ ...size, max: 3 }), 40),
    ...fc.sample(base64, 40).map((text) => Buffer.from(text.replace(/.{64}/g, '$&\n'))),
    ...fc.sample(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.nat(STOCK_LIMIT)), 40).map(repeated),
    // Codes as deep as they can be, and deeper.
    ...Array.from({ length: 20 }, (_, base) => skewed(base)),
    ...[0, 1, 2, 3, 258, 259, STOCK_LIMIT].map((length) => new Uint8Array(length)),
  ]
  const lines = inputs.map((bytes) => Buffer.from(bytes).toString('hex'))
  const home = temporaryDirectory(context)
  const expected = python.output(['-c', PYTHON], { home, input: `${lines.join('\n')}\n` }).split('\n')
  for (const [index, bytes] of inputs.entries()) {
    const stored = Buffer.from(deflateAsStock(bytes))
    assert.equal(stored.toString('hex'), expected[index], lines[index]!.slice(0, 1000))
    assert.deepEqual(inflateSync(stored), Buffer.from(bytes))
  }
  assert.throws(() => deflateAsStock(new Uint8Array(STOCK_LIMIT + 1)), { code: 'CVMFS_SIZE' })
})

// The real `pull` stores what its zlib makes of them, under the names that the manifest has.
test('certificate and meta information are stored as stock zlib has them, also those of a repository from before', async (context) => {
  const [directory, keyDirectory, cacheDirectory] = [0, 1, 2].map(() => temporaryDirectory(context)) as [
    string,
    string,
    string,
  ]
  const name = 'test.hep.example'
  await createRepository({ name, directory, keyDirectory, metainfo: { description: 'abc abcd abcde abc' } })
  const { publicKey } = readKeys(name, keyDirectory)
  const privateKey = createPrivateKey(readFileSync(join(keyDirectory, `${name}.key`)))
  const manifestFile = join(directory, '.cvmfspublished')
  const file = (hash: Parameters<typeof objectName>[0], kind: 'certificate' | 'metainfo') =>
    join(directory, objectName(hash, kind))
  const stored = (): Buffer[] => {
    const { certificate, metainfo } = parseManifest(readFileSync(manifestFile))
    return [readFileSync(file(certificate, 'certificate')), readFileSync(file(metainfo!, 'metainfo'))]
  }
  const first = stored()
  for (const bytes of first) assert.deepEqual(Buffer.from(deflateAsStock(inflateSync(bytes))), bytes)

  const storage = directoryStorage(directory)
  const options = { storage, publicKeys: [publicKey], privateKey, cacheDirectory }
  const otherwise = first.map((bytes) => deflateSync(inflateSync(bytes), { level: 1, memLevel: 1 }))
  const [certificate, metainfo] = otherwise.map((bytes) => hashContent('sha1', bytes))
  writeFileSync(file(certificate!, 'certificate'), otherwise[0]!)
  writeFileSync(file(metainfo!, 'metainfo'), otherwise[1]!)
  const manifest = { ...parseManifest(readFileSync(manifestFile)), certificate: certificate!, metainfo: metainfo! }
  writeFileSync(manifestFile, formatManifest(manifest, privateKey, 'sha1'))
  assert.deepEqual(stored(), otherwise)
  await changeTags(options, [])
  assert.deepEqual(stored(), first)
  await assertRight(context, directory, publicKey)

  // A collection signs anew as well, but only tells what it would do when it is asked for that.
  writeFileSync(manifestFile, formatManifest(manifest, privateKey, 'sha1'))
  for (const [index, kind] of (['certificate', 'metainfo'] as const).entries()) {
    rmSync(file(hashContent('sha1', first[index]!), kind))
  }
  const before = everythingIn(directory)
  assert.equal((await collectGarbage({ ...options, isDryRun: true })).removedRevisions, 0)
  assert.deepEqual(everythingIn(directory), before)
  await collectGarbage(options)
  assert.deepEqual(stored(), first)
  await assertRight(context, directory, publicKey)
})

/** Names with times of change. */
function everythingIn(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()
  return names.map((name) => `${name} ${statSync(join(directory, name)).mtimeMs}`)
}

function repeated([piece, length]: readonly [Uint8Array, number]): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at % 97 === 0 ? at : piece[at % piece.length]!) & 0xff)
}

/** The frequencies of bytes are powers of 1.5 to 2.5, in no order. */
function skewed(base: number): Uint8Array {
  const ratio = 1.5 + base / 19
  let state = base + 1
  return Uint8Array.from({ length: STOCK_LIMIT }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(-Math.log((state + 1) / 2 ** 32) / Math.log(ratio))
  })
}
