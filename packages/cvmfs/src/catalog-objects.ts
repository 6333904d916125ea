/** The objects that the rows of a catalog name. */
import { algorithmOf, blob, type Columns, integer, isZlib } from './catalog-row.ts'
import { type ContentHash, contentHashOf } from './content-hash.ts'
import { FLAGS } from './entry.ts'

type Query = (query: string) => readonly Columns[]

/** Every object that its own rows name, with repetitions; without nested catalogs. */
export function* objectsOf(all: Query): Generator<{
  readonly hash: ContentHash
  readonly kind: 'file' | 'chunk'
  readonly isCompressed: boolean
}> {
  for (const row of all('SELECT hash, flags FROM catalog WHERE hash IS NOT NULL')) {
    const flags = integer(row, 'flags')
    if ((flags & FLAGS.external) !== 0) continue
    yield { hash: contentHashOf(algorithmOf(flags), blob(row, 'hash')), kind: 'file', isCompressed: isZlib(flags) }
  }
  const chunks = `SELECT chunks.hash AS hash, catalog.flags AS flags FROM chunks JOIN catalog
    ON chunks.md5path_1 = catalog.md5path_1 AND chunks.md5path_2 = catalog.md5path_2`
  for (const row of all(chunks)) {
    const flags = integer(row, 'flags')
    if ((flags & FLAGS.external) !== 0) continue
    yield { hash: contentHashOf(algorithmOf(flags), blob(row, 'hash')), kind: 'chunk', isCompressed: isZlib(flags) }
  }
}

/** Objects with all bytes of files that have chunks as well: nobody reads them, but old clients did (option -O of the real tool). */
export function* wholeObjectsOf(all: Query): Generator<{
  readonly hash: ContentHash
  readonly kind: 'file'
  readonly size: number
  readonly isCompressed: boolean
}> {
  const { chunked, external } = FLAGS
  const query = `SELECT hash, size, flags FROM catalog WHERE hash IS NOT NULL AND flags & ${chunked} AND NOT flags & ${external}`
  for (const row of all(query)) {
    const flags = integer(row, 'flags')
    const hash = contentHashOf(algorithmOf(flags), blob(row, 'hash'))
    yield { hash, kind: 'file', size: integer(row, 'size'), isCompressed: isZlib(flags) }
  }
}
