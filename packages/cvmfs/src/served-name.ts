/**
 * What clients, replicas and monitoring may ask a web server for, and how long they may keep it:
 *
 *     .cvmfspublished  .cvmfswhitelist  .cvmfsreflog      replaced by each publish
 *     .cvmfs_master_replica  .cvmfs_last_snapshot …       marks and times, for replicas and monitoring
 *     data/02/a7fab06f3e53c1e11f3e4fdd2bf8153c5b4df8C     for ever
 *
 * Everything else in the directory, such as `data/txn` with the files in work, is private.
 */
export type ServedKind = 'object' | 'changing'

/** `name` is relative to the repository; undefined: it is not to be served. */
export function servedKindOf(name: string): ServedKind | undefined {
  if (OBJECT.test(name)) return 'object'
  return CHANGING.has(name) ? 'changing' : undefined
}

const OBJECT = /^data\/[0-9a-f]{2}\/[0-9a-f]{38}(-rmd160|-shake128)?[A-Z]?$/
const CHANGING: ReadonlySet<string> = new Set([
  '.cvmfspublished',
  '.cvmfswhitelist',
  '.cvmfsreflog',
  '.cvmfs_master_replica',
  '.cvmfs_last_snapshot',
  '.cvmfs_is_snapshotting',
  '.cvmfs_status.json',
])
