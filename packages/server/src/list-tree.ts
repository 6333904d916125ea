/**
 * The listing of a tree, as Nix keeps it beside a narinfo (`HASHPART.ls`):
 *
 *     {"version":1,"root":{"type":"directory","entries":{"bin":{"type":"directory","entries":{"hello":
 *         {"type":"regular","size":120,"executable":true,"narOffset":400}}},"lib64":{"type":"symlink","target":"lib"}}}}
 *
 * `narOffset` is where the contents of a file begin in the uncompressed NAR. Names are bytes: what is not UTF-8 stays as it
 * is, and makes the text one that strict readers of JSON refuse; so does Nix.
 */
import { createNarWriter } from '@baryon/format'
import { pathBytes } from '@baryon/store'
import { treeEvents } from './tree-events.ts'

/** The JSON text as a byte string. Reads no file's contents. */
export function listTree(path: string): string {
  const writer = createNarWriter(() => undefined)
  const parts: string[] = ['{"version":1,"root":']
  // True while nothing stands in the innermost directory yet.
  let first = true
  for (const event of treeEvents(pathBytes(path))) {
    switch (event.kind) {
      case 'directory':
        writer.startDirectory()
        parts.push('{"type":"directory","entries":{')
        first = true
        break
      case 'entry':
        writer.entry(event.name)
        parts.push(first ? '' : ',', JSON.stringify(event.name), ':')
        first = false
        break
      case 'end':
        writer.endDirectory()
        parts.push('}}')
        first = false
        break
      case 'symlink':
        writer.symlink(event.target)
        parts.push(`{"type":"symlink","target":${JSON.stringify(event.target)}}`)
        break
      case 'file':
        writer.startFile(event.size, event.executable)
        parts.push(`{"type":"regular","size":${event.size},${event.executable ? '"executable":true,' : ''}`)
        parts.push(`"narOffset":${writer.size}}`)
        for (let left = event.size; left > 0; left -= Math.min(left, ZEROS.length))
          writer.content(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS)
        writer.endFile()
    }
  }
  parts.push('}')
  return parts.join('')
}

/** Stands for contents, which do not matter to offsets. */
const ZEROS = Buffer.alloc(1 << 24)
