/** What a read-only file system has to answer. Names, targets and attributes are byte strings: one character for each byte. */
import { constants } from 'node:os'

/**
 * Files are not opened: who reads says which. Node 1 is the root; other numbers are the file system's own, below 2^53, and mean the same file as long as it is served:
 * the kernel keeps contents under them. Methods are synchronous; what they throw besides FileSystemError goes to the
 * caller of `answerTo`, which may ask again.
 */
export interface FileSystem {
  /** What is called so in a directory; undefined is remembered by the kernel as well. */
  lookup(parent: number, name: string): Node | undefined
  node(id: number): Node
  readLink(id: number): string
  /** Fills the target from that byte of the file on; fewer bytes than it has room for only at the end of the file. */
  read(id: number, offset: number, target: Uint8Array): number
  /** Without `.` and `..`; in the same order whenever it is asked. */
  list(id: number): readonly Listed[]
  xattr(id: number, name: string): string | undefined
  xattrNames(id: number): readonly string[]
  statistics(): { readonly blockSize: number; readonly blocks: number; readonly files: number }
}

export interface Node extends Attributes {
  readonly id: number
}

export interface Listed {
  readonly name: string
  readonly node: Node
}

export interface Attributes {
  /** As of `stat`, with the type of the file. */
  readonly mode: number
  readonly size: number
  readonly links: number
  readonly uid: number
  readonly gid: number
  /** Of a device, as the kernel encodes it in 32 bits. */
  readonly device: number
  /** Seconds since 1970, and nanoseconds. */
  readonly time: number
  readonly nanoseconds: number
}

/** What the caller of a system call is to see. */
export class FileSystemError extends Error {
  /** Positive: `ENOENT` is 2. */
  readonly errno: number

  constructor(name: keyof typeof constants.errno, options?: ErrorOptions) {
    super(name, options)
    this.name = 'FileSystemError'
    this.errno = constants.errno[name]
  }
}
