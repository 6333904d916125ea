import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { isCacheUrl, parseCacheUrl } from './cache-url.ts'
import { narName } from './nar-url.ts'

test('names of caches', () => {
  const file = (text: string) => {
    const url = parseCacheUrl(text)
    return url.kind === 'file' ? url.directory : url.kind
  }
  assert.equal(file('/srv/cache'), '/srv/cache')
  assert.equal(file('cache?compression=none'), resolve('cache'))
  assert.equal(file('file:///srv/a%20b?trusted=1'), '/srv/a b')

  const http = parseCacheUrl('https://me:secret@cache.example.org/hep?priority=-3&compression-level=7')
  assert.ok(http.kind === 'http')
  assert.equal(http.base.href, 'https://me:secret@cache.example.org/hep/')
  assert.deepEqual([http.priority, http.compressionLevel, http.isTrusted], [-3, 7, false])

  const s3 = parseCacheUrl(
    's3://hep-cache/some/folder/?region=eu-west-1&profile=ci&endpoint=s3.example.org:9000&scheme=http',
  )
  assert.ok(s3.kind === 's3')
  assert.deepEqual(
    [s3.bucket, s3.prefix, s3.region, s3.profile, s3.endpoint, s3.scheme],
    ['hep-cache', 'some/folder/', 'eu-west-1', 'ci', 's3.example.org:9000', 'http'],
  )
  assert.ok(isCacheUrl('s3://x') && isCacheUrl('file:///x') && !isCacheUrl('/srv/root') && !isCacheUrl('root'))
})

test('what names no cache is refused', () => {
  for (const text of [
    '',
    'ftp://example.org',
    'file://host/x',
    's3://',
    'https://',
    '/srv?priority=high',
    '/srv?compresion=none',
    's3://bucket?scheme=gopher',
  ]) {
    assert.throws(() => parseCacheUrl(text), { code: 'CACHE_URL' }, text)
  }
})

test('no text leads to anything but a file below the cache, or an error with a code', () => {
  const path = { digest: '1'.repeat(32), name: 'x' }
  const caches = ['/srv/cache', 'http://example.org/hep'].map(parseCacheUrl)
  const pieces = fc.constantFrom(
    'nar',
    '..',
    '.',
    '/',
    '//',
    'http://example.org/hep/',
    'http://evil.org/',
    '%2e',
    '%2F',
    '\\',
    'a.nar',
    '?',
    '#',
    '\0',
    '@',
    ':',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces).map((list) => list.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (url) => {
        for (const cache of caches) {
          try {
            const name = narName(cache, { url, path })
            assert.ok(resolve('/srv/cache', name).startsWith('/srv/cache/'), name)
            assert.ok(new URL(name, 'http://example.org/hep/').href.startsWith('http://example.org/hep/'), name)
          } catch (error) {
            if (!(error instanceof UserError)) throw error
            assert.equal(error.code, 'NARINFO_URL')
          }
        }
      },
    ),
  )
  const [, web] = caches
  assert.equal(narName(web!, { url: 'http://example.org/hep/nar/a.nar', path }), 'nar/a.nar')
})
