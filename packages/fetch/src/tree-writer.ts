import {
  chmodSync,
  closeSync,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { makeDirectories } from '@baryon/files'

import { isSystemError, quoteBytes, UserError } from '@baryon/format'

import { unsafe } from './archive-entry.ts'

export interface TreeWriterOptions {
  /**
   * A directory that is to be made where a symlink to a directory stands leaves it and writes behind it (merged `/usr`).
   * Without this, nothing is ever written through a symlink. The symlink must not lead outside; an absolute one counts from the root.
   */
  readonly keepDirectorySymlinks?: boolean
  /** Sets the times that the entries carry. */
  readonly keepTimes?: boolean
}

/**
 * Writes a tree below one directory and nowhere else, whatever the names, links and order of the entries are.
 * Paths are byte strings without `.`, `..` and empty components. Later entries replace earlier ones.
 */
export class TreeWriter {
  readonly #root: string
  readonly #archive: string
  readonly #keepSymlinks: boolean
  readonly #keepTimes: boolean
  /** Directory as named in the archive → the real one, both relative to the root. */
  readonly #directories = new Map<string, string>([['', '']])
  readonly #directoryModes = new Map<string, number>()
  readonly #directoryTimes = new Map<string, number>()
  #descriptor = -1
  #followed = 0
  #fileMode = 0
  #fileTime = 0

  constructor(root: string, archive: string, options: TreeWriterOptions = {}) {
    this.#root = Buffer.from(root).toString('latin1')
    this.#archive = archive
    this.#guard('', () => makeDirectories(root))
    this.#keepSymlinks = options.keepDirectorySymlinks ?? false
    this.#keepTimes = options.keepTimes ?? false
  }

  directory(path: string, mode: number, modified: number): void {
    if (!this.#keepSymlinks && path !== '' && !this.#directories.has(path)) {
      const place = this.#place(path)
      if (this.#stat(place)?.isSymbolicLink()) this.#clear(place, path)
    }
    const real = this.realDirectory(path)
    // Set at the end, so that a directory without write permission can be filled.
    this.#directoryModes.set(real, mode | 0o700)
    if (this.#keepTimes) this.#directoryTimes.set(real, modified)
  }

  /** `content` and `endFile` follow. */
  startFile(path: string, mode: number, modified: number): void {
    const real = this.#place(path)
    this.#guard(path, () => {
      try {
        this.#descriptor = openSync(this.#path(real), 'wx', 0o600)
      } catch (error) {
        if (!isSystemError(error, 'EEXIST')) throw error
        this.#clear(real, path)
        this.#descriptor = openSync(this.#path(real), 'wx', 0o600)
      }
    })
    this.#fileMode = mode | 0o400
    this.#fileTime = modified
  }

  content(chunk: Uint8Array): void {
    this.#guard('', () => {
      let written = 0
      while (written < chunk.length) written += writeSync(this.#descriptor, chunk, written)
    })
  }

  endFile(): void {
    const descriptor = this.#descriptor
    this.#descriptor = -1
    this.#guard('', () => {
      try {
        fchmodSync(descriptor, this.#fileMode)
        if (this.#keepTimes) futimesSync(descriptor, this.#fileTime, this.#fileTime)
      } finally {
        closeSync(descriptor)
      }
    })
  }

  symlink(path: string, target: string, modified: number): void {
    const real = this.#place(path)
    this.#create(real, path, () => symlinkSync(Buffer.from(target, 'latin1'), this.#path(real)))
    if (this.#keepTimes) this.#guard(path, () => lutimesSync(this.#path(real), modified, modified))
  }

  /** A second name for an earlier member. */
  hardLink(path: string, target: string): void {
    const source = this.#place(target)
    const stat = this.#stat(source)
    if (stat === undefined || stat.isDirectory()) {
      throw unsafe(
        this.#archive,
        `${quoteBytes(path)} is a hard link to ${quoteBytes(target)}, which is no earlier file`,
      )
    }
    const real = this.#place(path)
    if (real === source) return
    this.#create(real, path, () => linkSync(this.#path(source), this.#path(real)))
  }

  /** Moves a file or symlink of the same file system here. */
  adopt(path: string, source: Buffer): void {
    const real = this.#place(path)
    this.#guard(path, () => {
      try {
        renameSync(source, this.#path(real))
      } catch (error) {
        if (!isSystemError(error, 'EISDIR')) throw error
        this.#clear(real, path)
        renameSync(source, this.#path(real))
      }
    })
  }

  /** Sets the modes and times of directories. */
  finish(): void {
    const deepestFirst = [...this.#directoryModes].sort(([a], [b]) => b.length - a.length)
    this.#guard('', () => {
      for (const [real, mode] of deepestFirst) {
        if (!this.#stat(real)?.isDirectory()) continue
        if (real !== '') chmodSync(this.#path(real), mode)
        const modified = this.#directoryTimes.get(real)
        if (modified !== undefined) utimesSync(this.#path(real), modified, modified)
      }
    })
  }

  /** Closes what an error left open. */
  abort(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor)
    this.#descriptor = -1
  }

  /** The real directory, relative to the root, that a directory of the archive is; made when missing. */
  realDirectory(path: string): string {
    const known = this.#directories.get(path)
    if (known !== undefined) return known
    const cut = path.lastIndexOf('/')
    const parent = this.realDirectory(cut < 0 ? '' : path.slice(0, cut))
    this.#followed = 0
    const real = this.#guard(path, () => this.#enter(parent, path.slice(cut + 1), path))
    this.#directories.set(path, real)
    return real
  }

  #enter(parent: string, name: string, path: string): string {
    const real = join(parent, name)
    const stat = this.#stat(real)
    if (stat === undefined) this.#make(real)
    else if (stat.isSymbolicLink()) {
      if (!this.#keepSymlinks) {
        throw unsafe(this.#archive, `${quoteBytes(path)} would be written through the symlink ${quoteBytes(real)}`)
      }
      return this.#follow(parent, real, path)
    } else if (!stat.isDirectory()) {
      this.#forget()
      unlinkSync(this.#path(real))
      this.#make(real)
    }
    return real
  }

  #make(real: string): void {
    mkdirSync(this.#path(real), 0o700)
    this.#directoryModes.set(real, 0o755)
  }

  #follow(parent: string, link: string, path: string): string {
    // All that are followed count, as for the kernel: links through links would otherwise take 2^n steps.
    if (++this.#followed > 40) throw unsafe(this.#archive, `${quoteBytes(path)} lies behind a loop of symlinks`)
    const target = readlinkSync(this.#path(link), { encoding: 'buffer' }).toString('latin1')
    let real = target.startsWith('/') ? '' : parent
    for (const component of target.split('/')) {
      if (component === '' || component === '.') continue
      if (component === '..') {
        if (real === '') throw unsafe(this.#archive, `${quoteBytes(path)} lies behind a symlink that leads outside`)
        real = real.slice(0, Math.max(0, real.lastIndexOf('/')))
      } else {
        real = this.#enter(real, component, path)
      }
    }
    return real
  }

  /** The real path of a member whose directory is made. */
  #place(path: string): string {
    const cut = path.lastIndexOf('/')
    return join(this.realDirectory(cut < 0 ? '' : path.slice(0, cut)), path.slice(cut + 1))
  }

  #create(real: string, path: string, make: () => void): void {
    this.#guard(path, () => {
      try {
        make()
      } catch (error) {
        if (!isSystemError(error, 'EEXIST')) throw error
        this.#clear(real, path)
        make()
      }
    })
  }

  #clear(real: string, path: string): void {
    this.#forget()
    if (!this.#stat(real)?.isDirectory()) {
      unlinkSync(this.#path(real))
      return
    }
    try {
      rmdirSync(this.#path(real))
    } catch (cause) {
      if (!isSystemError(cause, 'ENOTEMPTY', 'EEXIST')) throw cause
      throw new UserError(
        'ARCHIVE_CONFLICT',
        `${this.#archive}: ${quoteBytes(path)} is a directory with contents already`,
        {
          hint: 'unpack into an empty directory, or leave the member out',
          cause,
        },
      )
    }
  }

  /** What was known of directories may be wrong once something was removed. */
  #forget(): void {
    this.#directories.clear()
    this.#directories.set('', '')
  }

  #stat(real: string): Stats | undefined {
    return this.#guard(real, () => lstatSync(this.#path(real), { throwIfNoEntry: false }))
  }

  #path(real: string): Buffer {
    return Buffer.from(real === '' ? this.#root : `${this.#root}/${real}`, 'latin1')
  }

  #guard<T>(path: string, action: () => T): T {
    try {
      return action()
    } catch (cause) {
      if (cause instanceof UserError || !(cause instanceof Error) || !('syscall' in cause)) throw cause
      const where = path === '' ? '' : ` at ${quoteBytes(path)}`
      throw new UserError('ARCHIVE_WRITE', `${this.#archive} could not be unpacked${where}: ${cause.message}`, {
        hint: isSystemError(cause, 'ENOSPC', 'EDQUOT') ? 'free space on the disk' : 'check the destination directory',
        cause,
      })
    }
  }
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}
