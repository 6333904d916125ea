/** A cache server in this process, and the programs that talk to it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { resolveLocation, type Store } from '@baryon/store'
import { atEnd, type Cleanup, cleanEnvironment, nixEnvironment, peer, temporaryDirectory } from '@baryon/testing'
import {
  type AccessRecord,
  type BinaryCacheOptions,
  type CacheResponse,
  createBinaryCache,
  type HttpLimits,
  serveHttp,
} from '../index.ts'

export interface Serving {
  readonly url: string
  readonly log: readonly AccessRecord[]
  readonly notices: readonly string[]
  stop(): Promise<void>
}

/** Serves the store on a free port of 127.0.0.1 until the test ends. */
export async function serve(
  test: Cleanup,
  store: Store,
  options: Partial<BinaryCacheOptions> & { readonly limits?: Partial<HttpLimits> } = {},
): Promise<Serving> {
  const log: AccessRecord[] = []
  const notices: string[] = []
  const cache = createBinaryCache({ location: store, onNotice: (message) => notices.push(message), ...options })
  const server = await serveHttp(
    cache,
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    { onRequest: (record) => log.push(record), ...(options.limits === undefined ? {} : { limits: options.limits }) },
  )
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= server.stop(2000).then(() => cache.close()))
  // Before the store that it serves is removed.
  atEnd(test, stop)
  return { url: server.url, log, notices, stop }
}

export interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program without keeping the server of this process from answering it. Texts are byte strings. */
export function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
}

export interface NixClient {
  readonly store: Store
  /** `nix` with the commands that have to be enabled. */
  nix(...args: readonly string[]): Promise<Run>
  run(command: string, ...args: readonly string[]): Promise<Run>
}

/** Nix on a store of the test's. */
export function nixClient(test: Cleanup, store: Store): NixClient {
  const home = temporaryDirectory(test)
  const environment = { ...cleanEnvironment(home), ...nixEnvironment(store), XDG_CACHE_HOME: join(home, 'cache') }
  const runHere = (command: string, ...args: readonly string[]) => run(command, args, environment)
  return {
    store,
    nix: (...args) => runHere('nix', '--extra-experimental-features', 'nix-command', ...args),
    run: runHere,
  }
}

export const skip = peer('nix').skip || peer('nix-store').skip

/** The store's location, for a second opening of it. */
export { resolveLocation }

/** All of a body, which is closed. */
export async function bytesOf({ body }: CacheResponse): Promise<Buffer> {
  if (typeof body === 'string') return Buffer.from(body, 'latin1')
  if (body instanceof Uint8Array) return Buffer.from(body)
  const chunks: Buffer[] = []
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) chunks.push(Buffer.from(chunk))
  body.close()
  return Buffer.concat(chunks)
}
