/** `baryon eval-jobs`, compared with `nix-instantiate` of each attribute, and with jobs that fail in every way. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { peer } from '@baryon/testing'
import { frontPeers } from './front-peers.ts'

interface JobRecord {
  readonly attr: string
  readonly attrPath: readonly string[]
  readonly drvPath?: string
  readonly outputs?: Readonly<Record<string, string | null>>
  readonly error?: string
  readonly fatal?: boolean
  readonly [field: string]: unknown
}

const make = `name: extra: derivation ({
  inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo \${name} > $out" ];
} // extra)`

const healthy = `{ system ? "x86_64-linux" }: let make = ${make}; source = ./source.txt; in rec {
  plain = make "plain" { };
  "dotted.name" = make "dotted" { };
  outputs = make "outputs" { outputs = [ "out" "dev" "bin" ]; };
  features = make "features" { requiredSystemFeatures = [ "kvm" "big-parallel" ]; };
  structured = make "structured" { __structuredAttrs = true; requiredSystemFeatures = [ "kvm" ]; };
  user = make "user" { inherit plain source; dev = outputs.dev; } // { meta = {
    description = "größe"; priority = 5; f = x: x; nothing = null; nested = { inner = [ 1 "a" ]; }; drv = plain;
  }; };
  nested = { recurseForDerivations = true; inner = make "inner" { }; function = { system }: make system { }; };
  closed.never = make "never" { };
  shut = { recurseForDerivations = false; never = make "never" { }; };
  list = [ (make "never" { }) ];
  number = 1;
  called = { system }: make "called-\${system}" { };
}`

function jobsScene(context: TestContext) {
  const { directory, nix, ours } = frontPeers(context, { NIX_PATH: '' })
  const place = ['--store-dir', join(directory, 'nix/store'), '--root', join(directory, 'root')]
  writeFileSync(join(directory, 'source.txt'), 'source')
  const jobs = async (...words: string[]) => {
    const { status, stdout, stderr } = await ours('baryon', 'eval-jobs', ...words, ...place)
    return { status, stderr, records: recordsOf(stdout) }
  }
  return { directory, nix, jobs, place }
}

function recordsOf(stdout: string): JobRecord[] {
  const lines = Buffer.from(stdout, 'latin1').toString('utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as JobRecord)
}

function byAttr(records: readonly JobRecord[]): ReadonlyMap<string, JobRecord> {
  const map = new Map(records.map((record) => [record.attr, record]))
  assert.equal(map.size, records.length, 'no job has two records')
  return map
}

test('every job has the derivation that nix-instantiate makes', {
  skip: peer('nix-instantiate').skip,
}, async (context) => {
  const { directory, nix, jobs } = jobsScene(context)
  writeFileSync(join(directory, 'jobs.nix'), healthy)
  const arguments_ = ['--argstr', 'system', 'aarch64-linux']
  const { status, records } = await jobs('jobs.nix', '--workers', '2', '--show-input-drvs', ...arguments_)
  assert.equal(status, 0)
  const found = byAttr(records)
  const names = ['"dotted.name"', 'called', 'features', 'nested.function', 'nested.inner', 'outputs', 'plain']
  assert.deepEqual([...found.keys()].sort(), [...names, 'structured', 'user'])
  for (const [attr, record] of found) {
    const expected = await nix('nix-instantiate', 'jobs.nix', '-A', attr, ...arguments_)
    assert.equal(`${record.drvPath}\n`, expected.stdout, expected.stderr)
    const written = join(directory, 'root', record.drvPath!)
    assert.deepEqual(readFileSync(written), readFileSync(record.drvPath!))
    const shown = await nix('nix-store', '-q', '--references', record.drvPath!)
    const inputs = shown.stdout.split('\n').filter((line) => line.endsWith('.drv'))
    assert.deepEqual(Object.keys(record.inputDrvs as object), inputs.sort())
    const outputs = await nix('nix-store', '-q', '--outputs', record.drvPath!)
    assert.deepEqual(Object.values(record.outputs!).sort(), outputs.stdout.trim().split('\n').sort())
  }
  const of = (attr: string) => found.get(attr)!
  assert.deepEqual(of('"dotted.name"').attrPath, ['dotted.name'])
  assert.deepEqual(of('features').requiredSystemFeatures, ['big-parallel', 'kvm'])
  assert.deepEqual(of('structured').requiredSystemFeatures, ['kvm'])
  assert.deepEqual(Object.keys(of('outputs').outputs!), ['bin', 'dev', 'out'])
  assert.deepEqual((of('user').inputDrvs as Record<string, unknown>)[of('outputs').drvPath!], ['dev'])
  assert.deepEqual(Object.keys(of('plain')), [
    'attr',
    'attrPath',
    'drvPath',
    'inputDrvs',
    'name',
    'outputs',
    'requiredSystemFeatures',
    'system',
  ])
})

test('what else a record can hold', async (context) => {
  const { directory, jobs } = jobsScene(context)
  writeFileSync(join(directory, 'jobs.nix'), healthy)
  const links = join(directory, 'links')
  mkdirSync(links)
  const { records } = await jobs(
    ...['jobs.nix', '--workers', '1', '--meta', '--check-cache-status', '--gc-roots-dir', links],
    ...['--select', 'set: { inherit (set) plain user; }', '--apply', 'drv: { shout = drv.name + "!"; }'],
  )
  const found = byAttr(records)
  assert.deepEqual([...found.keys()].sort(), ['plain', 'user'])
  const user = found.get('user')!
  assert.deepEqual(user.meta, { description: 'größe', nested: { inner: [1, 'a'] }, priority: 5 })
  assert.equal(found.get('plain')!.meta, null)
  assert.deepEqual(user.extraValue, { shout: 'user!' })
  assert.equal(user.cacheStatus, 'notBuilt')
  assert.equal(user.isCached, false)
  assert.ok((user.neededBuilds as string[]).includes(found.get('plain')!.drvPath!))
  assert.deepEqual(readdirSync(links).sort(), records.map(({ drvPath }) => basename(drvPath!)).sort())
  for (const { drvPath } of records) assert.equal(readlinkSync(join(links, basename(drvPath!))), drvPath)

  const forced = await jobs('jobs.nix', '--force-recurse')
  for (const attr of ['closed.never', 'shut.never']) assert.ok(byAttr(forced.records).has(attr))
})

test('without instantiation nothing is written', async (context) => {
  const { directory, jobs } = jobsScene(context)
  writeFileSync(join(directory, 'jobs.nix'), healthy)
  const { records, stderr } = await jobs('jobs.nix', '--no-instantiate', '-A', 'nested', '--argstr', 'system', 'x')
  assert.deepEqual(records.map(({ attr }) => attr).sort(), ['function', 'inner'], stderr)
  for (const record of records) assert.ok(!('requiredSystemFeatures' in record))
  assert.ok(!existsSync(join(directory, 'root')))
})

test('a flake of this machine, whole or one of its outputs', async (context) => {
  const { directory, jobs } = jobsScene(context)
  mkdirSync(join(directory, 'flake'))
  writeFileSync(
    join(directory, 'flake/flake.nix'),
    `{ outputs = { self }: { hydraJobs.one = (${make}) "one" { file = ./flake.nix; }; }; }`,
  )
  const { records, stderr } = await jobs('--flake', './flake#hydraJobs', '--option', 'nix-version', '2.36')
  assert.deepEqual(
    records.map(({ attr }) => attr),
    ['one'],
    stderr,
  )
})

const failing = `let make = ${make}; in {
  a-good = make "a" { };
  aborts = abort "stop";
  throws = throw "größe";
  misses = { }.missing;
  recurses = let x = { inherit (x) y; }; in x.y;
  overflows = let f = n: 1 + f (n + 1); in f 0;
  devours = let big = builtins.genList (x: builtins.genList (y: x + y) 1000) 1000000; in builtins.deepSeq big null;
  deep = make "deep" { depth = let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 300000; };
  illegal = make "a b" { };
  nameless = derivation { };
  nested = throw "nested" // { recurseForDerivations = true; };
  z-good = make "z" { };
}`

test('no failure hides another job, or itself', async (context) => {
  const { directory, jobs } = jobsScene(context)
  writeFileSync(join(directory, 'jobs.nix'), failing)
  const words = ['jobs.nix', '--workers', '2', '--max-memory-size', '256', '--option', 'nix-version', '2.36']
  const { status, records, stderr } = await jobs(...words)
  const found = byAttr(records)
  assert.equal(found.size, 12, stderr)
  const expected: Readonly<Record<string, RegExp>> = {
    aborts: /^error: evaluation aborted with the following error message: 'stop'/,
    throws: /^error: größe/,
    misses: /attribute 'missing' missing/,
    recurses: /infinite recursion/,
    overflows: /stack overflow/,
    devours: /ran out of memory/,
    illegal: /'a b'/,
    nameless: /name missing/,
    nested: /nested/,
  }
  for (const [attr, pattern] of Object.entries(expected)) {
    const { error, fatal } = found.get(attr)!
    assert.match(error ?? '', pattern)
    assert.equal(fatal, attr === 'devours')
    assert.match(stderr, new RegExp(`^${attr}: `, 'm'))
  }
  for (const attr of ['a-good', 'deep', 'z-good']) assert.match(found.get(attr)!.drvPath ?? '', /\.drv$/)
  assert.equal(status, 1, 'a job took its worker with it')
})

test('without a root there are no jobs', async (context) => {
  const { jobs } = jobsScene(context)
  const failed = await jobs('-E', 'throw "no root"', '--workers', '3')
  assert.deepEqual([failed.status, failed.records], [1, []])
  assert.match(failed.stderr, /^error\[EVAL_THROW\]: no root/)
  const usage = await jobs('-E', '{ }', '--workers', '0')
  assert.equal(usage.status, 2)
  const failedJobs = await jobs('-E', '{ a = throw "x"; }')
  assert.equal(failedJobs.status, 0, 'as nix-eval-jobs')
})

// --- killing -------------------------------------------------------------------------------------------------------

const hanging = `let make = ${make}; in {
  a-good = make "a" { };
  hangs = make "hangs" { text = builtins.readFile ./pipe; };
  z-good = make "z" { };
}`

test('a worker that is killed is the failure of the job that it was in', async (context) => {
  const { master, workers, output, ended } = await hangingScene(context, 1)
  process.kill(workers[0]!, 'SIGKILL')
  assert.equal(await ended, 1)
  const found = byAttr(recordsOf(output()))
  assert.deepEqual([...found.keys()].sort(), ['a-good', 'hangs', 'z-good'])
  assert.match(found.get('hangs')!.error ?? '', /killed by SIGKILL/)
  assert.equal(found.get('hangs')!.fatal, true)
  assert.notEqual(master.pid, undefined)
})

test('Ctrl-C leaves no process', async (context) => {
  const { master, workers, ended } = await hangingScene(context, 2)
  master.kill('SIGINT')
  assert.equal(await ended, 130)
  for (const worker of workers) assert.ok(!existsSync(`/proc/${worker}`), `worker ${worker} is still there`)
})

/** A run with a worker that waits for a pipe that nobody writes to. */
async function hangingScene(context: TestContext, count: number) {
  const { directory, place } = jobsScene(context)
  writeFileSync(join(directory, 'jobs.nix'), hanging)
  spawnSync('mkfifo', [join(directory, 'pipe')])
  const baryon = resolve(import.meta.dirname, '../../../bin/baryon')
  const master = spawn(baryon, ['eval-jobs', 'jobs.nix', '--workers', String(count), ...place], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: join(directory, 'home') },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  context.after(() => master.kill('SIGKILL'))
  let text = ''
  master.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  const ended = new Promise<number | null>((done) => master.on('close', (status) => done(status)))
  const workers = await workersInPipe(master, count)
  return { master, workers, ended, output: () => text }
}

/** The workers, once one of them waits for the pipe. */
async function workersInPipe(master: ChildProcess, count: number): Promise<readonly number[]> {
  for (;;) {
    assert.equal(master.exitCode, null, 'it ended without having hung')
    const workers = childrenOf(master.pid!)
    if (workers.length === count && workers.some((pid) => waitsForPipe(pid))) return workers
    await delay(20)
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map(Number)
}

function waitsForPipe(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/wchan`, 'utf8') === 'wait_for_partner'
  } catch {
    return false
  }
}
