/** Figures of a mount: `bench-mount-figures.ts WHAT mount|plain PLACE` prints one number and its unit. */
import { spawn, spawnSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MOUNTED } from './bench-mount.ts'

const PORT = 15_056
const TICKS = 100
const [what = '', where = '', place = ''] = process.argv.slice(2)

if (where === 'measure') measure(place)
else if (where === 'plain') run([process.execPath, import.meta.filename, what, 'measure', join(place, 'tree')])
else await mounted()

/** Measures in the mount; what should be cold has a cache of its own. */
async function mounted(): Promise<void> {
  const configuration = join(place, 'nginx.conf')
  writeFileSync(
    configuration,
    `worker_processes 1; daemon off; master_process off; pid ${place}/nginx.pid; error_log ${place}/nginx.log;
     events { worker_connections 512; }
     http { access_log off; sendfile on; keepalive_requests 1000000; server { listen 127.0.0.1:${PORT}; root ${place}; } }`,
  )
  spawnSync('chmod', ['-R', 'a+rX', place])
  const server = spawn('nginx', ['-p', place, '-c', configuration], { stdio: 'ignore' })
  try {
    await sleep(500)
    const cache = join(place, 'cache')
    const point = `/cvmfs/${MOUNTED.name}`
    if (what.startsWith('cold')) rmSync(cache, { recursive: true, force: true })
    const mount = ['repository', 'mount', `http://127.0.0.1:${PORT}/repository`, point]
    const keys = ['--key', join(place, `repository.keys/${MOUNTED.name}.pub`)]
    const measuring = [process.execPath, import.meta.filename, what, 'measure', join(point, 'tree')]
    const environment = { ...process.env, XDG_CACHE_HOME: cache }
    const line = [join(import.meta.dirname, '../bin/baryon'), ...mount, ...keys, '--', ...measuring]
    // What is to be warm is read once before it is measured in another mount.
    if (what === 'large') run(line, environment, 'ignore')
    run(line, environment)
  } finally {
    server.kill('SIGTERM')
  }
}

function run(line: readonly string[], environment = process.env, stdout: 'inherit' | 'ignore' = 'inherit'): void {
  const [program, ...words] = line
  const result = spawnSync(program!, words, { stdio: ['ignore', stdout, 'inherit'], env: environment })
  if (result.status !== 0) process.exit(1)
}

function measure(tree: string): void {
  const directories = readdirSync(tree).filter((name) => name !== 'large')
  const files = directories.flatMap((name) => readdirSync(join(tree, name)).map((file) => join(tree, name, file)))
  const readAll = (): void => files.forEach((file) => void readFileSync(file))
  switch (what) {
    case 'cold':
      print(files.length / seconds(readAll), 'files/s')
      break
    case 'cold-cpu': {
      const before = clientSeconds()
      readAll()
      print(((clientSeconds() - before) / files.length) * 1e6, 'µs a file')
      break
    }
    case 'warm':
      readAll()
      print(files.length / seconds(readAll), 'files/s')
      break
    case 'stat': {
      const statAll = (): void => files.forEach((file) => void lstatSync(file))
      statAll()
      print(files.length / seconds(statAll), 'operations/s')
      break
    }
    case 'lookup': {
      // Names that are not there, each new to the kernel.
      const lookups = seconds(() => files.forEach((file) => void lstatSync(`${file}-not`, { throwIfNoEntry: false })))
      print(files.length / lookups, 'operations/s')
      break
    }
    case 'large':
      print(MOUNTED.large / 1e6 / seconds(() => readFileSync(join(tree, 'large'))), 'MB/s')
      break
    default:
      throw new Error(`no figure ${what}`)
  }
}

function print(figure: number, unit: string): void {
  console.log(`${figure.toFixed(0)} ${unit}`)
}

function seconds(work: () => void): number {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

/** CPU time of the process that serves the mount. */
function clientSeconds(): number {
  const [pid] = readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && /mount\0.*--descriptor\0/.test(readFileSync(`/proc/${name}/cmdline`, 'latin1'))
    } catch {
      return false
    }
  })
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}
