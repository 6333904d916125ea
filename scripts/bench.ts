/**
 * Benchmarks: each row runs our command and the peer's alternately and prints medians of wall and CPU seconds with
 * their ratio (below 1: ours is faster). Machines are noisy: compare ratios, not seconds.
 *
 *   npm run bench                 every group
 *   npm run bench -- language     one group; --runs N sets the number of runs (7)
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

interface Row {
  readonly name: string
  readonly ours: readonly string[]
  readonly peer: readonly string[]
}

const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'baryon-bench-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))
const environment = {
  ...process.env,
  HOME: work,
  NIX_STORE_DIR: join(work, 'store'),
  NIX_STATE_DIR: join(work, 'state'),
  NIX_LOG_DIR: join(work, 'log'),
  NIX_CONF_DIR: join(work, 'conf'),
  NIX_PATH: '',
}

const groups: Record<string, () => readonly Row[]> = { language, command }

const { names, runs } = parseArguments(process.argv.slice(2))
for (const name of names) {
  console.log(`\n${name.padEnd(28)} ours wall/CPU s    peer wall/CPU s    ratio wall/CPU`)
  for (const row of groups[name]?.() ?? []) console.log(report(row))
}

function parseArguments(words: readonly string[]): { names: readonly string[]; runs: number } {
  const at = words.indexOf('--runs')
  const runs = at < 0 ? 7 : Number(words[at + 1])
  const names = words.filter((_word, index) => at < 0 || (index !== at && index !== at + 1))
  const unknown = names.find((name) => groups[name] === undefined)
  if (unknown !== undefined || !(runs >= 1)) {
    console.error(`usage: npm run bench [-- ${Object.keys(groups).join('|')}] [--runs N]`)
    process.exit(2)
  }
  return { names: names.length > 0 ? names : Object.keys(groups), runs }
}

/** The evaluator on small programs, whole processes, against `nix-instantiate`. */
function language(): readonly Row[] {
  const directory = join(root, 'packages/language/test/data/bench')
  const files = readdirSync(directory).sort()
  const row = (name: string, args: readonly string[]): Row => ({
    name,
    ours: [join(root, 'bin/nix-instantiate'), ...args],
    peer: ['nix-instantiate', ...args],
  })
  return [
    row('1 + 1', ['--eval', '-E', '1 + 1']),
    ...files.map((file) => row(basename(file, '.nix'), ['--eval', '--strict', join(directory, file)])),
  ]
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
  const ours: Sample[] = []
  const peer: Sample[] = []
  measure(row.ours)
  measure(row.peer)
  for (let run = 0; run < runs; run++) {
    ours.push(measure(row.ours))
    peer.push(measure(row.peer))
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
