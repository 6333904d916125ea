/** Caches in buckets of an S3 look-alike that checks every signature by the rules of the specification. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openCache, openLookup, pullPaths, pushPaths } from '@baryon/cache'
import { temporaryDirectory } from '@baryon/testing'
import { findCredentials, findRegion } from '../src/aws-credentials.ts'
import { emptyStore, expectSound, impatient, scene } from './scene.ts'

const key = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', token: 'a session' }

interface Bucket {
  readonly endpoint: string
  readonly objects: Map<string, Buffer>
  /** Anybody may read. */
  isPublic: boolean
}

async function serveBucket(t: TestContext, region: string): Promise<Bucket> {
  const objects = new Map<string, Buffer>()
  const bucket = { endpoint: '', objects, isPublic: false }
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const isRead = request.method !== 'PUT'
      if (
        !(bucket.isPublic && isRead && request.headers.authorization === undefined) &&
        !isSigned(request, body, region)
      ) {
        response.writeHead(isRead ? 403 : 401).end()
        return
      }
      const name = request.url!
      if (!isRead) {
        objects.set(name, body)
        response.writeHead(200).end()
        return
      }
      const object = objects.get(name)
      // As S3 does for those who may not list the bucket.
      if (object === undefined) response.writeHead(403).end()
      else
        response.writeHead(200, { 'content-length': object.length }).end(request.method === 'HEAD' ? undefined : object)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  bucket.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return bucket
}

/** The server's side: from the bytes of the request alone. */
function isSigned(request: http.IncomingMessage, body: Buffer, region: string): boolean {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(.*)$/
  const match = pattern.exec(request.headers.authorization ?? '')
  if (match === null) return false
  const [, id, day, usedRegion, names, signature] = match
  const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
  if (id !== key.id || usedRegion !== region || request.headers['x-amz-content-sha256'] !== sha256(body)) return false
  if (request.headers['x-amz-security-token'] !== key.token || !names!.split(';').includes('host')) return false
  const lines = names!.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
  const [path, query = ''] = request.url!.split('?')
  const canonical = [request.method, path, query, lines.join(''), names, sha256(body)].join('\n')
  const text = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'],
    `${day}/${region}/s3/aws4_request`,
    sha256(canonical),
  ].join('\n')
  const secret = [day!, region, 's3', 'aws4_request', text].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${key.secret}`,
  )
  return (secret as Buffer).toString('hex') === signature
}

const environment = { AWS_ACCESS_KEY_ID: key.id, AWS_SECRET_ACCESS_KEY: key.secret, AWS_SESSION_TOKEN: key.token }

for (const compression of ['none', 'zstd'] as const) {
  test(`a closure goes to a bucket and comes back (${compression})`, async (t) => {
    const { store, app, lib, source, text } = scene(t)
    const bucket = await serveBucket(t, 'eu-west-1')
    const url = `s3://hep-cache/some/folder?endpoint=${bucket.endpoint}&scheme=http&region=eu-west-1`
    const { storeDirectory } = store
    const address = { url, options: { storeDirectory, environment, ...impatient } }
    const report = await pushPaths(store, address, [app], { compression, writeListing: true })
    assert.equal(report.pushed.length, 4)
    assert.ok(bucket.objects.has(`/hep-cache/some/folder/${app.digest}.narinfo`))

    const trust = { keys: [], trustAll: true }
    const target = emptyStore(t)
    const lookup = await openLookup(openCache(url, address.options), { trust })
    await pullPaths(target, [{ lookup, address }], [app])
    expectSound(target, [app, lib, source, text])

    // Without credentials only a public bucket gives anything.
    const anonymous = { url, options: { storeDirectory, environment: { HOME: temporaryDirectory(t) }, ...impatient } }
    await assert.rejects(openLookup(openCache(url, anonymous.options), { trust }), { code: 'CACHE_MISSING' })
    await assert.rejects(pushPaths(store, anonymous, [app], { compression }), { code: 'FETCH_FORBIDDEN' })
    bucket.isPublic = true
    const open = await openLookup(openCache(url, anonymous.options), { trust })
    const second = emptyStore(t)
    await pullPaths(second, [{ lookup: open, address: anonymous }], [app])
    expectSound(second, [app])
  })
}

test('a wrong secret is refused', async (t) => {
  const { store, app } = scene(t)
  const bucket = await serveBucket(t, 'us-east-1')
  const wrong = { ...environment, AWS_SECRET_ACCESS_KEY: 'wrong' }
  const options = { storeDirectory: store.storeDirectory, environment: wrong, ...impatient }
  const url = `s3://hep-cache?endpoint=${bucket.endpoint}&scheme=http`
  await assert.rejects(pushPaths(store, { url, options }, [app], { compression: 'none' }), { code: 'FETCH_FORBIDDEN' })
  assert.equal(bucket.objects.size, 0)
})

test('credentials and regions are found where the tools of AWS keep them', (t) => {
  const home = temporaryDirectory(t)
  mkdirSync(join(home, '.aws'))
  writeFileSync(
    join(home, '.aws/credentials'),
    '# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[ci]\naws_access_key_id=C\naws_secret_access_key = D=+/\naws_session_token = E\n[empty]\n',
  )
  writeFileSync(join(home, '.aws/config'), '[default]\nregion = eu-west-1\n[profile ci]\nregion=us-west-2\n')
  const at = { HOME: home }
  const none = { sessionToken: undefined }
  assert.deepEqual(findCredentials(undefined, at), { keyId: 'A', secret: 'B', ...none })
  assert.deepEqual(findCredentials('ci', { ...at, ...environment }), { keyId: 'C', secret: 'D=+/', sessionToken: 'E' })
  assert.deepEqual(findCredentials(undefined, { ...at, AWS_PROFILE: 'ci' })?.keyId, 'C')
  assert.deepEqual(findCredentials(undefined, { ...at, ...environment })?.keyId, key.id)
  assert.equal(findCredentials(undefined, { HOME: temporaryDirectory(t) }), undefined)
  assert.throws(() => findCredentials('empty', at), { code: 'S3_CREDENTIALS' })
  assert.throws(() => findCredentials('nobody', at), { code: 'S3_CREDENTIALS' })
  assert.equal(findRegion(undefined, at), 'eu-west-1')
  assert.equal(findRegion('ci', at), 'us-west-2')
  assert.equal(findRegion('ci', { ...at, AWS_REGION: 'x' }), 'x')
  assert.equal(findRegion(undefined, { HOME: temporaryDirectory(t) }), 'us-east-1')
})
