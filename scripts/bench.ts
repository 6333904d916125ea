/**
 * Benchmarks: each row runs our command and the peer's alternately and prints medians of wall and CPU seconds with
 * their ratio (below 1: ours is faster). Machines are noisy: compare ratios, not seconds. What has no peer measures
 * itself and prints what it found.
 *
 *   npm run bench                 every group
 *   npm run bench -- evaluator    one group; --runs N sets the number of runs (7), --only TEXT selects rows by name
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cacheRows } from './bench-cache.ts'
import { cvmfsRows } from './bench-cvmfs.ts'
import { evaluatorRows } from './bench-evaluator.ts'
import { mountRows } from './bench-mount.ts'
import { runRows } from './bench-run.ts'
import { serverRows } from './bench-server.ts'
import { storeRows } from './bench-store.ts'

export type Row = ComparedRow | FigureRow

export interface ComparedRow {
  readonly name: string
  readonly ours: readonly string[]
  readonly peer: readonly string[]
  /** Called before each run, unmeasured. */
  readonly before?: (side: 'ours' | 'peer') => void
}

/** A command that prints one number, its unit and perhaps more. */
export interface FigureRow {
  readonly name: string
  readonly figure: readonly string[]
}

const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(fastDirectory(), 'baryon-bench-'))
// Not rmSync: what is in a store has no write permission.
process.on('exit', () => spawnSync('sh', ['-c', 'chmod -R u+w "$1"; rm -rf "$1"', 'sh', work]))
process.on('SIGINT', () => process.exit(130))
const environment = {
  ...process.env,
  HOME: work,
  NIX_STORE_DIR: join(work, 'store'),
  NIX_STATE_DIR: join(work, 'state'),
  NIX_LOG_DIR: join(work, 'log'),
  NIX_CONF_DIR: join(work, 'conf'),
  NIX_PATH: '',
}

const groups: Record<string, () => readonly Row[]> = {
  evaluator: () => evaluatorRows(root, work),
  command,
  store: () => storeRows(root, work, environment),
  server: () => serverRows(root, work),
  mount: () => mountRows(root, work),
  cache: () => cacheRows(root, work, environment),
  cvmfs: () => cvmfsRows(root, work),
  run: () => runRows(root, work),
}

const { names, runs, only } = parseArguments(process.argv.slice(2))
for (const name of names) {
  console.log(`\n${name.padEnd(28)} ours wall/CPU s    peer wall/CPU s    ratio wall/CPU`)
  for (const row of groups[name]?.() ?? []) if (row.name.includes(only)) console.log(report(row))
}

function parseArguments(words: readonly string[]): {
  readonly names: readonly string[]
  readonly runs: number
  readonly only: string
} {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { runs: { type: 'string', default: '7' }, only: { type: 'string', default: '' } },
    allowPositionals: true,
  })
  const runs = Number(values.runs)
  if (positionals.some((name) => groups[name] === undefined) || !(runs >= 1)) {
    console.error(`usage: npm run bench [-- ${Object.keys(groups).join('|')}] [--runs N] [--only TEXT]`)
    process.exit(2)
  }
  return { names: positionals.length > 0 ? positionals : Object.keys(groups), runs, only: values.only }
}

/** Start-up of the commands that are typed or scripted most, against what they replace. */
function command(): readonly Row[] {
  const baryon = join(root, 'bin/baryon')
  return [
    { name: 'baryon --version (node -e 0)', ours: [baryon, '--version'], peer: ['node', '-e', '0'] },
    {
      name: 'build, unchanged',
      ours: [baryon, 'build', '-f', join(root, 'stacks/hep'), 'zlib', '--dry-run'],
      peer: ['true'],
    },
    { name: 'run (plain exec)', ours: [baryon, 'run', 'zlib', '--', 'true'], peer: ['true'] },
  ]
}

function report(row: Row): string {
  return 'figure' in row ? reportFigure(row) : reportComparison(row)
}

function reportComparison(row: ComparedRow): string {
  const samples = { ours: [] as Sample[], peer: [] as Sample[] }
  const { ours, peer } = samples
  const sides = ['ours', 'peer'] as const
  // The first run of each only warms the caches.
  for (let run = -1; run < runs; run++) {
    for (const side of sides) {
      row.before?.(side)
      const sample = measure(row[side])
      if (run >= 0) samples[side].push(sample)
    }
  }
  const [wall, cpu, peerWall, peerCpu] = [
    median(ours, 'wall'),
    median(ours, 'cpu'),
    median(peer, 'wall'),
    median(peer, 'cpu'),
  ]
  const pair = (a: number, b: number): string => `${a.toFixed(3)} / ${b.toFixed(3)}`.padEnd(19)
  return (
    row.name.padEnd(29) +
    pair(wall, cpu) +
    pair(peerWall, peerCpu) +
    `${(wall / peerWall).toFixed(2)} / ${(cpu / peerCpu).toFixed(2)}`
  )
}

function reportFigure({ name, figure }: FigureRow): string {
  const results = Array.from({ length: runs }, () => {
    const [program, ...args] = figure
    const result = spawnSync(program!, args, {
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (result.status !== 0) throw new Error(`${figure.join(' ')}: status ${result.status}`)
    const text = result.stdout.trim()
    return { number: Number.parseFloat(text), text }
  }).sort((a, b) => a.number - b.number)
  return name.padEnd(29) + results[Math.floor(results.length / 2)]!.text
}

/** Memory, when there is enough of it as a file system: disks would drown what is to be compared. */
function fastDirectory(): string {
  if (process.env.TMPDIR) return process.env.TMPDIR
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > 8 * 1024 ** 3 ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}

interface Sample {
  readonly wall: number
  readonly cpu: number
}

/** Runs one command; bash's `time` is the way to a child's CPU time that is on every machine. */
function measure(command: readonly string[]): Sample {
  const result = spawnSync(
    'bash',
    ['-c', 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>"$LOG"', 'bench', ...command],
    {
      encoding: 'utf8',
      env: { ...environment, LOG: join(work, 'stderr') },
    },
  )
  if (result.status !== 0) {
    console.error(
      `${command.join(' ')}: status ${result.status}\n${spawnSync('cat', [join(work, 'stderr')], { encoding: 'utf8' }).stdout}`,
    )
    process.exit(1)
  }
  const [wall = 0, user = 0, system = 0] = (result.stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { wall, cpu: user + system }
}

function median(samples: readonly Sample[], key: keyof Sample): number {
  const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
