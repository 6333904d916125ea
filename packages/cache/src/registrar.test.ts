import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeNix32, type Narinfo, parseHash, type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'
import fc from 'fast-check'
import type { FoundPath } from './find-closure.ts'
import { createRegistrar } from './registrar.ts'

const narHash = parseHash('sha256:0000000000000000000000000000000000000000000000000000')

function pathOf(index: number): StorePath {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32BE(index)
  return { digest: encodeNix32(bytes), name: `path-${index}` }
}

/** A store that takes what refers to itself, to the rest of its batch, and to what it has. */
function scene(references: readonly (readonly number[])[]) {
  const valid = new Set<string>()
  const batches: string[][] = []
  const store = {
    placeReceived: (items: readonly { readonly info: Pick<Narinfo, 'path' | 'references'> }[]) => {
      const batch = items.map(({ info }) => storePathBaseName(info.path))
      for (const base of batch) valid.add(base)
      for (const { info } of items) {
        for (const reference of info.references) assert.ok(valid.has(storePathBaseName(reference)))
      }
      batches.push(batch)
    },
  } as unknown as Store
  const narinfos = references.map(
    (list, index): Narinfo => ({
      path: pathOf(index),
      url: '',
      compression: 'none',
      narHash,
      narSize: 1,
      references: list.map(pathOf),
      signatures: [],
    }),
  )
  const found = new Map(
    narinfos.map((narinfo): [string, FoundPath] => [
      storePathBaseName(narinfo.path),
      { narinfo, finder: { name: '', priority: 0, find: async () => new Map() } },
    ]),
  )
  return { valid, batches, narinfos, registrar: createRegistrar(store, found) }
}

test('whatever comes first, each is registered with or behind what it refers to', () => {
  const graph = fc.integer({ min: 1, max: 30 }).chain((size) =>
    fc.tuple(
      fc.array(fc.array(fc.nat(size - 1), { maxLength: 4 }), { minLength: size, maxLength: size }),
      fc.shuffledSubarray(
        Array.from({ length: size }, (_, index) => index),
        { minLength: size },
      ),
      fc.array(fc.boolean(), { minLength: size, maxLength: size }),
    ),
  )
  fc.assert(
    fc.property(graph, ([references, order, isForeign]) => {
      const { valid, narinfos, registrar } = scene(references)
      for (const index of order) {
        const narinfo = narinfos[index]!
        const base = storePathBaseName(narinfo.path)
        // Somebody else can only register what has its references.
        const isRegistered = narinfo.references.every((path) => valid.has(storePathBaseName(path)))
        if (isForeign[index]! && isRegistered) {
          valid.add(base)
          registrar.isThere(base)
        } else registrar.isUnpacked(narinfo, '/nowhere')
      }
      registrar.finish()
      assert.equal(valid.size, references.length)
    }),
  )
})

test('nothing waits that could be registered, and a long chain takes no time', () => {
  const length = 5000
  const chain = Array.from({ length }, (_, index) => (index === 0 ? [] : [index, index - 1]))
  const { valid, batches, narinfos, registrar } = scene(chain)
  registrar.isUnpacked(narinfos[0]!, '/nowhere')
  assert.equal(valid.size, 1)
  for (const narinfo of narinfos.slice(2).reverse()) registrar.isUnpacked(narinfo, '/nowhere')
  assert.equal(valid.size, 1)
  registrar.isUnpacked(narinfos[1]!, '/nowhere')
  assert.deepEqual([valid.size, batches.length], [length, 2])
})
