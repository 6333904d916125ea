/**
 * One pass over a tree that gives its NAR hash, its size, the references in it, and where each of them is.
 */
import { createNarWriter, type Hash, type NarVisitor, type NarWriter } from '@baryon/format'
import type { NativePath } from './byte-path.ts'
import { type FileKind, fileKindOf } from './file-kind.ts'
import { hashStream } from './hash-stream.ts'
import { createReferenceScanner } from './reference-scanner.ts'
import { walkTree } from './walk-tree.ts'

/** The references in one file, link target or name; see `ItemPositions.kind`. */
export interface ItemPositions {
  /** Byte string relative to the top; `''` is the top itself. */
  readonly path: string
  readonly kind: FileKind
  /** Ascending by offset, which is that of the digest's first digit in the contents, the link target or the name. */
  readonly places: readonly { readonly digest: string; readonly offset: number }[]
}

export interface ScanResult {
  readonly hash: Hash
  readonly size: number
  /** Those of the candidates that occur, sorted. */
  readonly references: readonly string[]
  readonly positions: readonly ItemPositions[]
}

/** Looks for the candidates (digests of store paths) in contents, link targets and file names below `path`. */
export function scanForReferences(path: NativePath, candidates: readonly string[]): ScanResult {
  const { hash, result } = hashStream('sha256', (update) => scanTree(path, candidates, createNarWriter(update)))
  return { hash, ...result }
}

function scanTree(path: NativePath, candidates: readonly string[], writer: NarWriter): Omit<ScanResult, 'hash'> {
  const digests = [...new Set(candidates)]
  const seen = new Set<number>()
  const positions: ItemPositions[] = []
  let places: { digest: string; offset: number }[] = []
  const scanner = createReferenceScanner(digests, (candidate, offset) => {
    seen.add(candidate)
    places.push({ digest: digests[candidate]!, offset })
  })
  const finish = (itemPath: string, kind: FileKind) => {
    if (places.length === 0) return
    positions.push({ path: itemPath, kind, places: places.sort((a, b) => a.offset - b.offset) })
    places = []
  }
  const scanText = (text: string, itemPath: string, kind: FileKind) => {
    if (text.length < 32) return
    scanner.begin()
    scanner.write(Buffer.from(text, 'latin1'))
    finish(itemPath, kind)
  }

  const directories: string[] = []
  let current = ''
  let kind: FileKind | undefined
  const visitor: NarVisitor = {
    startDirectory: () => {
      writer.startDirectory()
      directories.push(current)
    },
    entry: (name) => {
      writer.entry(name)
      const parent = directories.at(-1)!
      current = parent === '' ? name : `${parent}/${name}`
      scanText(name, current, 'name')
    },
    endDirectory: () => {
      writer.endDirectory()
      directories.pop()
    },
    startFile: (size, executable) => {
      writer.startFile(size, executable)
      scanner.begin()
      kind = undefined
    },
    content: (chunk) => {
      writer.content(chunk)
      kind ??= fileKindOf(chunk)
      scanner.write(chunk)
    },
    endFile: () => {
      writer.endFile()
      finish(current, kind ?? 'text')
    },
    symlink: (target) => {
      writer.symlink(target)
      scanText(target, current, 'symlink')
    },
  }
  walkTree(path, visitor)
  writer.end()
  const references = [...seen].map((index) => digests[index]!).sort()
  return { size: writer.size, references, positions }
}
