import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type Freshness, formatLaunch, formatLaunchFile, type Launch, statArguments } from './launch-script.ts'
import { prepareRootTable } from './root-table.ts'
import { listTiers, type Tier } from './tier.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon launch-')))
after(() => rmSync(directory, { recursive: true, force: true }))
chmodSync(directory, 0o755)

const storeDirectory = '/baryon-test.example.org/nix/store'
const physicalDirectory = join(directory, 'root', storeDirectory)
const path = `${storeDirectory}/00000000000000000000000000000000-hello`
mkdirSync(join(physicalDirectory, '00000000000000000000000000000000-hello/bin'), { recursive: true })
const script = `#!/bin/sh
echo "self $0"
for a in "$@"; do printf '<%s>' "$a"; done
echo "$BARYON_SET"
pwd
cat
exit 7
`
writeFileSync(join(physicalDirectory, '00000000000000000000000000000000-hello/bin/hello'), script, { mode: 0o755 })

function launchWithTable(tier: Tier | undefined, more: Partial<Launch> = {}): Launch {
  return {
    storeDirectory,
    physicalDirectory,
    paths: [path],
    changes: [{ kind: 'prepend', variable: 'PATH', values: [`${path}/bin`], separator: ':' }],
    assignments: [['BARYON_SET', "it's\nset"]],
    defaultCommand: ['hello', 'default'],
    tier,
    rootTable:
      tier?.kind === 'unshare'
        ? prepareRootTable(join(directory, 'roots'), more.storeDirectory ?? storeDirectory, physicalDirectory)
        : undefined,
    ...more,
  }
}

function run(
  text: string,
  ...words: string[]
): { status: number | null; signal: string | null; stdout: string; stderr: string } {
  const result = spawnSync('/bin/sh', ['-c', `${text}\nbaryon_launch "$@"`, 'baryon', ...words], {
    encoding: 'utf8',
    input: 'input',
    cwd: directory,
  })
  return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr }
}

const tiers = new Map(
  [...listTiers('auto')]
    .filter((one) => one.works)
    .reverse()
    .map((one) => [one.tier.kind, one.tier]),
)

const mountPoint = join(directory, "it's a mount point")

for (const [kind, isKept] of [
  ['bubblewrap', false],
  ['unshare', false],
  ['unshare', true],
  ['proot', false],
] as const) {
  const tier = tiers.get(kind)
  const launch = (tier: Tier | undefined, more: Partial<Launch> = {}): Launch => ({
    ...launchWithTable(tier, more),
    ...(isKept ? { rootTable: undefined, mountPoint } : {}),
  })
  describe(isKept ? `${kind}, worked out at every start` : kind, {
    skip: tier === undefined ? `${kind} does not work on this machine` : false,
  }, () => {
    test('the command runs at the logical path with arguments, input, directory and status', () => {
      const result = run(formatLaunch(launch(tier)), 'hello', 'two words', "'", '--')
      assert.equal(result.stderr, '')
      assert.equal(result.stdout, `self ${path}/bin/hello\n<two words><'><-->it's\nset\n${directory}\ninput`)
      assert.equal(result.status, 7)
    })

    test('a signal to the process ends the command, and Ctrl-C is for the command alone', async () => {
      // proot ignores the signals that end a process, and hands none on.
      if (kind === 'proot') return
      const text = `${formatLaunch(launch(tier))}\nbaryon_launch "$@"`
      const loop = 'echo ready; while :; do sleep 0.1; done'
      const start = async (command: string) => {
        const child = spawn('/bin/sh', ['-c', text, 'baryon', 'sh', '-c', command], {
          detached: true,
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        let said = ''
        child.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString()
        })
        await once(child.stdout, 'data')
        return { child, output: () => said }
      }
      const ended = await start(`trap 'echo ended; exit 5' TERM; ${loop}`)
      process.kill(ended.child.pid!, 'SIGTERM')
      // The output is closed when nobody has it any more: the command has ended as well.
      await once(ended.child, 'close')
      assert.equal(ended.output(), 'ready\nended\n')

      const interrupted = await start(`trap 'echo interrupted; exit 6' INT; ${loop}`)
      process.kill(-interrupted.child.pid!, 'SIGINT')
      const [status] = (await once(interrupted.child, 'close')) as [number | null]
      assert.equal(interrupted.output(), 'ready\ninterrupted\n')
      assert.equal(status, 6)
    })

    test('without a command the default one runs', () => {
      assert.match(run(formatLaunch(launch(tier))).stdout, /<default>/)
    })

    // proot cannot refuse writing: the store keeps its own modes there.
    if (kind !== 'proot') {
      test('the store cannot be written, the rest of the host is as before', () => {
        const words = `touch ${path}/x 2>/dev/null || echo refused; ls -d /usr/bin /tmp; pwd; id -u`
        const result = run(formatLaunch(launch(tier)), 'sh', '-c', words)
        assert.equal(result.stdout, `refused\n/tmp\n/usr/bin\n${directory}\n${process.getuid?.()}\n`)
      })
    }

    test('a command that is nowhere ends with 127', () => {
      const result = run(formatLaunch(launch(tier)), 'baryon-nonesuch')
      assert.equal(result.status, 127)
      assert.equal(result.stderr, 'error[COMMAND_NOT_FOUND]: baryon-nonesuch: no such command in the environment\n')
    })

    test('a command that dies of a signal dies of it here as well', () => {
      const result = run(formatLaunch(launch(tier)), 'sh', '-c', 'kill -TERM $$')
      assert.ok(result.signal === 'SIGTERM' || result.status === 143, JSON.stringify(result))
    })

    test('a store below a directory that the host has', () => {
      const parent = join(directory, `host-${kind}`)
      mkdirSync(join(parent, 'other'), { recursive: true })
      writeFileSync(join(parent, 'file'), 'kept')
      mkdirSync(join(parent, "odd [n]ame's"), { recursive: true })
      writeFileSync(join(parent, "odd [n]ame's/file"), ' odd ')
      writeFileSync(join(parent, '.hidden $(id)'), ' hidden ')
      symlinkSync('file', join(parent, `a link ${Number(isKept)}`))
      const deep = join(parent, 'new/store')
      const text = formatLaunch(
        launch(tier, { storeDirectory: deep, paths: [`${deep}/00000000000000000000000000000000-hello`] }),
      )
      // What the host gets later is there as well.
      if (isKept) mkdirSync(join(parent, 'later'))
      const result = run(
        text,
        'sh',
        '-c',
        `cd '${parent}' && test ${isKept ? '-d' : '! -e'} later && cat file "odd [n]ame's/file" '.hidden $(id)' 'a link ${Number(isKept)}' && test -d other && exec '${deep}/00000000000000000000000000000000-hello/bin/hello' </dev/null`,
      )
      assert.equal(result.stderr, '')
      assert.match(result.stdout, /^kept odd {2}hidden keptself .*\/new\/store\//)
    })
  })
}

test('when the paths are visible already nothing is mounted', () => {
  const visible = join(physicalDirectory, '00000000000000000000000000000000-hello')
  const text = formatLaunch(
    launchWithTable({ kind: 'bubblewrap', command: ['/nonexistent/bwrap'], release: [] }, { paths: [visible] }),
  )
  assert.equal(run(text, 'echo', 'direct').stdout, 'direct\n')
})

test('a script is fresh only as long as all that it depends on', () => {
  const file = join(directory, "stack's file.nix")
  const gone = join(directory, 'not-there')
  writeFileSync(file, 'one')
  const stamp = (): string => spawnSync('stat', [...statArguments, '--', file], { encoding: 'utf8' }).stdout.trimEnd()
  const freshness = (): Freshness => ({
    key: 'the key',
    present: [join(physicalDirectory, '00000000000000000000000000000000-hello')],
    absent: [gone],
    environment: new Map([['BARYON_READ', 'x y']]),
    files: [file],
    stamp: stamp(),
  })
  const saved = join(directory, 'launch')
  const isFresh = (environment: Record<string, string> = {}, key = 'the key'): boolean =>
    spawnSync('/bin/sh', ['-c', 'baryon_key=$2; . "$1"; baryon_fresh', 'sh', saved, key], {
      env: { PATH: process.env.PATH, BARYON_READ: 'x y', ...environment },
    }).status === 0
  const save = (): void => writeFileSync(saved, formatLaunchFile(launchWithTable(undefined), freshness()))

  save()
  assert.equal(isFresh(), true)
  assert.equal(isFresh({ TZ: 'Asia/Tokyo', LC_ALL: 'C' }), true)
  assert.equal(isFresh({}, 'another key'), false)
  assert.equal(isFresh({ BARYON_READ: 'z' }), false)

  writeFileSync(gone, '')
  assert.equal(isFresh(), false)
  rmSync(gone)
  assert.equal(isFresh(), true)

  // Same size and an older time: only the change time and the stamp's exactness tell.
  writeFileSync(file, 'two')
  utimesSync(file, 1, 1)
  assert.equal(isFresh(), false)
  save()
  assert.equal(isFresh(), true)

  rmSync(file)
  assert.equal(isFresh(), false)
})
