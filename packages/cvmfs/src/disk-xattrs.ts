/** Extended attributes of files on disk. Node reads none by itself: this calls the C library, which `node:ffi` allows from Node 26 on. */
import { UserError } from '@baryon/format'

/** Gives the attributes that this process may read, by name; names and values are byte strings. */
export type XattrReader = (file: string) => ReadonlyMap<string, string>

/** Throws `CVMFS_NO_XATTRS` where there is no way to read them. */
export function openXattrReader(): XattrReader {
  const ffi = process.getBuiltinModule('node:ffi') as typeof import('node:ffi') | undefined
  const library = ffi === undefined || process.platform !== 'linux' ? undefined : open(ffi)
  if (ffi === undefined || library === undefined) {
    throw new UserError('CVMFS_NO_XATTRS', 'extended attributes cannot be read here', {
      hint: 'this needs Linux and the Node that the set-up installs',
    })
  }
  const { llistxattr, lgetxattr } = library
  const room = Buffer.alloc(MOST_NAMES)
  const value = Buffer.alloc(MOST_VALUE)
  const at = (bytes: Buffer) => ffi.getRawPointer(bytes)
  return (file) => {
    const path = Buffer.from(`${file}\0`, 'latin1')
    const length = Number(llistxattr(at(path), at(room), BigInt(room.length)))
    // The file system has none, or more than any catalog takes.
    if (length <= 0) return NONE
    const xattrs = new Map<string, string>()
    for (const name of room.toString('latin1', 0, length).split('\0')) {
      if (name === '') continue
      const size = Number(lgetxattr(at(path), at(Buffer.from(`${name}\0`, 'latin1')), at(value), BigInt(value.length)))
      // Removed meanwhile, or not for us to read.
      if (size >= 0) xattrs.set(name, value.toString('latin1', 0, size))
    }
    return xattrs
  }
}

const NONE: ReadonlyMap<string, string> = new Map()
/** Linux has no more of either. */
const MOST_NAMES = 1 << 16
const MOST_VALUE = 1 << 16

function open(ffi: typeof import('node:ffi')) {
  for (const name of ['libc.so.6', 'libc.so']) {
    try {
      return ffi.dlopen(name, {
        llistxattr: { arguments: ['u64', 'u64', 'u64'], return: 'i64' },
        lgetxattr: { arguments: ['u64', 'u64', 'u64', 'u64'], return: 'i64' },
      }).functions
    } catch {
      // The next one.
    }
  }
  return undefined
}
