import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chooseSandbox, type SandboxChoice } from '../src/sandbox/choose-sandbox.ts'
import { hostProgram } from '../src/sandbox/host-program.ts'
import { hostShell } from '../src/sandbox/host-shell.ts'
import type { BuilderEnd, RunningBuilder, Sandbox, SandboxRequest, WorkDirectory } from '../src/sandbox/sandbox.ts'
import { asUnprivileged } from './unprivileged.ts'

const STORE = '/cvmfs/sandbox.test/nix/store'
const top = mkdtempSync(join(tmpdir(), 'baryon-sandbox-'))
after(() => {
  spawnSync('chmod', ['-R', 'u+w', top])
  rmSync(top, { recursive: true, force: true })
})

if (asUnprivileged(import.meta.url)) {
  for (const tier of ['bubblewrap', 'unshare', 'proot'] as const) {
    const sandbox = trySandbox(tier)
    describe(`sandbox ${tier}`, { skip: typeof sandbox === 'string' ? sandbox : false }, () => {
      if (typeof sandbox !== 'string') defineTests(sandbox)
    })
  }

  test('without user namespaces only proot is left, and without that nothing', (context) => {
    const script =
      'echo 0 > /proc/sys/user/max_user_namespaces; test -z "$HIDE" || mount --bind /dev/null "$HIDE";' +
      ' exec setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs "$@"'
    const choose = (hide: string) => {
      const module = fileURLToPath(new URL('../src/sandbox/choose-sandbox.ts', import.meta.url))
      const code = `import { chooseSandbox } from ${JSON.stringify(module)}
        try { console.log(chooseSandbox().tier) } catch (error) { console.log(error.code, error.hint) }`
      const command = [process.execPath, '--input-type=module-typescript', '-e', code]
      return spawnSync('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...command], {
        env: { ...process.env, HIDE: hide },
        encoding: 'utf8',
      })
    }
    const proot = hostProgram('proot')
    if (proot === undefined) return context.skip('proot is not installed')
    const withProot = choose('')
    assert.equal(withProot.stdout, 'proot\n', withProot.stderr)
    const without = choose(proot)
    assert.match(without.stdout, /^NO_SANDBOX install bubblewrap or proot, .*--sandbox none\n$/, without.stderr)
  })
}

function defineTests(sandbox: Sandbox): void {
  test('shows the same world everywhere', async () => {
    const { text, end } = await run(
      sandbox,
      'id -u; id -g; pwd; echo $HOME; ls -A /; ls /etc; ls /build; ls -A $STORE; cat $STORE/one/f; cat $STORE/two; cat $STORE/three/f',
    )
    assert.deepEqual(end, { status: 0, setupFailed: false })
    const lines = text.trim().split('\n')
    assert.deepEqual(lines.slice(0, 4), ['1000', '100', '/build', '/homeless-shelter'])
    assert.deepEqual(lines.slice(4), [
      ...['bin', 'build', 'cvmfs', 'dev', 'etc', 'proc', 'tmp'],
      ...['group', 'hosts', 'passwd'],
      'here',
      'one',
      'three',
      'two',
      'in one',
      'in two',
      'in one',
    ])
  })
  test('shows no undeclared input and nothing of the host', async () => {
    writeFileSync(join(top, 'secret'), 'x')
    const { text } = await run(sandbox, `cat ${top}/secret; ls /usr /home /var; echo end`)
    assert.doesNotMatch(text, /^x/m)
    assert.match(text, /secret.*No such file[\s\S]*\/usr.*No such[\s\S]*\/home.*No such[\s\S]*\/var.*No such[\s\S]*end/)
  })
  test('keeps inputs as they are', async () => {
    const { text } = await run(
      sandbox,
      'echo new > $STORE/one/f; rm -f $STORE/two $STORE/one/f; touch $STORE/one/g; touch /new; cat $STORE/one/f',
    )
    assert.match(text, /in one\n$/)
    assert.equal(existsSync(join(top, 'physical/one/g')), false)
  })
  test('passes bytes and empty strings as they are', async () => {
    const odd = '\xff\xfe \'q" \\ \n$x \xe4'
    const { text } = await run(sandbox, 'printf "[%s]" "$ODD" "$@"; printf "%s" "$EMPTY$LD_LIBRARY_PATH" ', {
      env: { ODD: odd, EMPTY: '', LD_LIBRARY_PATH: '/nowhere' },
      args: [odd, ''],
    })
    assert.equal(text, `[${odd}][${odd}][]/nowhere`)
  })
  test('has exactly the environment that was asked for', async () => {
    const { text } = await run(sandbox, 'cat /proc/self/environ | tr "\\0" "\\n" | sort')
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .filter((line) => !/^(SHLVL|_|OLDPWD)=/.test(line)),
      ['HOME=/homeless-shelter', 'PATH=/bin', 'PWD=/build', `STORE=${STORE}`],
    )
  })
  test('can open its standard streams by name, and keeps their order', async () => {
    const { text } = await run(
      sandbox,
      'echo 1; echo 2 >&2; echo 3 > /dev/stderr; echo 4 > /dev/stdout; echo 5 > /proc/self/fd/2',
    )
    assert.equal(text, '1\n2\n3\n4\n5\n')
  })
  test('has its own network, processes and name, or says that it has not', async () => {
    if (sandbox.tier === 'proot') return assert.match(sandbox.lost.join('; '), /network.*processes/)
    const { text } = await run(
      sandbox,
      'cat /proc/net/dev | tail -n +3 | cut -d: -f1; hostname; ls /proc | grep -c "^[0-9]"; cat /proc/1/environ > /dev/null && echo readable',
    )
    const [network, name, processes] = text
      .trim()
      .split('\n')
      .map((line) => line.trim())
    assert.equal(network, 'lo')
    assert.equal(name, 'localhost')
    assert.ok(Number(processes) < 10, text)
  })
  test('reports how the builder ended', async () => {
    assert.equal((await run(sandbox, 'exit 7')).end.status, 7)
    const killed = await run(sandbox, 'kill -SEGV $$')
    assert.equal(killed.end.status, sandbox.tier === 'proot' ? 255 : 128 + 11)
    const missing = await start(sandbox, { builder: '/no/such/builder' }).then(collect)
    assert.notEqual(missing.end.status, 0)
    assert.match(missing.text, /no\/such\/builder/)
  })
  test('a daemon ends with the builder', async () => {
    const mark = `88${process.pid}1`
    const { end, text } = await run(sandbox, `(setsid sleep ${mark} > /dev/null 2>&1 &); (sleep ${mark} &); exit 0`)
    assert.deepEqual(end, { status: 0, setupFailed: false }, text)
    assert.equal(running(mark), 0)
  })
  test('is killed as a whole', async () => {
    const mark = `88${process.pid}2`
    const builder = await start(sandbox, { args: ['-c', `(setsid sleep ${mark} &); echo started; sleep ${mark}`] })
    await once(builder.output, 'data')
    builder.kill()
    const { end } = await collect(builder)
    assert.notEqual(end.status, 0)
    await delay(100)
    assert.equal(running(mark), 0)
  })
  test('is killed when its owner is killed', async () => {
    const mark = `88${process.pid}3`
    const child = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('./killed-owner.ts', import.meta.url)), sandbox.tier, mark, top],
      { encoding: 'utf8', timeout: 20_000 },
    )
    assert.equal(child.signal, 'SIGKILL', child.stderr)
    for (let round = 0; round < 50 && running(mark) > 0; round++) await delay(100)
    assert.equal(running(mark), 0)
  })
  test('takes hundreds of inputs', async () => {
    const inputs: SandboxRequest['inputs'][number][] = []
    mkdirSync(join(top, 'many'), { recursive: true })
    for (let index = 0; index < 400; index++) {
      const name = `input with space ${index}`
      writeFileSync(join(top, 'many', name), String(index))
      inputs.push({ source: join(top, 'many', name), name, kind: 'regular' })
    }
    const { text } = await run(sandbox, 'ls $STORE | wc -l; cat "$STORE/input with space 399"', { inputs })
    assert.equal(text, '400\n399')
  })
}

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly inputs?: SandboxRequest['inputs']
  readonly builder?: string
}

let count = 0

async function run(
  sandbox: Sandbox,
  script: string,
  options: Options = {},
): Promise<{ text: string; end: BuilderEnd }> {
  return collect(await start(sandbox, { ...options, args: ['-c', script, 'sh', ...(options.args ?? [])] }))
}

async function collect(builder: RunningBuilder): Promise<{ text: string; end: BuilderEnd }> {
  const chunks: Buffer[] = []
  builder.output.on('data', (chunk: Buffer) => chunks.push(chunk))
  const end = await builder.ended
  return { text: Buffer.concat(chunks).toString('latin1'), end }
}

export async function start(sandbox: Sandbox, options: Options): Promise<RunningBuilder> {
  const path = join(top, `${sandbox.tier}-${++count}`)
  const work: WorkDirectory = {
    path,
    build: `${path}/build`,
    store: `${path}/store`,
    temporary: `${path}/tmp`,
    etc: `${path}/etc`,
    root: `${path}/root`,
  }
  for (const directory of Object.values(work)) mkdirSync(directory, { recursive: true })
  writeFileSync(`${work.build}/here`, '')
  for (const name of ['passwd', 'group', 'hosts']) writeFileSync(`${work.etc}/${name}`, '')
  const physical = join(top, 'physical')
  if (!existsSync(physical)) {
    mkdirSync(`${physical}/one`, { recursive: true })
    writeFileSync(`${physical}/one/f`, 'in one\n')
    writeFileSync(`${physical}/two`, 'in two\n')
    for (const name of ['one/f', 'two', 'one']) chmodSync(`${physical}/${name}`, name === 'one' ? 0o555 : 0o444)
  }
  if (options.inputs === undefined) symlinkSync('one', `${work.store}/three`)
  return sandbox.start({
    work,
    storeDirectory: STORE,
    builder: options.builder ?? '/bin/sh',
    args: options.args ?? [],
    env: new Map(Object.entries({ HOME: '/homeless-shelter', PATH: '/bin', PWD: '/build', STORE, ...options.env })),
    inputs: options.inputs ?? [
      { source: `${physical}/one`, name: 'one', kind: 'directory' },
      { source: `${physical}/two`, name: 'two', kind: 'regular' },
      { source: `${physical}/three`, name: 'three', kind: 'symlink' },
    ],
    usr: undefined,
    hostFiles: hostShell(),
    network: false,
  })
}

function trySandbox(tier: SandboxChoice): Sandbox | string {
  try {
    return chooseSandbox(tier)
  } catch (error) {
    return (error as Error).message
  }
}

function running(mark: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(mark)
    } catch {
      return false
    }
  }).length
}
