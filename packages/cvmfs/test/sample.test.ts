/** The repository that the real tool wrote reads back as the real client showed it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { httpSource, openRepository } from '../index.ts'
import { directorySource, type ObjectSource } from '../src/object-source.ts'
import type { Revision } from '../src/revision.ts'

const data = join(import.meta.dirname, 'data')
const publicKeys = [readFileSync(join(data, 'sample.pub'))]

for (const [kind, makeSource] of Object.entries({ directory: sampleDirectory, http: sampleServer })) {
  for (const tag of ['v1', 'v2']) {
    test(`${tag} from ${kind}`, async (context) => {
      const repository = await openRepository({
        source: await makeSource(context),
        publicKeys,
        cacheDirectory: temporaryDirectory(context),
        name: 'sample.hep.example',
      })
      assert.deepEqual(
        (await repository.tags()).map(({ name }) => name),
        ['trunk', 'v2', 'trunk-previous', 'v1'],
      )
      const revision = await repository.revision(tag)
      const found = await records(revision)
      await revision.close()
      // Times have more digits than a number.
      const listing = readFileSync(join(data, `sample-${tag}.jsonl`), 'utf8').replace(
        /"mtime": (\d+)/g,
        '"mtime": "$1"',
      )
      const lines = listing.trim().split('\n')
      assert.deepEqual(found, lines.map((line) => JSON.parse(line)).sort(byPath))
    })
  }
}

test('the current revision is the newest', async (context) => {
  const source = directorySource(join(data, 'sample'))
  const repository = await openRepository({ source, publicKeys, cacheDirectory: temporaryDirectory(context) })
  const revision = await repository.revision()
  const tagged = await repository.revision('v2')
  assert.deepEqual(await records(revision), await records(tagged))
  await assert.rejects(repository.revision('v3'), { code: 'CVMFS_REVISION' })
  await revision.close()
  await tagged.close()
})

/** As the listings have them. */
async function records(revision: Revision): Promise<object[]> {
  const list: object[] = []
  for await (const entry of revision.walk()) {
    const record: Record<string, unknown> = {
      path: entry.path === '' ? '/' : Buffer.from(entry.path, 'latin1').toString('utf8'),
      mode: `0o${entry.mode.toString(8)}`,
      ...(entry.kind === 'directory' ? {} : { size: entry.size }),
      mtime: String(BigInt(entry.mtime) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds ?? 0)),
      nlink: entry.linkCount,
      uid: entry.uid,
      gid: entry.gid,
    }
    if (entry.kind === 'file') {
      const hash = createHash('sha256')
      for await (const piece of revision.read(entry)) hash.update(piece)
      record.sha256 = hash.digest('hex')
    }
    if (entry.kind === 'symlink') {
      // The client that made the listing had no variables set.
      record.target = entry.target.replace(/\$\(\w+:-([^)]*)\)/g, '$1')
      record.size = String(record.target).length
    }
    if (entry.xattrs.size > 0) record.xattr = Object.fromEntries(entry.xattrs)
    list.push(record)
  }
  return list.sort(byPath)
}

function byPath(a: object, b: object): number {
  return (a as { path: string }).path < (b as { path: string }).path ? -1 : 1
}

async function sampleDirectory(): Promise<ObjectSource> {
  return directorySource(join(data, 'sample'))
}

async function sampleServer(context: TestContext): Promise<ObjectSource> {
  const server = createServer((request, response) => {
    const stream = createReadStream(join(data, 'sample', decodeURIComponent(request.url!.replace('/cvmfs/sample', ''))))
    stream.on('error', () => response.writeHead(404).end())
    stream.pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return httpSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/cvmfs/sample`)
}
