/** Hashing in the same pass as copying, and what goes with it. */
import { createHasher, createNarWriter, type Hash, type HashMethod, type NarVisitor, UserError } from '@baryon/format'
import { type NativePath, pathBytes } from './byte-path.ts'
import { createTreeRestorer } from './nar-tree.ts'
import { type TreeFilter, walkTree } from './walk-tree.ts'

/** Copies and hashes (sha256 of the NAR) in one pass. A flat path is one file that loses its executable bit. */
export function copyTree(
  source: NativePath,
  target: string,
  method: HashMethod,
  filter: TreeFilter | undefined,
): { readonly hash: Hash; readonly size: number } {
  const hasher = createHasher('sha256')
  const writer = createNarWriter((chunk) => hasher.update(chunk))
  const restorer = createTreeRestorer(target)
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
    walkTree(source, both, filter)
    writer.end()
  } catch (error) {
    restorer.abort()
    throw error
  }
  return { hash: hasher.digest(), size: writer.size }
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
