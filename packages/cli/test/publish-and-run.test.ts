/**
 * From a recipe to a node that knows nothing of us: built for two compilers, published, replicated through Squid, mounted, run
 * from the mount; then one package changes, and the change is taken back, under the eyes of a program that runs.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { atEnd, type Cleanup, fuseDevice, type OrdinaryUser, ordinaryUser } from '@baryon/testing'
import { keptRoot } from './kept-root.ts'
import { baryon } from './repository-scene.ts'
import { skip, startSquid } from './squid.ts'

const NAME = 'lhcb.example.org'
const MOUNT = `/cvmfs/${NAME}`
const PLATFORMS = ['x86_64-debian12-gcc12-opt', 'x86_64-debian12-gcc11-opt'] as const
const device = fuseDevice()
const EXPECTED = '100 events, 200 particles, 19020.000 GeV'

test('build, publish, replicate, mount and run; change, and change back', {
  skip: process.arch === 'x64' ? skip || device.skip : 'the toolchain is for x86_64',
  timeout: 1_200_000,
}, async (t) => {
  const user = ordinaryUser(t)
  const root = keptRoot(user.uid)
  const call = (...words: readonly string[]): string => {
    const { status, stdout, stderr } = user.run(baryon, words, {
      environment: { BARYON_ROOT: root, BARYON_STORE_DIR: `${MOUNT}/nix/store` },
    })
    assert.equal(status, 0, `baryon ${words.join(' ')}\n${stderr.slice(-4000)}`)
    return stdout.trim()
  }
  const first = build(user, call, 'one')
  const second = build(user, call, 'two')
  assert.equal(new Set([...first, ...second]).size, 4)

  call('repository', 'create', NAME, '--dir', 'origin')
  const release = (paths: readonly string[], tag: string) => {
    call('repository', 'publish', 'origin', ...paths)
    const tree = join(user.home, `release-${tag}`)
    mkdirSync(tree, { recursive: true })
    for (const [index, platform] of PLATFORMS.entries()) symlinkSync(paths[index]!, join(tree, platform))
    call('repository', 'publish', 'origin', '--tree', tree, '--at', '/current', '--tag', tag)
  }
  release(first, 'one')

  // A Stratum 1, which is filled and read through Squid.
  const squid = await startSquid(t)
  const key = join(user.home, `origin.keys/${NAME}.pub`)
  const origin = await serve(t, user, root, 'origin')
  const replicate = () => {
    const words = ['repository', 'replicate', origin, 'stratum1', '--key', key]
    const environment = { BARYON_ROOT: root, CVMFS_HTTP_PROXY: squid.url }
    const { status, stderr } = user.run(baryon, words, { environment })
    assert.equal(status, 0, stderr)
  }
  replicate()
  const stratum1 = await serve(t, user, root, 'stratum1')

  // The node has no store, only the mount.
  const node = {
    BARYON_ROOT: join(user.home, 'nothing'),
    XDG_CACHE_HOME: join(user.home, 'node'),
    CVMFS_HTTP_PROXY: squid.url,
  }
  const script = `
    grep " ${MOUNT} " /proc/self/mounts
    for platform in ${PLATFORMS.join(' ')}; do ${MOUNT}/current/$platform/bin/physics; done
    last=
    while :; do
      now=$(${MOUNT}/current/${PLATFORMS[0]}/bin/physics)
      [ "$now" = "$last" ] || { echo "now $now"; last=$now; }
      sleep 0.2
    done`
  const mount = ['repository', 'mount', stratum1, MOUNT, '--key', key, '--ttl', '1', '--', 'sh', '-c', script]
  const [program = baryon, ...words] = [...device.words, baryon, ...mount]
  const child = spawn(program, words, {
    cwd: user.home,
    env: { ...user.environment, ...node },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const errors = untilTheEnd(t, child, 'SIGTERM')
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next()
    assert.ok(done !== true, `the mount ended: ${errors()}`)
    return value
  }
  const [, mountPoint, type, options] = (await line()).split(' ')
  assert.deepEqual([mountPoint, type], [MOUNT, 'fuse'])
  assert.match(options!, /^ro,/)
  assert.equal(await line(), `physics one: ${EXPECTED}`)
  assert.equal(await line(), `physics one: ${EXPECTED}`)
  assert.equal(await line(), `now physics one: ${EXPECTED}`)
  assert.equal(existsSync(node.BARYON_ROOT), false)
  assert.ok((await squid.results(10)).some(({ url, result }) => url.includes('/data/') && result.startsWith('TCP_')))

  release(second, 'two')
  replicate()
  assert.equal(await line(), `now physics two: ${EXPECTED}`)

  call('repository', 'rollback', 'origin', 'one')
  replicate()
  assert.equal(await line(), `now physics one: ${EXPECTED}`)
  assert.match(call('repository', 'check', 'origin'), /: no problems$/)
  assert.match(call('repository', 'check', 'stratum1', '--key', key), /: no problems$/)
})

/** The program for each platform. */
function build(user: OrdinaryUser, call: (...words: readonly string[]) => string, version: string): readonly string[] {
  const recipe = join(user.home, `recipe-${version}`)
  cpSync(join(import.meta.dirname, 'data/physics'), join(recipe, 'src'), { recursive: true })
  writeFileSync(
    join(recipe, 'default.nix'),
    `{ platform }:
import ${resolve(import.meta.dirname, '../../../stacks/hep')} {
  inherit platform;
  overlays = [
    (self: super: {
      physics = self.stdenv.mkDerivation {
        pname = "physics";
        version = "${version}";
        src = ./src;
        buildInputs = [ self.hepmc3 ];
        buildPhase = ''$CXX -O2 -DVERSION='"${version}"' main.cc -o physics -lHepMC3'';
        installPhase = "install -D physics $out/bin/physics";
      };
    })
  ];
}
`,
  )
  const platforms = PLATFORMS.flatMap((platform) => ['--platform', platform])
  const { results } = JSON.parse(call('build', '-f', recipe, 'physics', ...platforms, '--no-link', '--json')) as {
    readonly results: readonly { readonly platform: string; readonly path: string }[]
  }
  return PLATFORMS.map((platform) => results.find((result) => result.platform === platform)!.path)
}

/** The URL of the repository in a directory. */
async function serve(t: Cleanup, user: OrdinaryUser, root: string, directory: string): Promise<string> {
  const words = ['repository', 'serve', directory, '--port', '0', '--max-age', '0', '--quiet', '--json']
  const child = user.spawn(baryon, words, { env: { BARYON_ROOT: root }, stdio: ['ignore', 'pipe', 'pipe'] })
  const errors = untilTheEnd(t, child, 'SIGKILL')
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line).repositories[0].url
  throw new Error(`the server ended: ${errors()}`)
}

/** Ends a process with the test. What is given says what is in its standard error so far. */
function untilTheEnd(t: Cleanup, child: ChildProcess, signal: NodeJS.Signals): () => string {
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  atEnd(t, async () => {
    child.kill(signal)
    await ended
  })
  let errors = ''
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  return () => errors
}
