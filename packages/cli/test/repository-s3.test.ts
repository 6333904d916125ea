/** A repository in a bucket, from the command line. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { S3_ENVIRONMENT, serveBucket, writeTree } from '@baryon/testing'
import { NAME, repositoryScene } from './repository-scene.ts'

test('a bucket is as good as a directory', async (t) => {
  const { directory, away } = repositoryScene(t)
  const bucket = await serveBucket(t, 'us-east-1')
  const place = `s3://hep/cvmfs/${NAME}?endpoint=${bucket.endpoint}&scheme=http`
  writeTree(join(directory, 'tree'), { entries: { a: 'text', b: 'other' } })
  const call = async (...words: string[]) => away(['repository', ...words], S3_ENVIRONMENT)
  const good = async (...words: string[]): Promise<string> => {
    const { status, stdout, stderr } = await call(...words)
    assert.equal(status, 0, `${words.join(' ')}\n${stderr}`)
    return stdout.trim()
  }
  assert.match(await good('create', NAME, '--dir', place), /^s3:.*: revision 1 of hep\.example\.org, empty\nkeys: /)
  const published = await good('publish', place, '--tree', 'tree', '--at', '/x', '--tag', 'v1')
  assert.match(published, /revision 2, 3 entries/)
  assert.equal(await good('cat', place, '/x/a', '--keys', `${NAME}.keys`), 'text')
  assert.match(await good('log', place, '--key', `${NAME}.keys/${NAME}.pub`), /v1/)
  await good('publish', place, '--remove', '/x/a')
  await good('whitelist', place, '--rotate')
  await good('rollback', place, 'v1')
  await good('gc', place)
  assert.match(await good('check', place, '--tags', '--keys', `${NAME}.keys`), /: no problems$/)
  const again = await call('create', NAME, '--dir', place)
  assert.match(again.stderr, /^error\[CVMFS_EXISTS\]/)
  const anonymous = await away(['repository', 'publish', place, '--remove', '/x'])
  assert.match(anonymous.stderr, /^error\[CVMFS_(S3|MISSING)\]/)
  const unknown = await call('publish', place.replace('scheme', 'schema'), '--remove', '/x')
  assert.match(unknown.stderr, /^error\[CACHE_URL\]/)
})
