import { readlinkSync } from 'node:fs'
import { native } from './dependencies.ts'
import { typeOfFile } from './fingerprint.ts'

/** From logical paths, as expressions and links in the store have them, to where files really are. */
export class PhysicalPaths {
  readonly #storeDirectory: string
  readonly #physicalDirectory: string
  /** Store paths that are kept elsewhere (fetched without a store). */
  readonly #elsewhere = new Map<string, string>()

  constructor(storeDirectory: string, physicalDirectory: string) {
    this.#storeDirectory = storeDirectory
    this.#physicalDirectory = physicalDirectory
  }

  /** Files of the store path `logical` (full text) are read from `location`. */
  place(logical: string, location: string): void {
    this.#elsewhere.set(logical, location)
  }

  /** Where the path is; symbolic links are left to the system. */
  of(path: string): string {
    if (this.#elsewhere.size > 0) {
      for (const [logical, location] of this.#elsewhere) {
        if (path === logical || path.startsWith(`${logical}/`)) return location + path.slice(logical.length)
      }
    }
    if (this.#storeDirectory === this.#physicalDirectory || !this.#isInStore(path)) return path
    return this.#physicalDirectory + path.slice(this.#storeDirectory.length)
  }

  /**
   * Where the path is, every symbolic link on the way followed through the logical store; the system cannot do that when
   * the store lies elsewhere. Undefined when nothing is there or no link was met. With `keepLast` the last component
   * is not followed.
   */
  followLinks(path: string, keepLast: boolean): string | undefined {
    if (this.#storeDirectory === this.#physicalDirectory && this.#elsewhere.size === 0) return undefined
    const pending = path.split('/').filter((part) => part !== '')
    let resolved = ''
    let links = 0
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      if (part === '.' || part === '') continue
      if (part === '..') {
        resolved = resolved.slice(0, Math.max(0, resolved.lastIndexOf('/')))
        continue
      }
      const next = `${resolved}/${part}`
      const place = native(this.of(next))
      const last = pending.length === 0
      const type = typeOfFile(place)
      // Directories above the store exist logically only.
      if (type !== 'symlink' || (last && keepLast)) {
        resolved = next
        continue
      }
      if (++links > MAX_LINKS) return undefined
      const target = readlinkSync(place, 'latin1')
      if (target.startsWith('/')) resolved = ''
      pending.unshift(...target.split('/'))
    }
    return links === 0 ? undefined : this.of(resolved)
  }

  #isInStore(path: string): boolean {
    return (
      path.startsWith(this.#storeDirectory) &&
      (path.length === this.#storeDirectory.length || path.charCodeAt(this.#storeDirectory.length) === 47)
    )
  }
}

const MAX_LINKS = 100
