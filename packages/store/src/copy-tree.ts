/** Hashing in the same pass as copying, and what goes with it. */
import { createHasher, createNarWriter, type Hash, type HashMethod, type NarVisitor, UserError } from '@baryon/format'
import { type NativePath, pathBytes } from './byte-path.ts'
import { hashStream } from './hash-stream.ts'
import { createTreeRestorer, dumpNar } from './nar-tree.ts'
import { type TreeFilter, walkTree } from './walk-tree.ts'

/**
 * Copies and hashes (sha256 of the NAR) in one pass; the copy has canonical metadata. A flat path is one file that loses
 * its executable bit.
 */
export function copyTree(
  source: NativePath,
  target: string,
  method: HashMethod,
  filter: TreeFilter | undefined,
): { readonly hash: Hash; readonly size: number } {
  const { hash, result: size } = hashStream('sha256', (update) => copy(source, target, method, filter, update))
  return { hash, size }
}

/** A NAR that is kept in memory. */
export interface KeptNar {
  readonly hash: Hash
  readonly size: number
  /** Undefined when it was too large to be kept. */
  readonly chunks: readonly Uint8Array[] | undefined
}

/** Hashes a tree (sha256 of its NAR) and, when it is not too large, keeps what was read, so that nothing is read twice. */
export function keepNar(source: NativePath, filter: TreeFilter | undefined): KeptNar {
  const chunks: Buffer[] = []
  let used = SLAB_SIZE
  let total = 0
  const keep = (chunk: Uint8Array) => {
    total += chunk.length
    if (total > KEPT_LIMIT) {
      chunks.length = 0
      return
    }
    for (let start = 0; start < chunk.length; ) {
      if (used === SLAB_SIZE) {
        chunks.push(Buffer.allocUnsafeSlow(SLAB_SIZE))
        used = 0
      }
      const piece = chunk.subarray(start, start + SLAB_SIZE - used)
      chunks.at(-1)!.set(piece, used)
      used += piece.length
      start += piece.length
    }
  }
  const { hash, result: size } = hashStream('sha256', (update) =>
    dumpNar(
      source,
      (chunk) => {
        update(chunk)
        keep(chunk)
      },
      { filter },
    ),
  )
  if (total > KEPT_LIMIT) return { hash, size, chunks: undefined }
  if (chunks.length > 0) chunks[chunks.length - 1] = chunks.at(-1)!.subarray(0, used)
  return { hash, size, chunks }
}

const SLAB_SIZE = 1 << 22
const KEPT_LIMIT = 1 << 27

/** Gives the size of the NAR. */
function copy(
  source: NativePath,
  target: string,
  method: HashMethod,
  filter: TreeFilter | undefined,
  update: (chunk: Uint8Array) => void,
): number {
  const writer = createNarWriter(update)
  const restorer = createTreeRestorer(target, { canonical: true })
  const both: NarVisitor = {
    startDirectory: () => {
      refuseFlat('directory')
      writer.startDirectory()
      restorer.startDirectory()
    },
    entry: (name: string) => {
      writer.entry(name)
      restorer.entry(name)
    },
    endDirectory: () => {
      writer.endDirectory()
      restorer.endDirectory()
    },
    startFile: (size: number, executable: boolean) => {
      const kept = executable && method === 'recursive'
      writer.startFile(size, kept)
      restorer.startFile(size, kept)
    },
    content: (chunk: Uint8Array) => {
      writer.content(chunk)
      restorer.content(chunk)
    },
    endFile: () => {
      writer.endFile()
      restorer.endFile()
    },
    symlink: (to: string) => {
      refuseFlat('symbolic link')
      writer.symlink(to)
      restorer.symlink(to)
    },
  }
  const refuseFlat = (what: string) => {
    if (method === 'recursive') return
    throw new UserError('NOT_A_FILE', `'${Buffer.from(pathBytes(source), 'latin1')}' is a ${what}`, {
      hint: 'a flat hash is of one regular file: use the recursive method',
    })
  }
  try {
    walkTree(source, both, { filter })
    writer.end()
  } catch (error) {
    restorer.abort()
    throw error
  }
  return writer.size
}

/** A filter may be a function of the evaluator: it is asked once per path. */
export function rememberFilter(filter: TreeFilter): TreeFilter {
  const answers = new Map<string, boolean>()
  return (path, type) => {
    const known = answers.get(path)
    if (known !== undefined) return known
    const answer = filter(path, type)
    answers.set(path, answer)
    return answer
  }
}

/** Hash of the NAR of a plain file that is at hand. */
export function hashOfFile(bytes: Uint8Array): { readonly hash: Hash; readonly size: number } {
  const hasher = createHasher('sha256')
  const writer = createNarWriter((chunk) => hasher.update(chunk))
  writer.startFile(bytes.length, false)
  writer.content(bytes)
  writer.endFile()
  writer.end()
  return { hash: hasher.digest(), size: writer.size }
}
