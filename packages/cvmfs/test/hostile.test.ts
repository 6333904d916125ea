/** Bytes of any origin give an error with a code, in bounded time, and nothing else. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { UserError } from '@baryon/format'
import { temporaryDirectory } from '@baryon/testing'
import fc from 'fast-check'
import { Catalog, formatXattrs, hashContent, parseManifest, parseWhitelist, parseXattrs } from '../index.ts'
import { checkCatalog } from '../src/check-catalog.ts'
import { firstChunk } from '../src/find-cuts.ts'
import { readTags } from '../src/history.ts'

const sample = join(import.meta.dirname, 'data/sample')

function onlyUserErrors(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
  }
}

test('manifests and whitelists: any bytes, and lines that are hashed as they should be', () => {
  const line = fc.oneof(
    fc.constantFrom(...'CBRDSGANXHTMYLE'.split('').map((letter) => `${letter}d41d8cd98f00b204e9800998ecf8427e`)),
    fc.tuple(fc.constantFrom(...'CBRDSGANXHTMYLE'), fc.string({ maxLength: 45 })).map((parts) => parts.join('')),
    fc.constantFrom('D240', 'S5', 'Nx.example.org', '--', '', 'D-1', 'S99999999999999999', 'C0', 'N../x'),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 14 }), fc.uint8Array({ maxLength: 300 }), (lines, signature) => {
      const body = Buffer.from(lines.map((text) => `${text}\n`).join(''), 'latin1')
      const bytes = Buffer.concat([body, Buffer.from(`--\n${hashContent('sha1', body).hex}\n`), signature])
      onlyUserErrors(() => parseManifest(bytes))
      onlyUserErrors(() => void parseWhitelist(bytes).isSignedBy([readFileSync(join(sample, '../sample.pub'))]))
      onlyUserErrors(() => parseManifest(signature))
      onlyUserErrors(() => parseWhitelist(signature))
    }),
    { numRuns: 500 },
  )
})

test('extended attributes there and back, and any bytes', () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
    maxLength: 255,
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (list) => {
      const xattrs = new Map(list)
      assert.deepEqual(parseXattrs(formatXattrs(xattrs)), new Map([...xattrs].sort(([a], [b]) => (a < b ? -1 : 1))))
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) =>
      onlyUserErrors(() => parseXattrs(Buffer.concat([Buffer.of(1), bytes]))),
    ),
  )
})

test('catalogs and histories with changed bytes', (context) => {
  const directory = temporaryDirectory(context)
  const objects = readdirSync(join(sample, 'data')).flatMap((prefix) =>
    readdirSync(join(sample, 'data', prefix)).map((name) => join(sample, 'data', prefix, name)),
  )
  const catalogs = objects.filter((file) => file.endsWith('C')).map((file) => inflateSync(readFileSync(file)))
  const histories = objects.filter((file) => file.endsWith('H')).map((file) => inflateSync(readFileSync(file)))
  const file = join(directory, 'file')
  const change = fc.tuple(fc.double({ min: 0, max: 0.999999, noNaN: true }), fc.integer({ min: 0, max: 255 }))
  // Most of the first page decides what everything else means.
  const early = fc.tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 255 }))
  const changed = (
    original: Buffer,
    places: readonly [number, number][],
    firsts: readonly [number, number][],
  ): void => {
    const bytes = Buffer.from(original)
    for (const [place, value] of places) bytes[Math.floor(place * bytes.length)] = value
    for (const [place, value] of firsts) bytes[place] = value
    writeFileSync(file, bytes)
  }
  fc.assert(
    fc.property(
      fc.nat(catalogs.length - 1),
      fc.array(change, { minLength: 1, maxLength: 30 }),
      fc.array(early, { maxLength: 3 }),
      (index, places, firsts) => {
        changed(catalogs[index]!, places, firsts)
        onlyUserErrors(() => {
          const catalog = Catalog.open(file, '')
          try {
            for (const _ of catalog.objects());
            catalog.statistics.get('self_dir')
            for (const entry of catalog.list('')) catalog.list(entry.path)
            checkCatalog(catalog, undefined, () => {})
          } finally {
            catalog.close()
          }
        })
      },
    ),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.nat(histories.length - 1), fc.array(change, { minLength: 1, maxLength: 30 }), (index, places) => {
      changed(histories[index]!, places, [])
      onlyUserErrors(() => void readTags(file, 'sample.hep.example'))
    }),
    { numRuns: 100 },
  )
  for (const bytes of [Buffer.alloc(0), Buffer.from('SQLite format 3\0'), Buffer.alloc(5000)]) {
    writeFileSync(file, bytes)
    onlyUserErrors(() => Catalog.open(file, '').close())
    onlyUserErrors(() => void readTags(file, 'x'))
  }
})

test('chunks cover any contents, between the bounds', () => {
  const sizes = { least: 64, average: 128, most: 256 }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      let rest: Uint8Array = bytes
      while (rest.length > 0) {
        const length = firstChunk(rest, true, sizes)!
        assert.ok(length > 0 && length <= sizes.most)
        assert.ok(length >= sizes.least || length === rest.length)
        // More bytes behind decide nothing.
        if (length < rest.length)
          assert.equal(firstChunk(rest.subarray(0, sizes.most), rest.length <= sizes.most, sizes), length)
        rest = rest.subarray(length)
      }
    }),
  )
})
