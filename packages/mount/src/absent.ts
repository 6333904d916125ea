import type { NestedCatalog, WantedObject } from '@baryon/cvmfs'

/** Thrown, and no error: what a thread lacks for an answer, to be fetched before the request is looked at again. */
export class Absent {
  readonly what: AbsentThing

  constructor(what: AbsentThing) {
    this.what = what
  }
}

export type AbsentThing =
  | { readonly kind: 'catalog'; readonly nested: NestedCatalog }
  | { readonly kind: 'object'; readonly wanted: WantedObject }
  /** Only the thread that fetches knows it. */
  | { readonly kind: 'status' }
