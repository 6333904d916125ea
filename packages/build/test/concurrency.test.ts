import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import { realise, storeSubstituter } from '../index.ts'
import { makeDerivation, outputText } from './make-derivation.ts'
import { build, outputPlace, temporaryStore } from './temporary-store.ts'
import { asUnprivileged } from './unprivileged.ts'

interface Line {
  readonly kind: string
  readonly code?: string
  readonly outcome?: string
  readonly built?: number
  readonly message?: string
}

const PROGRAM = fileURLToPath(new URL('./build-process.ts', import.meta.url))

function rootOf(store: Store): string {
  return store.physicalDirectory.slice(0, -store.storeDirectory.length)
}

function startProcess(
  store: Store,
  derivations: readonly StorePath[],
  options: object = {},
): { child: ChildProcess; lines: Line[]; saw: (kind: string) => Promise<Line> } {
  const args = [
    PROGRAM,
    rootOf(store),
    store.storeDirectory,
    JSON.stringify(options),
    ...derivations.map((path) => store.format(path)),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: Line[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line)))
  const ended = once(child, 'close').then(() => true)
  const saw = async (kind: string) => {
    for (let last = false; ; last = await Promise.race([ended, delay(10, false)])) {
      const line = lines.find((candidate) => candidate.kind === kind)
      if (line !== undefined) return line
      if (last) throw new Error(`no ${kind} in ${JSON.stringify(lines)}`)
    }
  }
  return { child, lines, saw }
}

function alive(mark: string): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(mark)
    } catch {
      return false
    }
  }).length
}

if (asUnprivileged(import.meta.url)) {
  test('the second process waits and takes the result', async () => {
    const store = temporaryStore()
    const derivation = makeDerivation(store, {
      name: 'once',
      script: 'echo begun; while [ ! -e go ]; do sleep 0.1; done; cat /proc/sys/kernel/random/uuid > $out',
    })
    const first = startProcess(store, [derivation])
    await first.saw('log')
    const second = startProcess(store, [derivation])
    await second.saw('waiting')
    const [directory] = globSync(`${store.ownDirectory}/build/*/*-once/build`)
    writeFileSync(`${directory}/go`, '')
    const ends = await Promise.all([first.saw('finished'), second.saw('finished')])
    assert.deepEqual(
      ends.map(({ outcome }) => outcome),
      ['made', 'present'],
    )
    assert.deepEqual([(await first.saw('done')).built, (await second.saw('done')).built], [1, 0])
  })

  test('many processes share a graph', async () => {
    const store = temporaryStore()
    const layers: StorePath[][] = []
    for (let layer = 0; layer < 3; layer++) {
      layers.push(
        [0, 1, 2].map((index) => {
          const below = layers[layer - 1] ?? []
          const script = `echo ${index} ${below.map((path) => outputText(store, path)).join(' ')} > $out`
          return makeDerivation(store, {
            name: `l${layer}-${index}`,
            script,
            inputs: below.map((path) => [path] as const),
          })
        }),
      )
    }
    const processes = [0, 1, 2].map(() => startProcess(store, layers.at(-1)!, { jobs: 2 }))
    const done = await Promise.all(processes.map(({ saw }) => saw('done')))
    assert.equal(
      done.reduce((sum, { built }) => sum + built!, 0),
      9,
    )
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  })

  for (const sandbox of ['bubblewrap', 'unshare', 'proot']) {
    test(`kill -9 in the middle, then again (${sandbox})`, async (context) => {
      const store = temporaryStore()
      const mark = `77${process.pid}${sandbox.length}`
      const derivation = makeDerivation(store, {
        name: 'killed',
        script: `mkdir -p $out/d; echo half > $out/d/f; echo begun; test -e /build/again || sleep ${mark}.1 & (setsid sleep ${mark}.2 > /dev/null 2>&1 &); wait; echo whole > $out/d/f`,
      })
      const first = startProcess(store, [derivation], { sandbox })
      const begun = await Promise.race([first.saw('log'), first.saw('error')])
      if (begun.code === 'NO_SANDBOX') return context.skip(begun.message)
      first.child.kill('SIGKILL')
      await once(first.child, 'exit')
      for (let round = 0; round < 1000 && alive(mark) > 0; round++) await delay(50)
      assert.equal(alive(mark), 0, 'processes are left')
      assert.deepEqual(store.verify({ checkContents: true }).problems, [])
      assert.equal(store.isValid(store.parse(outputText(store, derivation))), false)
      assert.equal(readdirSync(`${store.ownDirectory}/build`).length, 1)
      const again = makeDerivation(store, { name: 'again', script: 'echo > $out' })
      await build(store, again)
      assert.deepEqual(readdirSync(`${store.ownDirectory}/build`), [])
    })

    test(`an abort leaves nothing behind (${sandbox})`, async (context) => {
      const store = temporaryStore()
      const mark = `66${process.pid}${sandbox.length}`
      const derivation = makeDerivation(store, {
        name: 'aborted',
        script: `mkdir $out; chmod 000 $out; (setsid sleep ${mark} > /dev/null 2>&1 &); echo begun; sleep ${mark}`,
      })
      const controller = new AbortController()
      const targets = [{ derivation, outputs: 'all' }] as const
      const running = realise(store, targets, {
        sandbox: sandbox as 'proot',
        signal: controller.signal,
        onEvent: (event) => event.kind === 'log' && controller.abort(),
      })
      const error = (await running.catch((reason: unknown) => reason)) as { code?: string; message: string }
      if (error.code === 'NO_SANDBOX') return context.skip(error.message)
      assert.equal(error.code, 'INTERRUPTED')
      assert.equal(alive(mark), 0)
      assert.deepEqual(readdirSync(`${store.ownDirectory}/build`), [])
      assert.deepEqual(store.verify({ checkContents: true }).problems, [])
      await assert.rejects(realise(store, targets, { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
    })
  }

  test('kill -9 at any moment leaves a store that verifies and goes on', async () => {
    const store = temporaryStore()
    const parts = [0, 1, 2, 3, 4, 5].map((index) =>
      makeDerivation(store, {
        name: `part-${index}`,
        script: `mkdir $out $dev; for i in 1 2 3 4 5 6 7 8 9; do echo $i > $out/$i; done; echo $out > $dev/x`,
        outputs: ['out', 'dev'],
      }),
    )
    const top = makeDerivation(store, {
      name: 'top',
      script: 'echo > $out',
      inputs: parts.map((path) => [path, 'dev'] as const),
    })
    for (let round = 0; round < 8; round++) {
      const { child } = startProcess(store, [top], { jobs: 2 })
      await delay(150 + round * 30)
      child.kill('SIGKILL')
      await once(child, 'exit')
      assert.deepEqual(store.verify({ checkContents: true }).problems, [])
    }
    await build(store, top)
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
    assert.deepEqual(readdirSync(`${store.ownDirectory}/build`), [])
  })

  test('a full disk is said to be full', async (context) => {
    const store = temporaryStore()
    const root = `${rootOf(store)}/small`
    mkdirSync(root)
    const script = 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"'
    const program = `import { openStore } from '@baryon/store'
      import { realise } from ${JSON.stringify(fileURLToPath(new URL('../index.ts', import.meta.url)))}
      import { makeDerivation } from ${JSON.stringify(fileURLToPath(new URL('./make-derivation.ts', import.meta.url)))}
      const store = openStore({ storeDirectory: '/cvmfs/full.test/nix/store', root: ${JSON.stringify(root)} })
      const derivation = makeDerivation(store, { name: 'big', script: 'head -c 50000000 /dev/zero > $out' })
      const code = await realise(store, [{ derivation, outputs: 'all' }]).then(() => 'made', (error) => error.code)
      const small = makeDerivation(store, { name: 'small', script: 'echo > $out' })
      const after = await realise(store, [{ derivation: small, outputs: 'all' }]).then(() => 'made', (error) => error.code)
      console.log(code, after, store.verify({ checkContents: true }).problems.length)`
    const result = spawnSync(
      'unshare',
      ['-Urm', 'sh', '-c', script, root, process.execPath, '--input-type=module-typescript', '-e', program],
      { encoding: 'utf8', cwd: fileURLToPath(new URL('..', import.meta.url)) },
    )
    if (/unshare failed|mount:/.test(result.stderr)) return context.skip(result.stderr)
    assert.equal(result.stdout, 'DISK_FULL made 0\n', result.stderr)
  })

  test('substitutes before it builds, and builds when that fails', async () => {
    const origin = temporaryStore()
    const store = temporaryStore()
    const make = (target: Store) => {
      const a = makeDerivation(target, { name: 'a', script: 'echo a > $out' })
      return makeDerivation(target, {
        name: 'b',
        script: `echo ${outputText(target, a)} > $out; exit $FAIL`,
        inputs: [[a]],
        env: { FAIL: '0' },
      })
    }
    await build(origin, make(origin))
    const top = make(store)
    const substituter = storeSubstituter(origin)
    const { report } = await build(store, top, { substituters: [substituter] })
    assert.deepEqual([report.built.length, report.substituted.map(({ name }) => name)], [0, ['a', 'b']])
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
    assert.equal(readFileSync(outputPlace(store, top), 'utf8'), readFileSync(outputPlace(origin, top), 'utf8'))
    const third = temporaryStore()
    const lying = {
      ...substituter,
      fetch: async () => {
        throw new Error('connection lost')
      },
    }
    const again = await build(third, make(third), { substituters: [lying] })
    assert.deepEqual([again.report.built.length, again.report.substituted.length], [2, 0])
  })
}
