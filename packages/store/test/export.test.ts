/** Exported streams in and out of stores, damaged ones as well. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type StorePath, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { peer, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import * as fc from 'fast-check'

const nix = peer('nix-store')

/** A text, a tree that refers to it and to itself, and a derivation. References first. */
function populate(store: Store): StorePath[] {
  const text = store.addText('text', 'a text')
  const path: StorePath = { digest: '1'.repeat(32), name: 'tree' }
  writeTree(store.physicalPath(path), {
    entries: {
      program: { file: `${store.format(path)} ${store.format(text)}`, mode: 0o755 },
      link: { symlink: 'nowhere' },
      'odd \\xff': '',
    },
  })
  const deriver: StorePath = { digest: '2'.repeat(32), name: 'tree.drv' }
  store.registerOutputs([{ path }], { candidates: [text], deriver })
  return [text, path]
}

function exported(store: Store, paths: readonly StorePath[]): Buffer {
  const chunks: Buffer[] = []
  store.exportPaths(paths, (chunk) => chunks.push(Buffer.from(chunk)))
  return Buffer.concat(chunks)
}

test('the bytes are those of Nix, and come back as they went', { skip: nix.skip }, (t) => {
  const { store } = temporaryStore(t)
  const home = temporaryDirectory(t)
  const paths = populate(store)
  const stream = exported(store, paths)
  assert.equal(
    nix.run(['--export', ...paths.map((path) => store.format(path))], { store, home }).stdout,
    stream.toString('latin1'),
  )
  const { store: other } = temporaryStore(t)
  assert.deepEqual(other.importPaths([stream]), paths)
  for (const path of paths) {
    const { registrationTime, ultimate, contentAddress, ...info } = store.pathInfo(path)
    const copy = other.pathInfo(path)
    assert.deepEqual({ ...copy, ...info }, copy)
    assert.deepEqual([copy.ultimate, copy.contentAddress], [false, undefined])
  }
  assert.deepEqual(other.verify({ checkContents: true }), { checked: 2, problems: [], orphans: [] })
  nix.output(['--verify', '--check-contents'], { store: other, home })
  // Again, in small pieces: all is there already.
  assert.deepEqual(other.importPaths(pieces(stream, 7)), paths)
  assert.deepEqual(exported(other, paths), stream)
})

test('a damaged stream is refused with a code, and leaves a store that verifies', (t) => {
  const { store } = temporaryStore(t)
  const paths = populate(store)
  const stream = exported(store, paths)
  const codes = new Set<string>()
  fc.assert(
    fc.property(
      fc.nat(stream.length - 1),
      fc.oneof(
        fc.uint8Array({ maxLength: 9 }),
        fc.constantFrom('/', '..', '\\0', 'nix', store.storeDirectory).map((text) => Buffer.from(text)),
      ),
      fc.nat({ max: 16 }),
      (start, garbage, removed) => {
        const { store: other } = temporaryStore(t)
        try {
          other.importPaths([stream.subarray(0, start), garbage, stream.subarray(start + removed)])
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          codes.add(error.code)
        }
        const { problems, orphans } = other.verify({ checkContents: true })
        assert.deepEqual([problems, orphans], [[], []])
        other.close()
      },
    ),
    { numRuns: 15 },
  )
  assert.ok(codes.has('NAR_INVALID'), [...codes].join())
})

test('what lies about its place or its references does not get in', (t) => {
  const { store } = temporaryStore(t)
  const paths = populate(store)
  const { store: other } = temporaryStore(t)
  const alone = exported(store, paths.slice(1))
  assert.throws(() => other.importPaths([alone]), { code: 'REFERENCE_INVALID' })
  const elsewhere = Buffer.from(
    alone.toString('latin1').replaceAll(store.storeDirectory, store.storeDirectory.replace('nix', 'xin')),
    'latin1',
  )
  assert.throws(() => other.importPaths([elsewhere]), { code: 'STORE_PATH_INVALID' })
  const text = exported(store, paths.slice(0, 1))
  assert.throws(() => other.importPaths([text.subarray(0, -8)]), { code: 'EXPORT_INVALID' })
  assert.deepEqual(other.allValidPaths(), paths.slice(0, 1), 'what was complete stays')
  assert.deepEqual(other.verify({ checkContents: true }), { checked: 1, problems: [], orphans: [] })
  assert.throws(() => exported(store, [{ digest: '3'.repeat(32), name: 'none' }]), { code: 'PATH_INVALID' })
})

function* pieces(bytes: Buffer, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}
