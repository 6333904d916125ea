/** `baryon repository mount` as a user that is not root, on what the real tool wrote and what the real client showed of it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { atEnd, fuseDevice, type OrdinaryUser, ordinaryUser } from '@baryon/testing'
import { allGone, gone } from './processes-of-home.ts'
import { startSquid, skip as withoutSquid } from './squid.ts'

const baryon = resolve(import.meta.dirname, '../../../bin/baryon')
const data = resolve(import.meta.dirname, '../../cvmfs/test/data')
const sample = join(data, 'sample')
const key = join(data, 'sample.pub')
const lister = join(import.meta.dirname, 'list-tree.py')
const POINT = '/cvmfs/sample.hep.example'
const python = '/usr/bin/python3'
const device = fuseDevice()

describe('baryon repository mount', { skip: device.skip }, () => {
  test('shows what the real client shows, from a directory and over HTTP', async (t) => {
    const scene = createScene(t)
    const server = await serve(t, sample)
    for (const source of [sample, server.url]) {
      const result = await scene.mount(source, [python, lister, POINT])
      assert.equal(result.status, 0, result.stderr)
      assert.deepEqual(shown(result.stdout, scene.user), expected())
    }
  })

  test('hard links are one file, names are bytes, and nothing can be written', async (t) => {
    const scene = createScene(t)
    const script = `cd ${POINT}
      [ lhcb/a -ef lhcb/b ] && echo linked
      ls -i lhcb | awk '$2 == "a" || $2 == "b" { print $1 }' | uniq | wc -l
      cat "odd names/with space" >/dev/null && echo odd
      dd if=lhcb/events.raw bs=1 skip=9000000 count=5 2>/dev/null | wc -c
      (echo > new || true) 2>&1
      (echo >> lhcb/new || true) 2>&1`
    const result = await scene.mount(sample, ['sh', '-c', script])
    assert.match(result.stdout, /^linked\n1\nodd\n5\n.*Read-only file system\n.*Read-only file system\n$/)
  })

  test('status, signals, output and directory are those of the command, and nothing stays behind', async (t) => {
    const scene = createScene(t)
    const result = await scene.mount(sample, ['sh', '-c', 'cat; pwd; exit 7'], { input: 'input ' })
    assert.deepEqual(result, { status: 7, signal: null, stdout: `input ${scene.user.home}\n`, stderr: '' })
    const pid = await scene.mount(sample, [python, '-c', attribute('user.pid', `${POINT}/lhcb`)])
    await gone(Number(pid.stdout))
    const waiting = scene.start(sample, ['sh', '-c', 'echo here; exec sleep 1000'])
    await waiting.line('here')
    waiting.process.kill('SIGTERM')
    assert.equal((await waiting.end).signal, 'SIGTERM')
    assert.equal((await scene.mount(sample, ['no such command'])).status, 127)
  })

  test('a mount point of the user, and one below a directory that only shows what it has', async (t) => {
    const scene = createScene(t)
    const own = join(scene.user.home, 'a b/mnt')
    const result = await scene.mount(sample, ['ls', own], { point: own })
    assert.equal(result.stdout, 'empty\nlcg\nlhcb\nodd names\n', result.stderr)
    assert.deepEqual(readdirSync(own), [])
    const below = await scene.mount(sample, ['sh', '-c', 'ls -d /usr/share/baryon-test/x/lhcb /usr/bin/env'], {
      point: '/usr/share/baryon-test/x',
    })
    assert.equal(below.stdout, '/usr/bin/env\n/usr/share/baryon-test/x/lhcb\n', below.stderr)
    assert.equal(existsSync('/usr/share/baryon-test'), false)
  })

  test('what was read is read without a server; what was not is an error that says why', async (t) => {
    const scene = createScene(t)
    const server = await serve(t, sample)
    const first = await scene.mount(server.url, ['cat', `${POINT}/lhcb/a`])
    assert.equal(first.stdout, 'hello\n', first.stderr)
    server.close()
    const script = `cat ${POINT}/lhcb/a; cat ${POINT}/lhcb/events.raw; ${python} -c '${attribute('user.logbuffer', POINT)}'`
    const second = await scene.mount(server.url, ['sh', '-c', script])
    assert.match(second.stderr, /events\.raw: Input\/output error/)
    assert.match(
      second.stdout,
      /^hello\n.* error\[CVMFS_HTTP\]: .*\.cvmfspublished.*\n.* error\[CVMFS_HTTP\]: .*data\//,
    )
    const other = createScene(t)
    const never = await other.mount(server.url, ['true'])
    assert.equal(never.status, 1)
    assert.match(never.stderr, /^error\[CVMFS_HTTP\]: /)
  })

  test('everything comes through Squid, and past proxies that are dead', { skip: withoutSquid }, async (t) => {
    const scene = createScene(t)
    const server = await serve(t, sample)
    const squid = await startSquid(t)
    const environment = { CVMFS_HTTP_PROXY: `http://127.0.0.1:1;${squid.url}` }
    const result = await scene.mount(server.url, [python, lister, POINT], { environment })
    assert.deepEqual(shown(result.stdout, scene.user), expected(), result.stderr)
    assert.ok(server.count('') > 15)
    const answered = new Set((await squid.results(server.count(''))).map(({ url }) => url))
    assert.deepEqual(
      server.asked.filter((name) => !answered.has(`${server.url}/${name}`)),
      [],
    )
  })

  test('damaged objects are errors of who reads, and never kept', async (t) => {
    const scene = createScene(t)
    let isDamaged = true
    const server = await serve(t, sample, (name, bytes) => {
      if (isDamaged && /^data\/..\/[0-9a-f]{38}P?$/.test(name)) bytes[bytes.length >> 1]! ^= 1
      return bytes
    })
    const reading = scene.start(server.url, [
      'sh',
      '-c',
      `cd ${POINT}/lhcb; cat new events.raw >/dev/null; echo damaged; read go; cat new; cksum <events.raw`,
    ])
    await reading.line('damaged')
    assert.deepEqual(
      cached(scene).filter((name) => !/[CX]$/.test(name)),
      [],
    )
    isDamaged = false
    reading.process.stdin!.end('go\n')
    const { stdout, stderr } = await reading.end
    assert.match(stderr, /new: Input\/output error\n.*events\.raw: Input\/output error/)
    assert.match(stdout, /^damaged\nnew\n\d+ 18874368\n$/)
  })

  test('who waits for a server that says nothing can be stopped, and holds up nobody', async (t) => {
    const scene = createScene(t)
    const server = await serve(t, sample, (name, bytes) => (name.endsWith('P') ? undefined : bytes))
    const script = `cd ${POINT}/lhcb; timeout -s INT 1 cat events.raw; echo "status $?"; cat a`
    const result = await scene.mount(server.url, ['sh', '-c', script])
    assert.equal(result.stdout, 'status 124\nhello\n', result.stderr)
    assert.ok(server.count('data/') > 0)
  })

  test('a newer revision is shown when its time has come, an older one never', async (t) => {
    const scene = createScene(t)
    const repository = join(scene.user.home, 'repository')
    const tree = join(scene.user.home, 'tree')
    const publish = (files: Readonly<Record<string, string>>): void => {
      mkdirSync(tree, { recursive: true })
      for (const [name, contents] of Object.entries(files)) writeFileSync(join(tree, name), contents)
      scene.good('repository', 'publish', repository, '--tree', tree, '--at', '/dir/sub')
    }
    scene.good('repository', 'create', 'test.example.org', '--dir', repository)
    publish({ file: 'first\n' })
    const old = readFileSync(join(repository, '.cvmfspublished'))
    // That there was no such file is forgotten as well.
    const script = `cd ${POINT}/dir/sub; cat file; ls ..; ls ${POINT}/dir/sub/fresh 2>/dev/null; echo ready
      until [ "$(cat ${POINT}/dir/sub/file)" = second ]; do sleep 0.1; done
      cat ${POINT}/dir/sub/fresh
      cat file; pwd -P; ls`
    const reading = scene.start(repository, ['sh', '-c', script], { options: ['--ttl', '1'] })
    await reading.line('ready')
    publish({ file: 'second\n', fresh: 'fresh\n' })
    const result = await reading.end
    assert.equal(result.stdout, `first\nsub\nready\nfresh\nsecond\n${POINT}/dir/sub\nfile\nfresh\n`, result.stderr)
    writeFileSync(join(repository, '.cvmfspublished'), old)
    const again = await scene.mount(repository, [
      'sh',
      '-c',
      `cat ${POINT}/dir/sub/file; ${python} -c '${attribute('user.logbuffer', POINT)}'`,
    ])
    assert.match(again.stdout, /^second\n.*error\[CVMFS_ROLLBACK\]/)
  })

  test('two mounts and eight readers share a cache; a mount whose server is killed comes back', async (t) => {
    const scene = createScene(t)
    const server = await serve(t, sample)
    const readers = `cd ${POINT}; for i in 1 2 3 4 5 6 7 8; do (find . -type f -exec cksum {} + | sort | cksum) & done; wait`
    const results = await Promise.all([1, 2].map(() => scene.mount(server.url, ['sh', '-c', readers])))
    const sums = results.flatMap(({ stdout }) => stdout.trim().split('\n'))
    assert.equal(sums.length, 16)
    assert.equal(new Set(sums).size, 1, sums.join())
    assert.ok(server.count('data/') < 60, `asked ${server.count('data/')} times`)
    const killing = `${python} -c 'import os, signal; os.kill(int(os.getxattr("${POINT}", "user.pid")), signal.SIGKILL)'
      sleep 0.2; cat ${POINT}/lhcb/a; mount | grep -c ${POINT}`
    const killed = await scene.mount(server.url, ['sh', '-c', killing])
    assert.match(killed.stderr, /not connected/)
    assert.equal((await scene.mount(server.url, ['cat', `${POINT}/lhcb/a`])).stdout, 'hello\n')
  })

  test('the cache stays below its quota', async (t) => {
    const scene = createScene(t)
    const script = `cd ${POINT}; ${python} -c '${attribute('user.pid', POINT)}'; find . -type f -exec cat {} + | wc -c`
    const result = await scene.mount(sample, ['sh', '-c', script], { options: ['--quota', '12'] })
    const [pid, count] = result.stdout.split('\n').map(Number)
    assert.ok(count! > 18_000_000, result.stderr)
    // The server may still be removing.
    await gone(pid!)
    const size = cached(scene).reduce((sum, name) => sum + statSync(join(cacheOf(scene), name)).size, 0)
    assert.ok(size <= 12e6, `${size} bytes are left`)
    assert.ok(size > 0)
  })

  test('what one run read is here before the next one asks for it', async (t) => {
    const first = createScene(t)
    const trace = join(first.user.home, 'a trace')
    const reads = `cd ${POINT}; cat lhcb/a; dd if=lhcb/events.raw bs=1 skip=18000000 count=5 2>/dev/null; cat 'odd names/with space'`
    const recorded = await first.mount(sample, ['sh', '-c', reads], { options: ['--record', trace] })
    // Of two names of one file the other one stands there.
    const lines = [...new Set(readFileSync(trace, 'latin1').trimEnd().split('\n'))]
    assert.deepEqual(
      lines.map((line) => line.replace(/^[1-9]\d*/, 'N')),
      ['0 /lhcb/b', 'N /lhcb/events.raw', '0 /odd names/with space'],
    )

    // Without a server at the time of reading.
    const second = createScene(t)
    const server = await serve(t, sample)
    const running = second.start(server.url, ['sh', '-c', `echo waiting; read go; ${reads}`], {
      options: ['--prefetch', trace],
    })
    await running.line('waiting')
    while (cached(second).filter((name) => !/[CX]$/.test(name)).length < lines.length) await delay(20)
    server.close()
    running.process.stdin!.end('go\n')
    assert.equal((await running.end).stdout, `waiting\n${recorded.stdout}`)

    // Published with what it is of; names that are gone do no harm, and one that is none is said.
    const third = createScene(t)
    const tree = join(third.user.home, 'tree')
    const home = third.user.home
    const script = `mkdir '${tree}'; cd '${tree}'; echo data > file; printf '0 /gone\\n0 /t/file\\n0 /\\n' > trace; echo none > bad`
    assert.equal(third.user.run('sh', ['-c', script]).status, 0)
    const origin = join(home, 'origin')
    third.good('repository', 'create', 'sample.hep.example', '--dir', origin)
    third.good('repository', 'publish', origin, '--tree', tree, '--at', '/t')
    const command = ['sh', '-c', `${python} -c '${attribute('user.logbuffer', POINT)}'; sleep 0.5; cat ${POINT}/t/file`]
    const good = await third.mount(origin, command, { options: ['--prefetch', `${POINT}/t/trace`] })
    assert.equal(good.stdout, '\ndata\n', good.stderr)
    const late = ['sh', '-c', `sleep 1; ${python} -c '${attribute('user.logbuffer', POINT)}'`]
    const bad = await third.mount(origin, late, { options: ['--prefetch', `${POINT}/t/bad`] })
    assert.match(bad.stdout, /error\[MOUNT_TRACE\]: line 1 of the trace is no offset and path/)
    for (const option of ['--prefetch', '--record']) {
      const none = await third.mount(origin, ['true'], { options: [option, join(home, 'no such directory/trace')] })
      assert.match(none.stderr, /^error\[MOUNT_TRACE\]: .*ENOENT/)
    }
  })

  test('what is missing is said', async (t) => {
    const scene = createScene(t)
    const wrongKey = join(scene.user.home, 'wrong.pub')
    writeFileSync(wrongKey, readFileSync(key, 'latin1').replace(/MIIB/, 'MIIC'))
    const wrong = await scene.mount(sample, ['echo', 'not run'], { key: wrongKey, options: ['--json'] })
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, /^error\[CVMFS_PUBLIC_KEY\]/)
    assert.equal(JSON.parse(wrong.stdout).error.code, 'CVMFS_PUBLIC_KEY')
    for (const point of [key, '', '/', '/usr/..']) {
      assert.equal((await scene.mount(sample, ['echo', 'not run'], { point })).status, 2, point)
    }
    const cases = [
      ['FUSE_FORBIDDEN', fuseDevice('600').words],
      ['FUSE_MISSING', fuseDevice('666', 'mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3').words],
      ['NO_NAMESPACE', [...device.words, ...without('echo 0 > /proc/sys/user/max_user_namespaces')]],
    ] as const
    for (const [code, words] of cases) {
      if (process.geteuid!() !== 0 && code !== 'NO_NAMESPACE') continue
      const result = await scene.mount(sample, ['true'], { words })
      assert.equal(result.status, 1, result.stdout)
      assert.match(result.stderr, new RegExp(`^error\\[${code}\\]: .*\nhint: `))
    }
  })
})

test('root shows the owners that the catalogs name', {
  skip: process.geteuid!() === 0 ? device.skip : 'not root',
}, async (t) => {
  const scene = createScene(t)
  const words = ['env']
  const result = await scene.mount(sample, ['stat', '-c', '%u %g', `${POINT}/lhcb/a`], { words })
  assert.equal(result.stdout, '0 0\n', result.stderr)
})

interface Result {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface MountOptions {
  readonly point?: string
  readonly key?: string
  readonly input?: string
  readonly options?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Before the command, instead of those that give it a device. */
  readonly words?: readonly string[]
}

interface Scene {
  readonly user: OrdinaryUser
  /** Runs a command that has the repository. */
  mount(repository: string, command: readonly string[], options?: MountOptions): Promise<Result>
  start(repository: string, command: readonly string[], options?: MountOptions): Running
  /** Another command of baryon, which has to succeed. */
  good(...words: string[]): void
}

interface Running {
  readonly process: ChildProcess
  readonly end: Promise<Result>
  /** Until the command has printed the line. */
  line(text: string): Promise<void>
}

function createScene(t: TestContext): Scene {
  const user = ordinaryUser(t)
  // A server ends after its command, and writes what it has compiled.
  atEnd(t, () => allGone(user.home))
  const start = (repository: string, command: readonly string[], options: MountOptions = {}): Running => {
    const { point = POINT, words = device.words } = options
    const keys = existsSync(`${repository}.keys`) ? [] : ['--key', options.key ?? key]
    const line = [...words, baryon, 'repository', 'mount', repository, point, ...keys, ...(options.options ?? [])]
    const child = spawn(line[0]!, [...line.slice(1), '--', ...command], {
      cwd: user.home,
      env: { ...user.environment, ...options.environment },
    })
    atEnd(t, () => void child.kill('SIGKILL'))
    if (options.input !== undefined) child.stdin.end(options.input)
    return watch(child)
  }
  return {
    user,
    start,
    mount: (repository, command, options) => {
      const running = start(repository, command, options)
      running.process.stdin!.end()
      return running.end
    },
    good: (...words) => {
      const result = user.run(baryon, words)
      assert.equal(result.status, 0, result.stderr)
    },
  }
}

function watch(child: ChildProcess): Running {
  let stdout = ''
  let stderr = ''
  let wake = (): void => {}
  child.stdout!.on('data', (piece) => {
    stdout += piece
    wake()
  })
  child.stderr!.on('data', (piece) => {
    stderr += piece
  })
  const end = new Promise<Result>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => {
      resolve({ status, signal, stdout, stderr })
      wake()
    })
  })
  return {
    process: child,
    end,
    line: async (text) => {
      while (!`\n${stdout}`.includes(`\n${text}\n`)) {
        assert.equal(child.exitCode, null, `ended without '${text}': ${stdout}${stderr}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

/** A program of Python that prints an extended attribute. */
function attribute(name: string, path: string): string {
  return `import os; print(os.getxattr("${path}", "${name}").decode())`
}

function cacheOf({ user }: Scene): string {
  return join(user.home, '.cache/baryon/cvmfs')
}

function cached(scene: Scene): string[] {
  return readdirSync(cacheOf(scene), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^[0-9a-f]{2}\/./.test(name),
  )
}

/** As user 65534, in a namespace that was prepared by root of it. */
function without(setUp: string): readonly string[] {
  return ['unshare', '-Urm', 'sh', '-ec', `${setUp}\nexec setpriv --bounding-set=-all --inh-caps=-all "$@"`, 'sh']
}

/** The records of a listing, without what is not the repository's; links are files with one number. */
function shown(lines: string, { uid }: OrdinaryUser): object[] {
  const list = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const record of list) {
    assert.equal(record.uid, uid)
    delete record.ino
    delete record.uid
    delete record.gid
  }
  return list
}

function expected(): object[] {
  const listing = readFileSync(join(data, 'sample-v2.jsonl'), 'utf8').replace(/"mtime": (\d+)/g, '"mtime": "$1"')
  const list = listing
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const record of list) {
    delete record.uid
    delete record.gid
  }
  return list
}

/** What `change` gives undefined for is never answered. */
async function serve(
  t: TestContext,
  directory: string,
  change = (_name: string, bytes: Buffer): Buffer | undefined => bytes,
) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const name = request.url!.slice('/cvmfs/sample/'.length)
    asked.push(name)
    const file = join(directory, name)
    if (!existsSync(file)) {
      response.writeHead(404).end()
      return
    }
    const bytes = change(name, readFileSync(file))
    if (bytes !== undefined) response.end(bytes)
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  atEnd(t, close)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/cvmfs/sample`,
    close,
    /** Names of files, in the order in which they were asked for. */
    asked: asked as readonly string[],
    count: (prefix: string) => asked.filter((name) => name.startsWith(prefix)).length,
  }
}
