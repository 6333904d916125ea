/**
 * What differs between two revisions. A nested catalog that both name by the same hash is not even fetched, so that the cost is
 * that of the catalogs which changed.
 */
import type { Catalog, NestedCatalog } from './catalog.ts'
import { contentHashesEqual } from './content-hash.ts'
import type { Entry } from './entry.ts'
import type { Revision } from './revision.ts'

/** Of one path. Of a directory that is only in one of them there is one for each path below as well. */
export type Difference =
  | { readonly kind: 'added'; readonly path: string; readonly after: Entry }
  | { readonly kind: 'removed'; readonly path: string; readonly before: Entry }
  /** A file became a link, and the like. */
  | { readonly kind: 'type'; readonly path: string; readonly before: Entry; readonly after: Entry }
  | {
      readonly kind: 'changed'
      readonly path: string
      readonly before: Entry
      readonly after: Entry
      readonly aspects: readonly Aspect[]
    }

/**
 * `contents`: other objects, which may be the same bytes compressed in another way. Times of directories do not count: they change with
 * each entry.
 */
export type Aspect = 'contents' | 'target' | 'device' | 'mode' | 'owner' | 'time' | 'attributes'

/** From the top down, names in order. Catalogs are closed when all in them was compared. */
export async function* compareRevisions(
  before: Revision,
  after: Revision,
  signal?: AbortSignal,
): AsyncGenerator<Difference> {
  const stack: Work[] = [
    { kind: 'pair', ...(await topOf(before, signal, 'before')), ...(await topOf(after, signal, 'after')) },
  ]
  for (let work = stack.pop(); work !== undefined; work = stack.pop()) {
    signal?.throwIfAborted()
    if (work.kind === 'release') {
      await work.revision.release(work.path)
      continue
    }
    const difference = differenceOf(work)
    if (difference !== undefined) yield difference
    const { before: one, after: other } = work
    if (
      one?.nested !== undefined &&
      other?.nested !== undefined &&
      contentHashesEqual(one.nested.hash, other.nested.hash)
    )
      continue
    for (const [revision, side] of [
      [before, one],
      [after, other],
    ] as const) {
      if (side?.nested !== undefined) stack.push({ kind: 'release', revision, path: side.nested.path })
    }
    stack.push(...pairs(await childrenOf(before, one, signal), await childrenOf(after, other, signal)))
  }
}

/** An entry of one of the revisions, and the catalog that begins there. */
interface Side {
  readonly entry: Entry
  readonly nested: NestedCatalog | undefined
}

interface Pair {
  readonly kind: 'pair'
  readonly before?: Side
  readonly after?: Side
}

type Work = Pair | { readonly kind: 'release'; readonly revision: Revision; readonly path: string }

async function topOf<K extends 'before' | 'after'>(
  revision: Revision,
  signal: AbortSignal | undefined,
  key: K,
): Promise<{ readonly [key in K]?: Side }> {
  const entry = (await revision.rootCatalog(signal)).entry('')
  const nested = { path: '', hash: revision.rootHash, size: undefined }
  return (entry === undefined ? {} : { [key]: { entry, nested } }) as { readonly [key in K]?: Side }
}

async function childrenOf(
  revision: Revision,
  side: Side | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly Side[]> {
  if (side?.entry.kind !== 'directory') return []
  const { path } = side.entry
  const catalog = await revision.catalogOf(path, signal)
  return catalog.list(path).map((entry) => ({ entry, nested: nestedAt(catalog, entry) }))
}

function nestedAt(catalog: Catalog, entry: Entry): NestedCatalog | undefined {
  const nested = entry.isNestedCatalog ? catalog.nestedFor(entry.path) : undefined
  return nested?.path === entry.path ? nested : undefined
}

/** Two sorted lists as one of pairs, the last first. */
function pairs(before: readonly Side[], after: readonly Side[]): Pair[] {
  const merged: Pair[] = []
  let [i, j] = [before.length - 1, after.length - 1]
  while (i >= 0 || j >= 0) {
    const [one, other] = [before[i], after[j]]
    const isOne = one !== undefined && (other === undefined || one.entry.name >= other.entry.name)
    const isOther = other !== undefined && (one === undefined || other.entry.name >= one.entry.name)
    merged.push({ kind: 'pair', ...(isOne ? { before: one } : {}), ...(isOther ? { after: other } : {}) })
    if (isOne) i--
    if (isOther) j--
  }
  return merged
}

function differenceOf({ before, after }: Pair): Difference | undefined {
  const [one, other] = [before?.entry, after?.entry]
  if (one === undefined) return other && { kind: 'added', path: other.path, after: other }
  const { path } = one
  if (other === undefined) return { kind: 'removed', path, before: one }
  if (one.kind !== other.kind || (one.mode ^ other.mode) & TYPE_BITS)
    return { kind: 'type', path, before: one, after: other }
  const aspects = aspectsOf(one, other)
  return aspects.length === 0 ? undefined : { kind: 'changed', path, before: one, after: other, aspects }
}

function aspectsOf(one: Entry, other: Entry): Aspect[] {
  const aspects: Aspect[] = []
  if (one.kind === 'file' && objectsOf(one) !== objectsOf(other)) aspects.push('contents')
  if (one.target !== other.target) aspects.push('target')
  if (one.kind === 'special' && one.size !== other.size) aspects.push('device')
  if (one.mode !== other.mode) aspects.push('mode')
  if (one.uid !== other.uid || one.gid !== other.gid) aspects.push('owner')
  if (one.kind !== 'directory' && timeOf(one) !== timeOf(other)) aspects.push('time')
  if (attributesOf(one) !== attributesOf(other)) aspects.push('attributes')
  return aspects
}

function objectsOf({ size, hash, chunks, isCompressed, isExternal }: Entry): string {
  return JSON.stringify([size, hash, chunks, isCompressed, isExternal])
}

function timeOf({ mtime, mtimeNanoseconds }: Entry): string {
  return `${mtime}.${mtimeNanoseconds ?? 0}`
}

function attributesOf({ xattrs }: Entry): string {
  return xattrs.size === 0 ? '' : JSON.stringify([...xattrs].sort())
}

const TYPE_BITS = 0o170000
