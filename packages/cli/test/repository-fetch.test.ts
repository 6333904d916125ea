/** Store paths published to a repository, and fetched into another store. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { formatSecretKey, generateKeyPair, storePathBaseName } from '@baryon/format'
import { openStore } from '@baryon/store'
import { atEnd, cleanEnvironment, nixEnvironment, peer, temporaryDirectory, writeTree } from '@baryon/testing'
import { baryon, NAME, repositoryScene, type Scene } from './repository-scene.ts'

const storeDirectory = `/cvmfs/${NAME}/nix/store`
const { skip } = peer('nix-store')
const random = (size: number) => {
  const bytes = Buffer.alloc(size)
  for (let at = 0, state = size; at + 4 <= size; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes.writeUInt32LE(state, at)
  }
  return bytes
}

/** A published closure: a directory with all kinds of entries, one with a marker of its own, files and a link as paths. */
function populate({ directory, environment, good }: Scene) {
  const store = openStore({ root: environment.BARYON_ROOT!, storeDirectory })
  const text = store.addText('text', 'a text\n')
  const add = (name: string, tree: Parameters<typeof writeTree>[1]) => {
    writeTree(join(directory, name), tree)
    return store.addPath(name, join(directory, name))
  }
  const marked = add('marked', { entries: { '.cvmfscatalog': 'mine', below: { entries: { '.cvmfscatalog': '' } } } })
  const link = add('link', { symlink: store.format(text) })
  const program = add('program', { file: `#!${store.format(text)}\n`, mode: 0o755 })
  const top = add('top', {
    entries: {
      'odd \xe4\n': 'odd',
      empty: { entries: {} },
      large: random(17 << 20),
      link: { symlink: 'nowhere' },
      run: { file: 'x', mode: 0o755 },
      zero: '',
      ...Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`f${index}`, `contents ${index % 100}`])),
    },
  })
  store.registerValidPaths([
    { ...store.pathInfo(program), references: [text], contentAddress: undefined },
    { ...store.pathInfo(top), references: [top, marked, link, program], contentAddress: undefined },
  ])
  const key = generateKeyPair('test.example.org-1')
  writeFileSync(join(directory, 'secret'), formatSecretKey(key))
  good('cache', 'sign', '--key', 'secret', '-r', store.format(top))
  const infos = store.computeClosure([top]).map((path) => store.pathInfo(path))
  good('repository', 'create', NAME, '--dir', 'repo')
  good('repository', 'publish', 'repo', store.format(top), '--tag', 'v1')
  assert.match(good('repository', 'check', 'repo'), /: no problems$/)
  store.close()
  return { top, marked, text, infos, logical: `${storeDirectory}/${storePathBaseName(top)}` }
}

test('a closure comes over HTTP as it was, and nix-store finds nothing wrong', { skip }, async (t) => {
  const scene = repositoryScene(t)
  const { infos, logical, text, marked } = populate(scene)
  const server = await scene.serve('repo', '--port', '0', '--json')
  const url = JSON.parse(server.line).repositories[0].url as string
  const key = `repo.keys/${NAME}.pub`
  const root = join(temporaryDirectory(t), 'other')
  const fetch = (...words: string[]) => scene.away(['repository', 'fetch', url, '--key', key, '--root', root, ...words])
  const one = await fetch(`${storeDirectory}/${storePathBaseName(text)}`, '--json')
  assert.equal(one.status, 0, one.stderr)
  assert.equal(JSON.parse(one.stdout).pulled.length, 1)
  const before = server.stderr()
  const all = await fetch(logical, '--json')
  assert.equal(all.status, 0, all.stderr)
  assert.equal(JSON.parse(all.stdout).pulled.length, infos.length - 1)
  // Equal contents are fetched once: 100 small files, chunks, the others, catalogs, records, and what says what is current.
  const requests = server.stderr().slice(before.length).trim().split('\n').length
  assert.ok(requests < 140, String(requests))

  const store = openStore({ root, storeDirectory })
  assert.equal(store.allValidPaths().length, infos.length)
  for (const { registrationTime: _, ...info } of infos) {
    const { registrationTime: __, ...received } = store.pathInfo(info.path)
    assert.deepEqual({ ...received, ultimate: false }, { ...info, ultimate: false })
  }
  assert.equal(readFileSync(join(store.physicalPath(marked), '.cvmfscatalog'), 'utf8'), 'mine')
  assert.ok(!existsSync(join(store.physicalDirectory, storePathBaseName(infos.at(-1)!.path), '.cvmfscatalog')))
  const environment = { ...cleanEnvironment(temporaryDirectory(t)), ...nixEnvironment(store) }
  const verify = await run('nix-store', ['--verify', '--check-contents'], environment)
  assert.equal(verify.status, 0, verify.stderr)
  assert.doesNotMatch(verify.stderr, /modified|error|missing/)
  assert.deepEqual(
    readdirSync(join(store.ownDirectory, 'fetched')).filter((name) => /^\d/.test(name)),
    [],
  )
  store.close()
  const again = await fetch('--all', '--json')
  assert.deepEqual(JSON.parse(again.stdout).pulled, [])
})

test('what was interrupted goes on, and leaves nothing behind', { skip }, async (t) => {
  const scene = repositoryScene(t)
  const { infos, logical } = populate(scene)
  const server = await scene.serve('repo', '--port', '0', '--json')
  const url = JSON.parse(server.line).repositories[0].url as string
  const words = [
    'repository',
    'fetch',
    url,
    logical,
    '--key',
    `repo.keys/${NAME}.pub`,
    '--root',
    'other',
    '--jobs',
    '1',
  ]
  const own = join(scene.directory, 'other', dirname(storeDirectory), 'var/baryon/fetched')
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const child = spawn(baryon, words, { cwd: scene.directory, env: scene.environment, stdio: 'ignore' })
    atEnd(t, () => void child.kill('SIGKILL'))
    const end = once(child, 'exit')
    // As soon as something of the large path has come.
    while (child.exitCode === null && !(existsSync(join(own, '0')) && countFiles(join(own, '0')) > 40)) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    child.kill(signal)
    const [status] = await end
    // It may have been quicker than the signal.
    assert.ok(status === 130 || status === null || status === 0, `${signal}: ${status}`)
    if (signal === 'SIGINT' && status === 130) {
      const store = openStore({ root: join(scene.directory, 'other'), storeDirectory })
      const valid = new Set(store.allValidPaths().map(storePathBaseName))
      for (const name of readdirSync(store.physicalDirectory)) {
        assert.ok(name.startsWith('.') || valid.has(name), `left: ${name}`)
      }
      store.close()
    }
  }
  const { status, stderr } = await scene.away(words)
  assert.equal(status, 0, stderr)
  const store = openStore({ root: join(scene.directory, 'other'), storeDirectory })
  assert.equal(store.allValidPaths().length, infos.length)
  store.close()
  // Every object once, whoever asked; only what says what is current is asked for again, and what was on its way when it ended.
  const asked = new Map<string, number>()
  for (const line of server.stderr().trim().split('\n')) {
    const { target } = JSON.parse(line) as { target: string }
    asked.set(target, (asked.get(target) ?? 0) + 1)
  }
  const twice = [...asked].filter(([target, count]) => target.includes('/data/') && count > 1)
  assert.ok(twice.length <= 2 * 16, JSON.stringify(twice))
})

test('damaged, foreign and missing paths are refused', { skip }, async (t) => {
  const scene = repositoryScene(t)
  const { run: call, good, directory } = scene
  const { logical, top } = populate(scene)
  const fetch = (...words: string[]) => {
    const { status, stderr } = call('repository', 'fetch', 'repo', '--root', 'other', ...words)
    assert.equal(status, 1, stderr)
    return /error\[(\w+)\]/.exec(stderr)?.[1]
  }
  assert.equal(fetch(`${storeDirectory}/${'0'.repeat(32)}-none`), 'CACHE_PATH_MISSING')
  assert.equal(fetch(`/nix/store/${storePathBaseName(top)}`, '--store-dir', '/nix/store'), 'CVMFS_STORE_DIRECTORY')
  assert.equal(fetch(), 'USAGE')
  assert.equal(fetch(logical, '--revision', 'v9'), 'CVMFS_REVISION')
  // A tree that is not what its record says.
  const tampered = join(directory, 'tampered')
  mkdirSync(tampered)
  writeFileSync(join(tampered, 'x'), 'another')
  const text = good('repository', 'cat', 'repo', `/nix/store/${storePathBaseName(top)}/.cvmfscatalog`)
  writeFileSync(join(tampered, '.cvmfscatalog'), `${text}\n`)
  const at = `/nix/store/${storePathBaseName(top)}`
  good('repository', 'publish', 'repo', '--tree', tampered, '--at', at)
  assert.equal(fetch(logical), 'SIZE_MISMATCH')
  rmSync(join(tampered, '.cvmfscatalog'))
  good('repository', 'publish', 'repo', '--tree', tampered, '--at', at)
  assert.equal(fetch(logical), 'CVMFS_NO_RECORD')
  const store = openStore({ root: join(directory, 'other'), storeDirectory })
  assert.ok(!store.isValid(top))
  assert.ok(!existsSync(store.physicalPath(top)))
  store.close()
})

function countFiles(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
}

async function run(command: string, words: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(command, words, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [status] = await once(child, 'close')
  return { status: status as number, stderr }
}
