/** Debian's Squid, started by a test: on 127.0.0.1, as an ordinary user, with its cache in memory. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd, type Cleanup, isOnPath, ordinaryUser } from '@baryon/testing'

export interface Squid {
  /** As `CVMFS_HTTP_PROXY` has it. */
  readonly url: string
  /** What became of the requests since the last call, once as many as `least` are in the access log. */
  results(least: number): Promise<readonly SquidResult[]>
  /** As by a crash of the machine. */
  kill(): Promise<void>
}

export interface SquidResult {
  /** `TCP_MISS/200`, `TCP_MEM_HIT/200`, … */
  readonly result: string
  readonly method: string
  readonly url: string
}

const PROGRAM = '/usr/sbin/squid'
export const skip = existsSync(PROGRAM) || isOnPath('squid') ? false : 'squid is not installed'

export async function startSquid(test: Cleanup): Promise<Squid> {
  const user = ordinaryUser(test)
  const port = await freePort()
  const log = join(user.home, 'access.log')
  const configuration = join(user.home, 'squid.conf')
  writeFileSync(
    configuration,
    `http_port 127.0.0.1:${port}
http_access allow all
cache_mem 64 MB
maximum_object_size_in_memory 32 MB
logformat short %Ss/%03>Hs %rm %ru
access_log stdio:${log} logformat=short
cache_log ${user.home}/cache.log
cache_store_log none
pid_filename none
netdb_filename none
pinger_enable off
coredump_dir ${user.home}
visible_hostname localhost
shutdown_lifetime 0 seconds
`,
    { mode: 0o644 },
  )
  const child = user.spawn(existsSync(PROGRAM) ? PROGRAM : 'squid', ['-N', '-f', configuration], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  atEnd(test, kill)
  await listening(child, port, join(user.home, 'cache.log'))
  let seen = 0
  return {
    url: `http://127.0.0.1:${port}`,
    kill,
    async results(least) {
      const lines = await loggedLines(() => readFileSync(log, 'utf8'), seen + least)
      const fresh = lines.slice(seen)
      seen = lines.length
      return fresh.map((line) => {
        const [result = '', method = '', url = ''] = line.split(' ')
        return { result, method, url }
      })
    },
  }
}

/** The lines of a log, once there are as many as `least`: a server writes after it has answered. */
export async function loggedLines(read: () => string, least: number): Promise<readonly string[]> {
  for (let round = 0; ; round++) {
    const lines = read().split('\n').slice(0, -1)
    if (lines.length >= least) return lines
    if (round === 600) throw new Error(`${lines.length} requests in the log instead of ${least}:\n${lines.join('\n')}`)
    await sleep(50)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function listening(child: ChildProcess, port: number, log: string): Promise<void> {
  for (let round = 0; round < 1200; round++) {
    if (child.exitCode !== null) break
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isOpen) return
    await sleep(50)
  }
  throw new Error(`squid does not listen: ${existsSync(log) ? readFileSync(log, 'utf8') : 'no log'}`)
}
