/** `baryon repository serve` as a process, and curl as its client. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { isOnPath, writeTree } from '@baryon/testing'
import { NAME, repositoryScene, type Scene } from './repository-scene.ts'

const skip = isOnPath('curl') ? false : 'curl is not installed'

/** A repository with an object that is larger than the buffers between. */
function populate({ directory, good }: Scene): string {
  good('repository', 'create', NAME, '--dir', 'repo')
  writeTree(join(directory, 'tree'), { entries: { small: 'text', large: Buffer.alloc(3 << 20, 'large contents') } })
  good('repository', 'publish', 'repo', '--tree', 'tree', '--at', '/x', '--uncompressed')
  return join(directory, 'repo')
}

function objectOfSize(repository: string, size: number): string {
  for (const prefix of readdirSync(join(repository, 'data'))) {
    for (const file of readdirSync(join(repository, 'data', prefix))) {
      const name = `data/${prefix}/${file}`
      if (readFileSync(join(repository, name)).length === size) return name
    }
  }
  throw new Error(`no object of ${size} bytes`)
}

test('curl gets files, parts and heads, and resumes; nothing private is there', { skip }, async (t) => {
  const scene = repositoryScene(t)
  const repository = populate(scene)
  writeFileSync(join(repository, 'secret'), 'secret')
  symlinkSync('/etc/passwd', join(repository, 'data/00', '0'.repeat(38)))
  const { line: url, child, end, stderr } = await scene.serve('repo', '--port', '0')
  const curl = (...words: string[]) =>
    execFileSync('curl', ['--silent', '--show-error', '--path-as-is', ...words], { maxBuffer: 1 << 24 })
  const head = (path: string, ...words: string[]) => curl('--head', ...words, `${url}${path}`).toString()
  const base = `/cvmfs/${NAME}`

  const manifest = readFileSync(join(repository, '.cvmfspublished'))
  assert.deepEqual(curl(`${url}${base}/.cvmfspublished`), manifest)
  assert.deepEqual(curl(`${url}/.cvmfspublished`), manifest)
  assert.match(
    head(`${base}/.cvmfspublished`),
    /^HTTP\/1.1 200 OK\r\n[\s\S]*Cache-Control: public, max-age=61, must-revalidate/,
  )
  const tag = join(scene.directory, 'etag')
  curl('--etag-save', tag, `${url}${base}/.cvmfspublished`)
  assert.match(head(`${base}/.cvmfspublished`, '--etag-compare', tag), /^HTTP\/1.1 304 /)
  scene.good('repository', 'publish', 'repo', '--remove', '/x/small')
  assert.match(head(`${base}/.cvmfspublished`, '--etag-compare', tag), /^HTTP\/1.1 200 /)

  const large = objectOfSize(repository, 3 << 20)
  const bytes = readFileSync(join(repository, large))
  assert.match(head(`${base}/${large}`), /Content-Length: 3145728\r\n/)
  assert.match(head(`${base}/${large}`), /Cache-Control: public, max-age=31536000, immutable/)
  assert.deepEqual(curl('--range', '1000000-2999999', `${url}${base}/${large}`), bytes.subarray(1_000_000, 3_000_000))
  const partial = join(scene.directory, 'partial')
  writeFileSync(partial, bytes.subarray(0, 1_234_567))
  curl('--continue-at', '-', '--output', partial, `${url}${base}/${large}`)
  assert.deepEqual(readFileSync(partial), bytes)

  for (const path of [
    '/',
    base,
    `${base}/`,
    `${base}/data/`,
    `${base}/data/00`,
    `${base}/data/00/${'0'.repeat(38)}`,
    `${base}/secret`,
    `${base}/data/txn/publish.lock`,
    `${base}/../repo.keys/${NAME}.masterkey`,
    `${base}/%2e%2e/repo.keys/${NAME}.masterkey`,
    `/cvmfs/../repo.keys/${NAME}.masterkey`,
    '/cvmfs/other.example.org/.cvmfspublished',
  ]) {
    assert.match(head(path), /^HTTP\/1.1 404 /, path)
  }
  assert.match(head(`${base}/.cvmfspublished`, '--request', 'PUT'), /^HTTP\/1.1 405 /)
  child.kill('SIGINT')
  assert.deepEqual(await end, [0, null])
  assert.match(stderr(), /^127\.0\.0\.1 GET \/cvmfs\/hep\.example\.org\/\.cvmfspublished 200 \d+ [\d.]+ms$/m)
})

test('several repositories, as records; a download in progress is cut at the end', async (t) => {
  const scene = repositoryScene(t)
  const repository = populate(scene)
  scene.good('repository', 'create', 'two.example.org', '--dir', 'two')
  const { line, child, end, stderr } = await scene.serve('repo', 'two', '--listen', '127.0.0.1:0', '--json')
  const { url, repositories } = JSON.parse(line)
  assert.deepEqual(
    repositories.map(({ name }: { name: string }) => name),
    [NAME, 'two.example.org'],
  )
  for (const one of repositories) {
    const text = await (await fetch(`${one.url}/.cvmfspublished`)).text()
    assert.match(text, new RegExp(`^N${one.name}$`, 'm'))
  }
  assert.equal((await fetch(`${url}/.cvmfspublished`)).status, 404)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.end(`GET /cvmfs/${NAME}/${objectOfSize(repository, 3 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await new Promise((resolve) => socket.once('readable', resolve))
  socket.destroy()
  child.kill('SIGTERM')
  assert.deepEqual(await end, [0, null])
  const records = stderr()
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as { status: number; target: string })
  assert.deepEqual(records.map(({ status }) => status).sort(), [200, 200, 200, 404])
})

test('what is wrong with the call', (t) => {
  const scene = repositoryScene(t)
  scene.good('repository', 'create', NAME, '--dir', 'repo')
  for (const [status, message, ...words] of [
    [1, /^error\[CVMFS_NO_REPOSITORY\]/, scene.directory],
    [1, /^error\[CVMFS_NAME_TWICE\]/, 'repo', './repo'],
    [2, /either --listen or --port/, 'repo', '--port', '1', '--listen', ':1'],
    [2, /--port 70000/, 'repo', '--port', '70000'],
    [2, /--max-age -1/, 'repo', '--max-age=-1'],
  ] as const) {
    const result = scene.run('repository', 'serve', ...words)
    assert.match(result.stderr, message)
    assert.equal(result.status, status)
  }
})
