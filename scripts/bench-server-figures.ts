/** Figures of a cache server: `bench-server-figures.ts WHAT ours|nginx ROOT` prints one number and its unit. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVED } from './bench-server.ts'

interface Paths {
  readonly texts: readonly string[]
  readonly large: string
  readonly many: string
  readonly largeFile: string
}

const PORT = 15_055
const URL = `http://127.0.0.1:${PORT}`
const TICKS = 100

const [what = '', side = '', root = ''] = process.argv.slice(2)
const paths = JSON.parse(readFileSync(join(root, 'paths.json'), 'utf8')) as Paths
const pinned = what.startsWith('narinfo')
const server = side === 'ours' ? startOurs() : startNginx()
try {
  await untilReady()
  console.log(pinned ? narinfo() : await nar())
} finally {
  server.kill('SIGTERM')
}

/** Server and client have a processor each. */
function start(command: readonly string[]): ChildProcess {
  const [program, ...args] = pinned ? ['taskset', '-c', '0', ...command] : command
  return spawn(program!, args, { stdio: 'ignore' })
}

function startOurs(): ChildProcess {
  const command = join(import.meta.dirname, '../bin/baryon')
  const store = ['--root', root, '--store-dir', SERVED.storeDirectory]
  return start([command, 'cache', 'serve', ...store, '--listen', `127.0.0.1:${PORT}`])
}

/** One process without an access log; files from memory by sendfile. */
function startNginx(): ChildProcess {
  const directory = join(root, 'nginx')
  mkdirSync(directory, { recursive: true })
  // As long as the narinfo of a path with eight references.
  for (const digest of paths.texts) writeFileSync(join(directory, `${digest}.narinfo`), 'x'.repeat(850))
  spawnSync('ln', ['-f', paths.largeFile, join(directory, 'large')])
  spawnSync('chmod', ['-R', 'a+rX', directory])
  const configuration = join(root, 'nginx.conf')
  writeFileSync(
    configuration,
    `worker_processes 1; daemon off; master_process off; pid ${root}/nginx.pid; error_log ${root}/nginx.log;
     events { worker_connections 512; }
     http { access_log off; sendfile on; keepalive_requests 1000000; open_file_cache max=2000;
       server { listen 127.0.0.1:${PORT}; root ${directory}; } }`,
  )
  return start(['nginx', '-p', root, '-c', configuration])
}

async function untilReady(): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (spawnSync('curl', ['-sf', '-o', '/dev/null', `${URL}/${paths.texts[0]}.narinfo`]).status === 0) return
    await sleep(50)
  }
  throw new Error(`${side} does not answer`)
}

function narinfo(): string {
  const script = join(root, 'wrk.lua')
  const list = paths.texts.map((digest) => `"/${digest}.narinfo"`).join(',')
  writeFileSync(script, `local p={${list}} local i=0 request=function() i=i%#p+1 return wrk.format("GET",p[i]) end`)
  const wrk = (seconds: number) => {
    const args = ['-c', '1', 'wrk', '-t1', '-c16', `-d${seconds}s`, '-s', script, URL]
    return spawnSync('taskset', args, { encoding: 'utf8' }).stdout
  }
  const count = (output: string) => Number(/(\d+) requests in/.exec(output)?.[1])
  for (let warm = 0; warm < 20 * paths.texts.length; ) warm += count(wrk(1))
  const before = cpuSeconds()
  const output = wrk(3)
  if (/Non-2xx/.test(output)) throw new Error(output)
  const requests = count(output)
  if (what === 'narinfo') return `${Math.round(Number(/Requests\/sec:\s*([\d.]+)/.exec(output)?.[1]))} /s`
  return `${(((cpuSeconds() - before) / requests) * 1e6).toFixed(1)} µs`
}

async function nar(): Promise<string> {
  const digest = what === 'nar-many' ? paths.many : paths.large
  const text = side === 'ours' ? await (await fetch(`${URL}/${digest}.narinfo`)).text() : 'URL: large'
  const target = `${URL}/${/^URL: (.*)$/m.exec(text)![1]}${what === 'nar-zstd' ? '.zst' : ''}`
  const size = Number(/^NarSize: (\d+)$/m.exec(text)?.[1] ?? 2 ** 30)
  const download = () => {
    const begin = performance.now()
    const result = spawnSync('curl', ['-sf', '-o', '/dev/null', target])
    if (result.status !== 0) throw new Error(`curl ${target}: ${result.status}`)
    return (performance.now() - begin) / 1000
  }
  download()
  const before = cpuSeconds()
  const seconds = download()
  if (what === 'nar-cpu') return `${((cpuSeconds() - before) / (size / 1e9)).toFixed(2)} s/GB`
  return `${(size / seconds / 1e9).toFixed(2)} GB/s`
}

/** User and system time of the server and its threads. */
function cpuSeconds(): number {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}
