import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { narUrl, parseTarget } from './parse-target.ts'

const digest = '0123456789abcdfghijklmnpqrsvwxyz'
const narHash = '1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3'

test('every kind of address', () => {
  assert.deepEqual(parseTarget('/nix-cache-info'), { kind: 'cache-info' })
  assert.deepEqual(parseTarget(`/${digest}.narinfo`), { kind: 'narinfo', digest })
  assert.deepEqual(parseTarget(`/${digest}.ls`), { kind: 'listing', digest })
  for (const coding of ['none', 'zstd', 'gzip'] as const)
    assert.deepEqual(parseTarget(`/${narUrl(digest, narHash, coding)}`), { kind: 'nar', digest, narHash, coding })
  assert.deepEqual(parseTarget(`/nar/${narHash}.nar.xz`), { kind: 'upload', fileHash: narHash })
  assert.deepEqual(parseTarget('/debuginfo/abcdef.debug'), { kind: 'debug-info', buildId: 'abcdef' })
  assert.deepEqual(parseTarget(`/log/${digest}-a%2Bb%3F.drv`), { kind: 'log', baseName: `${digest}-a+b?.drv` })
  assert.deepEqual(parseTarget(`/log/${digest}-a+b?=.drv`), { kind: 'log', baseName: `${digest}-a+b?=.drv` })
})

test('what does not exist', () => {
  const targets = [
    '',
    '/',
    '//nix-cache-info',
    '/nix-cache-info?x',
    `/${digest}.narinfo/`,
    `/${digest.replace('0', 'e')}.narinfo`,
    `/${digest}.narinfo%00`,
    `/nar/${digest}-${narHash}.nar.xz`,
    `/nar/../${digest}.narinfo`,
    '/log/../../../etc/passwd',
    '/log/..%2f..%2fetc%2fpasswd',
    `/log/${digest}-..%2f..%2f..%2fx.drv`,
    `/log/${digest}-a%00.drv`,
    `/log/${digest}-a`,
    '/debuginfo/../x',
    '/debuginfo/ab',
    'http://127.0.0.1/nix-cache-info',
  ]
  for (const target of targets) assert.equal(parseTarget(target), undefined, target)
})

test('no address, however it is made, names a file outside', () => {
  const piece = fc.constantFrom(
    '/',
    '..',
    '.',
    '%2f',
    '%2e',
    '%00',
    'log',
    'nar',
    digest,
    narHash,
    '-',
    '.drv',
    '.nar',
    '.ls',
    'x',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const target = parseTarget(`/${pieces.join('')}`)
      if (target?.kind === 'log') assert.match(target.baseName, /^[0-9a-z]{32}-[0-9a-zA-Z+._?=-]+\.drv$/)
    }),
    { numRuns: 3000 },
  )
})
