/** Replicas through a real Squid, as sites have it between them and the Stratum 1. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeTree } from '@baryon/testing'
import { NAME, repositoryScene } from './repository-scene.ts'
import { loggedLines, type SquidResult, skip, startSquid } from './squid.ts'

test('objects come through Squid once, then from its memory, and without it when it is dead', { skip }, async (t) => {
  const scene = repositoryScene(t)
  const { directory, good } = scene
  good('repository', 'create', NAME, '--dir', 'repo')
  const entries = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`f${index}`, Buffer.alloc(10_000 * index, `contents ${index}`)]),
  )
  writeTree(join(directory, 'tree'), { entries })
  good('repository', 'publish', 'repo', '--tree', 'tree', '--at', '/x', '--uncompressed')
  const server = await scene.serve('repo', '--port', '0', '--max-age', '0', '--json')
  const squid = await startSquid(t)
  const origin = JSON.parse(server.line).repositories[0].url as string
  const key = `repo.keys/${NAME}.pub`
  const replicate = async (target: string, proxies: string) => {
    const words = ['repository', 'replicate', origin, target, '--key', key, '--json']
    const { status, stdout, stderr } = await scene.away(words, { CVMFS_HTTP_PROXY: proxies })
    assert.equal(status, 0, stderr)
    assert.match(good('repository', 'check', target, '--key', key), /: no problems$/)
    return JSON.parse(stdout) as { readonly revision: number; readonly objects: number }
  }
  const proxies = `http://127.0.0.1:1;${squid.url};DIRECT`
  // Manifest and whitelist, and the certificate once to believe them.
  const besides = 3

  const first = await replicate('one', proxies)
  const misses = await squid.results(first.objects + besides - 1)
  assert.ok(first.objects > 40)
  assert.ok(objects(misses).length >= first.objects)
  for (const { result, method } of objects(misses).slice(1)) {
    assert.equal(method, 'GET')
    assert.match(result, /^TCP_(MISS|MEM_HIT|HIT)\/200$/)
  }
  assert.equal(new Set(objects(misses, 'MISS').map(({ url }) => url)).size, first.objects)
  // Every request of the server came from Squid.
  const asked = await loggedLines(server.stderr, forwarded(misses))
  assert.ok(asked.length <= misses.length, `${asked.length} requests for ${misses.length}`)

  const second = await replicate('two', proxies)
  const hits = await squid.results(second.objects + besides - 1)
  assert.equal(second.objects, first.objects)
  for (const { result, url } of objects(hits)) assert.match(result, /^TCP_(MEM_)?HIT\/200$/, url)
  // What may change was asked for again, and had not changed.
  for (const { result, url } of hits) {
    if (url.includes('/.cvmfs')) assert.match(result, /^TCP_REFRESH_UNMODIFIED\/200$/, url)
  }
  const now = (await loggedLines(server.stderr, asked.length + forwarded(hits))).slice(asked.length)
  assert.ok(now.length > 0)
  for (const line of now) assert.equal(JSON.parse(line).status, 304, line)

  // A new revision is seen at once, and only what is new is asked for.
  writeTree(join(directory, 'more'), 'more')
  good('repository', 'publish', 'repo', '--tree', 'more', '--at', '/x/more')
  const third = await replicate('two', proxies)
  assert.equal(third.revision, 3)
  assert.ok(third.objects < 6)
  assert.ok(objects(await squid.results(third.objects)).length <= third.objects + 2)

  await squid.kill()
  const fourth = await replicate('three', proxies)
  assert.ok(fourth.objects > first.objects)
})

function objects(results: readonly SquidResult[], kind = ''): SquidResult[] {
  return results.filter(({ url, result }) => url.includes('/data/') && result.includes(kind))
}

/** How many of the requests Squid has sent on. */
function forwarded(results: readonly SquidResult[]): number {
  return results.filter(({ result }) => /^TCP_(MISS|REFRESH)/.test(result)).length
}
