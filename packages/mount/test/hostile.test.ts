/** Whatever a catalog holds, a question to the tree ends in an answer or in an error that somebody is told of. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { type NestedCatalog, objectFile } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import { answerTo, FileSystemError, type Request } from '@baryon/fuse'
import fc from 'fast-check'
import { Absent } from '../src/absent.ts'
import { CatalogTable } from '../src/catalog-table.ts'
import { RepositoryTree } from '../src/repository-tree.ts'

const objects = join(import.meta.dirname, '../../cvmfs/test/data/sample/data')
const catalogs = readdirSync(objects, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('C'))
  .map((name) => inflateSync(readFileSync(join(objects, name))))
  // Those of whole revisions.
  .filter((bytes) => !bytes.includes('root_prefix'))
const answers = { timeouts: { entry: 1, directory: 1 }, withoutOpen: true, withoutOpenDirectory: true }

test('catalogs with changed bytes', (t) => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'baryon-test-'))
  t.after(() => rmSync(cacheDirectory, { recursive: true, force: true }))
  let answered = 0
  const ask = (tree: RepositoryTree, request: Request): Buffer | undefined => {
    try {
      const bytes = answerTo(tree, request, answers)
      answered++
      return bytes
    } catch (error) {
      if (error instanceof UserError || error instanceof Absent || error instanceof FileSystemError) return undefined
      throw error
    }
  }
  const change = fc.tuple(fc.double({ min: 0, max: 0.999999, noNaN: true }), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(fc.nat(catalogs.length - 1), fc.array(change, { maxLength: 12 }), (index, changes) => {
      const bytes = Buffer.from(catalogs[index]!)
      for (const [place, value] of changes) bytes[Math.floor(place * bytes.length)] = value
      const root: NestedCatalog = { path: '', hash: { algorithm: 'sha1', hex: '0'.repeat(40) }, size: undefined }
      const file = objectFile(cacheDirectory, { hash: root.hash, kind: 'catalog', isCompressed: true })
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, bytes)
      const table = new CatalogTable()
      table.add(root, file)
      const tree = new RepositoryTree(root, {
        cacheDirectory,
        catalogs: table,
        environment: {},
        owner: undefined,
        status: () => undefined,
      })
      try {
        const seen = new Set<number>()
        const visit = (node: number): void => {
          if (seen.has(node) || seen.size > 60) return
          seen.add(node)
          for (const kind of ['attributes', 'read-link', 'statistics'] as const) ask(tree, { unique: 1, node, kind })
          ask(tree, { unique: 1, node, kind: 'xattr-names', size: 4096 })
          ask(tree, { unique: 1, node, kind: 'xattr', name: 'user.hash', size: 4096 })
          ask(tree, { unique: 1, node, kind: 'read', offset: 3, size: 100 })
          ask(tree, { unique: 1, node, kind: 'lookup', name: 'lhcb' })
          const list = ask(tree, { unique: 1, node, kind: 'list', withNodes: true, offset: 2, size: 65536 })
          for (let at = 16; list !== undefined && at < list.length; ) {
            visit(Number(list.readBigUInt64LE(at)))
            at += (128 + 24 + list.readUInt32LE(at + 144) + 7) & ~7
          }
        }
        visit(1)
      } finally {
        table.close()
      }
    }),
    { numRuns: 300 },
  )
  assert.ok(answered > 500, `only ${answered} questions were answered`)
})
