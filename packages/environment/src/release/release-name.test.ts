import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import {
  compareReleaseVersions,
  formatReleaseName,
  meansVersion,
  parseNewReleaseName,
  parseReleaseName,
  parseReleaseOperand,
} from './release-name.ts'

test('names and versions', () => {
  assert.deepEqual(parseReleaseOperand('DaVinci/v64r0'), { name: 'DaVinci', version: 'v64r0' })
  assert.deepEqual(parseReleaseOperand('HEP'), { name: 'HEP', version: undefined })
  for (const text of [
    '',
    '/',
    'a/',
    '/1',
    'a/b/c',
    '../1',
    'a/.x',
    'a b/1',
    'a/$(id)',
    '-a/1',
    'a\n/1',
    `${'x'.repeat(62)}/1`,
  ]) {
    assert.throws(() => parseReleaseName(text), { code: 'RELEASE_NAME' }, JSON.stringify(text))
  }
  assert.throws(() => parseReleaseName('HEP'), { code: 'RELEASE_NAME' })
  for (const text of ['nix/1', 'lcg/1', 'modulefiles/1']) {
    assert.throws(() => parseNewReleaseName(text), { code: 'RELEASE_NAME' })
  }
})

test('what is accepted comes back, and nothing else is thrown', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        assert.equal(formatReleaseName(parseReleaseName(text)), text)
      } catch (error) {
        assert.ok(error instanceof UserError)
      }
    }),
  )
})

test('versions are ordered as lb-run orders them', () => {
  // Newest first; the rules and the pair with -pre1 are those of LbEnv's version.py.
  const orders = [
    ['v10r0', 'v9r9', 'v1r1p2', 'v1r1', 'v1r0-pre1', 'v1r0'],
    ['107', '97rc1', '97', '96b', '96'],
    ['6.20.04', '6.20', '6.3.1'],
    ['1.10', '1.9', '1'],
  ]
  for (const order of orders) {
    const shuffled = [...order].sort()
    assert.deepEqual(
      shuffled.sort((a, b) => compareReleaseVersions(b, a)),
      order,
    )
  }
})

test('the order of versions is one', () => {
  const version = fc.stringMatching(/^[a-c.0-2]{1,6}$/)
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(compareReleaseVersions(a, b), -compareReleaseVersions(b, a) + 0)
      if (compareReleaseVersions(a, b) <= 0 && compareReleaseVersions(b, c) <= 0) {
        assert.ok(compareReleaseVersions(a, c) <= 0)
      }
    }),
  )
})

test('versions that mean the same', () => {
  const cases: readonly [wanted: string, version: string, same: boolean][] = [
    ['64.0', 'v64r0', true],
    ['1.2.3.4', 'v1r2p3t4', true],
    ['v1.0', '1.0', true],
    ['1.0', '1.0', true],
    ['64.1', 'v64r0', false],
    ['1', '1.0', false],
  ]
  for (const [wanted, version, same] of cases) assert.equal(meansVersion(wanted, version), same, `${wanted} ${version}`)
})
