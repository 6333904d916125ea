import { Catalog, type NestedCatalog } from '@baryon/cvmfs'
import { isSystemError, UserError } from '@baryon/format'
import { Absent } from './absent.ts'
import { MOST_CATALOGS } from './node-id.ts'

/** A catalog that was fetched, in all threads under one number. */
export interface NumberedCatalog {
  readonly number: number
  readonly nested: NestedCatalog
  /** In the cache. */
  readonly file: string
}

/** The catalogs that one thread knows; those used last are open. Throws `Absent` for those that are not on the disk. */
export class CatalogTable {
  readonly #byNumber = new Map<number, NumberedCatalog>()
  readonly #byHash = new Map<string, NumberedCatalog>()
  readonly #open = new Map<number, Catalog>()

  /** Gives the catalog the next number; the thread that fetches does that. */
  add(nested: NestedCatalog, file: string): NumberedCatalog {
    const known = this.#byHash.get(nested.hash.hex)
    if (known !== undefined) return known
    const number = this.#byNumber.size + 1
    if (number >= MOST_CATALOGS) throw new UserError('MOUNT_FULL', `more than ${MOST_CATALOGS} catalogs are in use`)
    return this.note({ number, nested, file })
  }

  note(numbered: NumberedCatalog): NumberedCatalog {
    this.#byNumber.set(numbered.number, numbered)
    this.#byHash.set(numbered.nested.hash.hex, numbered)
    return numbered
  }

  find(nested: NestedCatalog): number {
    const known = this.#byHash.get(nested.hash.hex)
    if (known === undefined) throw new Absent({ kind: 'catalog', nested })
    return known.number
  }

  /** Undefined for a number that was never given. */
  at(number: number): Catalog | undefined {
    const open = this.#open.get(number)
    if (open !== undefined) return open
    const known = this.#byNumber.get(number)
    return known === undefined ? undefined : this.#openFile(known)
  }

  /** The files of the catalogs that are open. */
  get files(): string[] {
    return [...this.#open.keys()].map((number) => this.#byNumber.get(number)!.file)
  }

  close(): void {
    for (const catalog of this.#open.values()) catalog.close()
    this.#open.clear()
  }

  #openFile({ number, nested, file }: NumberedCatalog): Catalog {
    let catalog: Catalog
    try {
      catalog = Catalog.open(file, nested.path)
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) throw new Absent({ kind: 'catalog', nested })
      throw error
    }
    this.#open.set(number, catalog)
    if (this.#open.size > MOST_OPEN) this.#closeOldest()
    return catalog
  }

  #closeOldest(): void {
    const [number, catalog] = this.#open.entries().next().value!
    this.#open.delete(number)
    catalog.close()
  }
}

/** Each takes a descriptor, and memory of SQLite's. */
const MOST_OPEN = 128
