/**
 * The tools of CernVM-FS on repositories of ours, and we on theirs. They are not part of this repository, nor of Debian: set `CVMFS_SWISSKNIFE` to a
 * `cvmfs_swissknife`, and `CVMFS_CLIENT` to a `cvmfs2` (its libraries in `CVMFS_LIBRARY_PATH`) for what needs root and `/dev/fuse`.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd, temporaryDirectory } from '@baryon/testing'
import {
  type Change,
  collectGarbage,
  createRepository,
  directoryStorage,
  formatContentHash,
  type HashAlgorithm,
  openPreparedCatalogs,
  openRepository,
  parseManifest,
  publish,
  readKeys,
  rotateCertificate,
} from '../index.ts'
import { assertRight } from './assert-right.ts'
import { DIRTABS, makeDirtabTree } from './dirtab-scene.ts'

const NAME = 'peer.example.org'
const program = process.env.CVMFS_SWISSKNIFE
const skip = program !== undefined && existsSync(program) ? false : 'CVMFS_SWISSKNIFE is not set to a cvmfs_swissknife'
const client = process.env.CVMFS_CLIENT
const noClient =
  client !== undefined && existsSync(client) && existsSync('/dev/fuse') && process.getuid?.() === 0
    ? false
    : 'CVMFS_CLIENT is not set to a cvmfs2 (and that needs root and /dev/fuse)'

const KINDS: readonly (readonly [HashAlgorithm, isCompressed: boolean])[] = [
  ['sha1', true],
  ['shake128', true],
  ['sha1', false],
]

for (const [algorithm, isCompressed] of KINDS) {
  const what = `${algorithm}, ${isCompressed ? 'compressed' : 'as it is'}`

  test(`check and scrub find nothing to say: ${what}`, { skip }, async (context) => {
    const place = await publishedPlace(context, algorithm, isCompressed)
    for (const words of [[], ['-n', 'v1'], ['-n', 'v2'], ['-n', 'trunk-previous'], ['-s', '/sw/nested']]) {
      assert.match(await place.check(place.directory, ...words), /no problems found/)
    }
    await swissknife(['scrub', '-r', join(place.directory, 'data')])
    await collectGarbage(place.options)
    assert.match(await place.check(place.directory), /no problems found/)
  })

  test(`pull makes a Stratum 1 that is right: ${what}`, { skip }, async (context) => {
    const place = await publishedPlace(context, algorithm, isCompressed)
    const replica = await place.pull()
    await swissknife(['scrub', '-r', join(replica, 'data')])
    await assertRight(context, replica, place.publicKey)
    await place.publish([{ kind: 'remove', at: '/sw/links' }], 'v3')
    await place.pull(replica)
    await assertRight(context, replica, place.publicKey)
    assert.deepEqual(manifestOf(replica), manifestOf(place.directory))
  })

  test(`sync publishes on top of us, and we on top of it: ${what}`, { skip }, async (context) => {
    const place = await publishedPlace(context, algorithm, isCompressed)
    await place.sync((union, scratch) => {
      const put = (path: string, text: string | Buffer): void => {
        for (const top of [union, scratch]) {
          mkdirSync(dirname(join(top, path)), { recursive: true })
          writeFileSync(join(top, path), text)
        }
      }
      put('sw/new', 'by the real tool')
      put('sw/nested/inner/deep/new', 'in a catalog of ours')
      put('sw/theirs/.cvmfscatalog', '')
      put('sw/theirs/large', noise(6 << 20))
      rmSync(join(union, 'sw/odd'), { recursive: true })
      writeFileSync(join(scratch, 'sw/.wh.odd'), '')
    })
    assert.match(await place.check(place.directory), /no problems found/)
    await assertRight(context, place.directory, place.publicKey)
    const files = await place.files()
    assert.equal(files.get('/sw/new'), sha1('by the real tool'))
    assert.equal(files.get('/sw/theirs/large'), sha1(noise(6 << 20)))
    assert.ok(![...files.keys()].some((path) => path.startsWith('/sw/odd')))

    await place.publish([{ kind: 'tree', at: '/sw/theirs/ours', from: place.tree }], 'ours')
    assert.match(await place.check(place.directory), /no problems found/)
    await swissknife(['scrub', '-r', join(place.directory, 'data')])
    await assertRight(context, place.directory, place.publicKey)
  })
}

test('gc collects what we published, and we go on', { skip }, async (context) => {
  const place = await publishedPlace(context, 'sha1', true)
  const before = objectCount(place.directory)
  await place.collect()
  assert.ok(objectCount(place.directory) < before)
  await swissknife(['scrub', '-r', join(place.directory, 'data')])
  // The manifest, which is signed, still names the former reflog.
  await place.publish([{ kind: 'tree', at: '/more', from: place.tree }], 'more')
  assert.match(await place.check(place.directory), /no problems found/)
  await assertRight(context, place.directory, place.publicKey)
})

test('what is attached again is right, and read again after gc', { skip }, async (context) => {
  const place = await publishedPlace(context, 'sha1', true)
  const publishPrepared = preparedPublisher(context, place)
  const right = async (): Promise<void> => {
    assert.match(await place.check(place.directory), /no problems found/)
    await swissknife(['scrub', '-r', join(place.directory, 'data')])
    await assertRight(context, place.directory, place.publicKey)
  }
  const remove: Change = { kind: 'remove', at: '/prepared' }
  assert.equal(await publishPrepared(), 0)
  const before = await place.files()
  await place.publish([remove])
  assert.equal(await publishPrepared(), 1)
  assert.deepEqual(await place.files(), before)
  await right()
  await place.pull()
  // The two last revisions have tags.
  await place.publish([remove])
  await place.publish([{ kind: 'tree', at: '/more', from: place.tree }])
  await place.collect()
  assert.equal(await publishPrepared(), 0)
  await right()
  const client = await place.pull()
  await swissknife(['scrub', '-r', join(client, 'data')])
})

test('dirtab makes the catalogs that are noted for the other tests', { skip }, async (context) => {
  const place = await publishedPlace(context, 'sha1', true)
  const [scratch, temporary] = [temporaryDirectory(context), temporaryDirectory(context)]
  const base = formatContentHash(manifestOf(place.directory).rootCatalog)
  const found: Record<string, readonly string[] | 'invalid'> = {}
  for (const dirtab of DIRTABS) {
    const union = temporaryDirectory(context)
    makeDirtabTree(union)
    writeFileSync(join(union, '.cvmfsdirtab'), dirtab)
    const words = ['dirtab', '-d', join(union, '.cvmfsdirtab'), '-u', union, '-s', scratch, '-b', base]
    const { status } = spawnSync(program!, [...words, '-w', `file://${place.directory}`, '-t', temporary])
    assert.ok(status === 0 || status === 1, `${dirtab}: status ${status}`)
    const markers = execFileSync('find', [union, '-name', '.cvmfscatalog', '-printf', '/%P\\n'], { encoding: 'latin1' })
      .split('\n')
      .filter((path) => path !== '')
      .map((path) => dirname(path))
    found[dirtab] = status === 0 ? markers.sort() : 'invalid'
  }
  const golden = join(import.meta.dirname, 'data/dirtab.json')
  const text = `${JSON.stringify(found, undefined, 2)}\n`
  if (process.env.BARYON_ACCEPT) writeFileSync(golden, text)
  assert.equal(text, readFileSync(golden, 'utf8'), 'run with BARYON_ACCEPT=1 to accept')
})

test('the client shows what was published, and a new revision after its TTL', { skip: noClient }, async (context) => {
  const place = await publishedPlace(context, 'sha1', true)
  const mount = await place.mount()
  const expected = await listing(place.tree)
  assert.deepEqual(await listing(join(mount, 'sw')), expected)
  await place.publish([{ kind: 'tree', at: '/later', from: place.tree }], 'later')
  for (let tries = 0; !(await run('ls', [mount])).includes('later'); tries++) {
    assert.ok(tries < 100, 'the client does not see the new revision')
    await new Promise((done) => setTimeout(done, 200))
  }
  assert.deepEqual(await listing(join(mount, 'later')), expected)
  const publishPrepared = preparedPublisher(context, place)
  await publishPrepared()
  await place.publish([{ kind: 'remove', at: '/prepared' }])
  assert.equal(await publishPrepared(), 1)
  for (let tries = 0; !(await run('ls', [mount])).includes('prepared'); tries++) {
    assert.ok(tries < 100, 'the client does not see what was attached')
    await new Promise((done) => setTimeout(done, 200))
  }
  const shown = await listing(join(mount, 'prepared'))
  assert.deepEqual(
    shown.filter((line) => !line.includes('.cvmfscatalog')),
    await listing(publishPrepared.from),
  )
})

/** Publishes what never changes, and tells how often it was attached. */
function preparedPublisher(context: TestContext, { options, tree }: Awaited<ReturnType<typeof publishedPlace>>) {
  const preparedCatalogs = openPreparedCatalogs(join(temporaryDirectory(context), 'prepared'))
  const from = temporaryDirectory(context)
  execFileSync('cp', ['-a', ...['links', 'odd', 'large', 'empty'].map((name) => join(tree, name)), from])
  writeFileSync(join(from, 'its own'), 'in no other tree')
  const change: Change = {
    ...{ kind: 'tree', at: '/prepared', from, isNested: true, isImmutable: true },
    contents: () => 'the contents',
  }
  const publishPrepared = async (): Promise<number> => {
    const { attached } = await publish({ ...options, preparedCatalogs, owner: { uid: 0, gid: 0 } }, [change])
    return attached
  }
  return Object.assign(publishPrepared, { from })
}

/** A repository with tags, former revisions, a rollback and a second certificate; served over HTTP. */
async function publishedPlace(context: TestContext, algorithm: HashAlgorithm, isCompressed: boolean) {
  const [directory, keyDirectory, cacheDirectory, scratch, tree] = Array.from({ length: 5 }, () =>
    temporaryDirectory(context),
  ) as [string, string, string, string, string]
  await createRepository({ name: NAME, directory, keyDirectory, algorithm, ttl: 1 })
  writeTree(tree)
  const storage = directoryStorage(directory)
  const { publicKey, masterKey } = readKeys(NAME, keyDirectory)
  const options = () => {
    const { privateKey, certificate } = readKeys(NAME, keyDirectory)
    return { storage, publicKeys: [publicKey], privateKey, certificate, cacheDirectory, isCompressed }
  }
  const publishAs = (changes: readonly Change[], tag?: string, base?: string) =>
    publish({ ...options(), base, ...(tag === undefined ? {} : { tag: { name: tag, description: tag } }) }, changes)
  await publishAs([{ kind: 'tree', at: '/sw', from: tree }], 'v1')
  await publishAs([{ kind: 'tree', at: '/again', from: tree }], 'v2')
  await publishAs([{ kind: 'remove', at: '/sw/nested' }])
  await publishAs([], undefined, 'v1')
  await rotateCertificate({
    ...{ storage, name: NAME, keyDirectory, publicKey, masterKey, cacheDirectory },
  })
  const url = await serve(context, directory)
  const key = join(keyDirectory, `${NAME}.pub`)
  const spooler = `local,${join(directory, 'data/txn')},${directory}`
  const place = {
    directory,
    tree,
    publicKey,
    options: options(),
    publish: publishAs,
    check: (where: string, ...words: string[]) =>
      swissknife(['check', '-c', '-r', where, '-k', key, '-N', NAME, '-t', scratch, ...words]),
    /** Copies to a directory, a new one or that of an earlier call. */
    async pull(former?: string): Promise<string> {
      const replica = former ?? temporaryDirectory(context)
      if (former === undefined) makeObjectDirectories(replica)
      const checksum = join(scratch, 'replica.chksum')
      await swissknife([
        ...['pull', '-m', NAME, '-u', url, '-w', `file://${replica}`, '-r', `local,${replica}/data/txn,${replica}`],
        ...[
          '-x',
          scratch,
          '-k',
          key,
          '-n',
          '4',
          '-t',
          '10',
          '-a',
          '1',
          '-R',
          checksum,
          former === undefined ? '-i' : '-p',
        ],
      ])
      assert.match(await place.check(replica, '-R', checksum), /no problems found/)
      return replica
    },
    /** Changes `union`, and `scratch` with whiteouts as aufs has them, and publishes that. */
    async sync(change: (union: string, scratch: string) => void): Promise<void> {
      const [below, union, changes] = [0, 1, 2].map(() => temporaryDirectory(context)) as [string, string, string]
      for (const top of [below, union]) cpSync(tree, join(top, 'sw'), { recursive: true, verbatimSymlinks: true })
      change(union, changes)
      const manifest = join(scratch, 'manifest')
      const { rootCatalog, reflog } = manifestOf(directory)
      const checksum = join(scratch, 'reflog.chksum')
      writeFileSync(checksum, formatContentHash(reflog!))
      const base = formatContentHash(rootCatalog)
      await swissknife([
        ...['sync', '-u', union, '-s', changes, '-c', below, '-t', scratch, '-b', base, '-r', spooler, '-w', url],
        ...[
          '-o',
          manifest,
          '-e',
          algorithm,
          '-Z',
          isCompressed ? 'default' : 'none',
          '-N',
          NAME,
          '-K',
          key,
          '-f',
          'aufs',
        ],
        ...['-p', '-l', String(1 << 20), '-a', String(2 << 20), '-h', String(4 << 20)],
      ])
      await swissknife([
        ...[
          'tag_edit',
          '-r',
          spooler,
          '-w',
          url,
          '-t',
          scratch,
          '-m',
          manifest,
          '-p',
          key,
          '-f',
          NAME,
          '-e',
          algorithm,
        ],
        ...['-b', base, '-x', '-a', 'theirs', '-D', 'by the real tool'],
      ])
      await swissknife([
        ...['sign', '-c', join(keyDirectory, `${NAME}.crt`), '-k', join(keyDirectory, `${NAME}.key`), '-n', NAME],
        ...['-u', url, '-m', manifest, '-t', scratch, '-r', spooler, '-g', '-R', checksum],
      ])
    },
    async collect(): Promise<void> {
      const checksum = join(scratch, 'gc.chksum')
      writeFileSync(checksum, formatContentHash(manifestOf(directory).reflog!))
      await swissknife([
        'gc',
        '-r',
        url,
        '-u',
        spooler,
        '-n',
        NAME,
        '-R',
        checksum,
        '-k',
        key,
        '-t',
        scratch,
        '-h',
        '0',
      ])
      assert.match(await place.check(directory, '-R', checksum), /no problems found/)
    },
    /** SHA-1 of the contents of all files. */
    async files(): Promise<Map<string, string>> {
      const repository = await openRepository({ source: storage, publicKeys: [publicKey], cacheDirectory })
      const revision = await repository.revision()
      const found = new Map<string, string>()
      for await (const entry of revision.walk()) {
        if (entry.kind !== 'file') continue
        const hash = createHash('sha1')
        for await (const piece of revision.read(entry)) hash.update(piece)
        found.set(entry.path, hash.digest('hex'))
      }
      await revision.close()
      return found
    },
    /** Mounts it with the real client until the test ends. */
    async mount(): Promise<string> {
      const [where, cache] = [temporaryDirectory(context), temporaryDirectory(context)]
      const configuration = join(scratch, 'client.conf')
      writeFileSync(
        configuration,
        `CVMFS_SERVER_URL=${url}
CVMFS_HTTP_PROXY=DIRECT
CVMFS_PUBLIC_KEY=${key}
CVMFS_CACHE_BASE=${cache}
CVMFS_RELOAD_SOCKETS=${cache}
CVMFS_SHARED_CACHE=no
CVMFS_USYSLOG=${cache}/log
`,
      )
      const libraries = process.env.CVMFS_LIBRARY_PATH ?? dirname(client!)
      const child = spawn(client!, ['-f', '-o', `config=${configuration}`, NAME, where], {
        env: { ...process.env, CVMFS_LIBRARY_PATH: libraries, LD_LIBRARY_PATH: libraries },
        stdio: 'ignore',
      })
      // It writes to its cache until it ends.
      const end = once(child, 'exit')
      atEnd(context, async () => {
        await run('umount', [where])
        await end
      })
      while (!(await run('cat', ['/proc/self/mounts'])).includes(` ${where} fuse `)) {
        assert.equal(child.exitCode, null, 'the client ended')
        await new Promise((done) => setTimeout(done, 50))
      }
      return where
    },
  }
  return place
}

function writeTree(top: string): void {
  const put = (path: string, contents: string | Buffer): void => {
    mkdirSync(dirname(join(top, path)), { recursive: true })
    writeFileSync(join(top, path), contents)
  }
  put('file', 'text')
  put('empty', '')
  for (const name of ['new\nline', ' spaces ', 'ünï', '-x', 'back\\slash', 'a'.repeat(255)]) put(`odd/${name}`, name)
  put('links/a', 'one of three')
  for (const name of ['b', 'c']) linkSync(join(top, 'links/a'), join(top, 'links', name))
  put('large', noise(20 << 20))
  put('zeros', Buffer.alloc(9 << 20))
  put('nested/.cvmfscatalog', '')
  put('nested/f', 'nested')
  put('nested/inner/deep/.cvmfscatalog', '')
  put('nested/inner/deep/g', 'deep')
  symlinkSync('../no where', join(top, 'odd/link'))
  execFileSync('mkfifo', [join(top, 'pipe')])
}

/** All that is below, with modes, targets of links and SHA-1 of contents. In a process of its own: this one serves what a mount shows. */
async function listing(top: string): Promise<string[]> {
  const script = `cd "$0" && find . -printf '%y %m %n %s %p %l\\0' && find . -type f -exec sha1sum -z {} +`
  // Sizes of directories are those of a file system, and not of a tree.
  return (await run('sh', ['-c', script, top]))
    .replace(/(?<=^|\0)(d \d+ \d+) \d+/g, '$1')
    .split('\0')
    .sort()
}

/** Bytes that do not compress, the same each time. */
function noise(size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(String(size)).digest()
}

function sha1(contents: string | Buffer): string {
  return createHash('sha1').update(contents).digest('hex')
}

function manifestOf(directory: string) {
  const { verify: _, ...manifest } = parseManifest(readFileSync(join(directory, '.cvmfspublished')))
  return manifest
}

function objectCount(directory: string): number {
  return readdirSync(join(directory, 'data'), { recursive: true }).length
}

function makeObjectDirectories(directory: string): void {
  mkdirSync(join(directory, 'data/txn'), { recursive: true })
  for (let byte = 0; byte < 256; byte++) mkdirSync(join(directory, 'data', byte.toString(16).padStart(2, '0')))
}

/** Of a plain web server. */
async function serve(context: TestContext, directory: string): Promise<string> {
  const server = createServer((request, response) => {
    const file = join(directory, new URL(request.url!, 'http://localhost').pathname)
    if (existsSync(file)) response.end(request.method === 'HEAD' ? '' : readFileSync(file))
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(context, () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Its output; a failure is one of the test. What it wants to write below `/var/spool/cvmfs/NAME` goes nowhere. */
function swissknife(words: readonly string[]): Promise<string> {
  const box = ['--dev-bind', '/', '/', '--tmpfs', '/var/spool', '--dir', `/var/spool/cvmfs/${NAME}`]
  return run('bwrap', [...box, program!, ...words])
}

async function run(command: string, words: readonly string[]): Promise<string> {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr.on('data', (text: Buffer) => (output += text.toString()))
  const [status] = await once(child, 'close')
  assert.equal(status, 0, `${command} ${words.join(' ')}\n${output}`)
  return output
}
