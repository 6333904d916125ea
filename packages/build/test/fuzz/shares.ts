/** How a number of inputs is spread over the formats: by what they cost, and how much they have to go wrong with. */
const WEIGHTS: Readonly<Record<string, number>> = {
  nar: 200,
  narinfo: 150,
  derivation: 200,
  'cache-info': 50,
  'public-key': 20,
  'secret-key': 20,
  signature: 20,
  hash: 50,
  'content-address': 30,
  'store-path': 50,
  positions: 40,
  gzip: 10,
  bzip2: 15,
  xz: 40,
  'xz-sha256': 20,
  zstd: 10,
  'nar-restore': 30,
  tar: 40,
  zip: 20,
  export: 2,
  'source-record': 8,
  deb: 5,
  'tar.gz': 3,
  database: 2,
  'database-rows': 1,
  'temporary-roots': 1,
}
const SUM = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0)

/** The inputs for a format out of `total` for all. */
export function shareOf(name: string, total: number): number {
  return Math.max(5, Math.ceil((total * (WEIGHTS[name] ?? 5)) / SUM))
}
