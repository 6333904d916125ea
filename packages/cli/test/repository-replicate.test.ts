/** `baryon repository replicate` from a server that many would give up. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, writeTree } from '@baryon/testing'
import { NAME, repositoryScene } from './repository-scene.ts'

test('a copy is made of a server that drops every object several times, and has no mirror', async (t) => {
  const { directory, good, away } = repositoryScene(t)
  good('repository', 'create', NAME, '--dir', 'repo')
  writeTree(join(directory, 'tree'), { entries: { small: 'text', other: 'other text' } })
  good('repository', 'publish', 'repo', '--tree', 'tree', '--at', '/')
  const asked = new Map<string, number>()
  const server = createServer((request, response) => {
    const name = request.url!
    const count = (asked.get(name) ?? 0) + 1
    asked.set(name, count)
    const file = join(directory, 'repo', name)
    if (name.startsWith('/data/') && count <= 4) request.socket.destroy()
    else if (existsSync(file)) response.end(readFileSync(file))
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const key = join('repo.keys', `${NAME}.pub`)
  const { status, stderr } = await away(['repository', 'replicate', url, 'copy', '--key', key])
  assert.equal(status, 0, stderr)
  good('repository', 'check', 'copy', '--key', key, '--tags')
})
