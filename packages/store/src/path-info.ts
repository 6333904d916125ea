import type { Hash, StorePath } from '@baryon/format'

/** What the database knows of a valid path. */
export interface PathInfo {
  readonly path: StorePath
  /** SHA-256 of the NAR. */
  readonly narHash: Hash
  /** Bytes of the NAR; 0 when it was never recorded. */
  readonly narSize: number
  /** Sorted; may hold the path itself. */
  readonly references: readonly StorePath[]
  readonly deriver?: StorePath | undefined
  /** Seconds since 1970. */
  readonly registrationTime: number
  /** Built here, not copied from elsewhere. */
  readonly ultimate: boolean
  /** `KEYNAME:BASE64`. */
  readonly signatures: readonly string[]
  /** `text:sha256:…`, `fixed:r:sha256:…`, … for paths whose name follows from their contents. */
  readonly contentAddress?: string | undefined
}

/** What has to be said to register a path; the rest has defaults (now, not ultimate, unsigned). */
export type NewPathInfo = Pick<PathInfo, 'path' | 'narHash' | 'narSize' | 'references'> & Partial<PathInfo>
