/** Builders, users and collectors, ours and Nix's, all at once on one store; then the store must be whole. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openStore } from '@baryon/store'
import { atEnd, cleanEnvironment, nixEnvironment, peer, temporaryDirectory } from '@baryon/testing'
import type { StressReport } from './stress-worker.ts'

const nix = peer('nix-store')
const worker = join(import.meta.dirname, 'stress-worker.ts')

export interface StressCounts {
  readonly built: number
  readonly used: number
  readonly collections: number
  readonly collectionsByNix: number
  readonly deleted: number
  readonly rooted: number
}

/** Runs so many processes of each kind for so many seconds, and checks all that must hold afterwards. */
export async function stress(
  t: TestContext,
  seconds: number,
  kinds: { readonly builders: number; readonly users: number; readonly collectors: number },
): Promise<StressCounts> {
  const directory = temporaryDirectory(t)
  const storeDirectory = join(directory, 'nix/store')
  const store = openStore({ storeDirectory, root: '/' })
  atEnd(t, () => store.close())
  const home = temporaryDirectory(t)
  let seed = 0
  const run = (role: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => runWorker(directory, role, ++seed, seconds)))
  const [built, used, collected, collectionsByNix] = await Promise.all([
    run('build', kinds.builders),
    run('use', kinds.users),
    run('collect', kinds.collectors),
    nix.skip === false ? collectWithNix(store, home, seconds) : 0,
  ])

  const { problems } = store.verify({ checkContents: true })
  assert.deepEqual(problems, [])
  if (nix.skip === false) {
    const verified = nix.run(['--verify', '--check-contents'], { store, home })
    assert.deepEqual([verified.status, /error|warning/.test(verified.stderr)], [0, false], verified.stderr)
  }
  const rooted = new Set(built.flatMap((report) => report.rooted))
  for (const path of rooted) assert.ok(store.isValid(store.parse(path)), `${path} is gone`)
  const sum = (reports: readonly StressReport[], value: (report: StressReport) => number) =>
    reports.reduce((total, report) => total + value(report), 0)
  const counts = {
    built: sum(built, (report) => report.rounds),
    used: sum(used, (report) => report.rounds),
    collections: sum(collected, (report) => report.rounds),
    collectionsByNix,
    deleted: sum(collected, (report) => report.deleted),
    rooted: rooted.size,
  }
  store.collectGarbage()
  const left = new Set(store.allValidPaths().map((path) => store.format(path)))
  for (const path of rooted) assert.ok(left.has(path), `${path} went with the last collection`)
  assert.deepEqual(store.verify(), { checked: left.size, problems: [], orphans: [] })
  return counts
}

async function runWorker(directory: string, role: string, seed: number, seconds: number): Promise<StressReport> {
  const words = [worker, directory, role, String(seed), String(seconds)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (errors += chunk))
  const [status, signal] = await once(child, 'close')
  assert.equal(status, 0, `${role} ${seed}: ${signal} ${errors}`)
  return JSON.parse(output) as StressReport
}

/** Gives the number of collections. Between them Nix adds a file, which the next one may take away again. */
async function collectWithNix(
  store: Parameters<typeof nixEnvironment>[0],
  home: string,
  seconds: number,
): Promise<number> {
  const end = Date.now() + seconds * 1000
  writeFileSync(join(home, 'file'), 'of Nix')
  const environment = { ...cleanEnvironment(home), ...nixEnvironment(store) }
  let count = 0
  for (; Date.now() < end; count++) {
    for (const words of [['--add', join(home, 'file')], ['--gc']]) {
      const child = spawn('nix-store', words, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
      let errors = ''
      child.stderr.on('data', (chunk) => (errors += chunk))
      const [status] = await once(child, 'close')
      assert.equal(status, 0, errors)
    }
  }
  return count
}
