/** What sort of file holds a reference: it decides how the reference can be rewritten later. */

/** `name` is a file name and `symlink` a link target; the others are regular files. */
export type FileKind = (typeof FILE_KINDS)[number]

/** The order is part of the format on disk (`reference-positions.ts`): add at the end only. */
export const FILE_KINDS = [
  'text',
  'script',
  'elf',
  'archive',
  'compressed',
  'python-bytecode',
  'binary',
  'symlink',
  'name',
] as const

/** Kind of a regular file by its first bytes. */
export function fileKindOf(head: Uint8Array): FileKind {
  for (const [kind, magic] of MAGICS) {
    if (head.length >= magic.length && magic.every((byte, index) => head[index] === byte)) return kind
  }
  // CPython writes its magic as a 16-bit number followed by CR LF.
  if (head[2] === 0x0d && head[3] === 0x0a && head.length >= 16 && head.subarray(0, 16).includes(0))
    return 'python-bytecode'
  return head.subarray(0, 8192).includes(0) ? 'binary' : 'text'
}

const MAGICS: readonly (readonly [FileKind, readonly number[]])[] = [
  ['elf', [0x7f, 0x45, 0x4c, 0x46]],
  ['script', [0x23, 0x21]],
  ['archive', [0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e, 0x0a]],
  ['archive', [0x21, 0x3c, 0x74, 0x68, 0x69, 0x6e, 0x3e, 0x0a]],
  ['archive', [0x50, 0x4b, 0x03, 0x04]],
  ['compressed', [0x1f, 0x8b]],
  ['compressed', [0x28, 0xb5, 0x2f, 0xfd]],
  ['compressed', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['compressed', [0x42, 0x5a, 0x68]],
]
