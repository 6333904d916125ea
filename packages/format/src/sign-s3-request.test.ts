/** The examples of the API reference of Amazon S3, and curl as a second opinion. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { isOnPath } from '@baryon/testing'
import { encodeS3Key, signS3Request } from './sign-s3-request.ts'

const credentials = { keyId: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const host = 'https://examplebucket.s3.amazonaws.com'
const now = new Date('2013-05-24T00:00:00Z')

const examples = [
  {
    what: 'GET with a range',
    request: { method: 'GET', url: new URL(`${host}/test.txt`), headers: { range: 'bytes=0-9' } },
    signedHeaders: 'host;range;x-amz-content-sha256;x-amz-date',
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    what: 'PUT of an object',
    request: {
      method: 'PUT',
      url: new URL(`${host}/${encodeS3Key('test$file.text')}`),
      headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      bodyHash: createHash('sha256').update('Welcome to Amazon S3.').digest('hex'),
    },
    signedHeaders: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    what: 'GET of a setting',
    request: { method: 'GET', url: new URL(`${host}/?lifecycle`), headers: {} },
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    what: 'GET of a list',
    request: { method: 'GET', url: new URL(`${host}/?max-keys=2&prefix=J`), headers: {} },
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
] as const

for (const { what, request, signedHeaders, signature } of examples) {
  test(`the published example: ${what}`, () => {
    const { authorization } = signS3Request(request, credentials, 'us-east-1', now)
    assert.equal(
      authorization,
      `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`,
    )
  })
}

test('curl signs the same request with the same signature', {
  skip: !isOnPath('curl') && 'curl is not installed',
}, async (t) => {
  const seen = Promise.withResolvers<http.IncomingMessage>()
  const server = http.createServer((request, response) => {
    seen.resolve(request)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket/nar/0a.nar`
  const { keyId, secret } = credentials
  const hash = createHash('sha256').digest('hex')
  const args = ['-s', '--aws-sigv4', 'aws:amz:eu-west-1:s3', '--user', `${keyId}:${secret}`]
  spawn('curl', [...args, '-H', `x-amz-content-sha256: ${hash}`, url], { stdio: 'ignore' })
  const { headers } = await seen.promise
  const time = String(headers['x-amz-date'])
  const date = new Date(time.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'))
  const ours = signS3Request({ method: 'GET', url: new URL(url), headers: {} }, credentials, 'eu-west-1', date)
  const signatureOf = (text: string | undefined): string | undefined => /Signature=([0-9a-f]{64})/.exec(text ?? '')?.[1]
  assert.match(headers.authorization!, /SignedHeaders=host;x-amz-content-sha256;x-amz-date,/)
  assert.ok(signatureOf(ours.authorization))
  assert.equal(signatureOf(ours.authorization), signatureOf(headers.authorization))
})
