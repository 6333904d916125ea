import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { has } from '../test/scene.ts'
import { compareDebianVersions } from './debian-version.ts'

test('versions are ordered as by dpkg', (context) => {
  if (!has(context, 'dpkg')) return
  const known = [
    '1.0',
    '1.0~rc1',
    '1:0.9',
    '1.0-1',
    '1.0-1+b6',
    '1.0-1+deb12u1',
    '1.0+dfsg-1',
    '1.09',
    '1.9',
    '1.10',
    '0',
  ]
  const pairs = known.flatMap((a) => known.map((b) => [a, b] as const))
  const part = fc.stringMatching(/^[0-9][0-9a-zA-Z.+~]{0,8}$/)
  const version = fc
    .tuple(fc.constantFrom('', '0:', '1:', '12:'), part, fc.constantFrom('', '-0', '-1', '-1.1', '-2~bpo', '-1+b1'))
    .map((parts) => parts.join(''))
  const random = fc.sample(fc.tuple(version, version), 250)
  const all = [...pairs, ...random]
  // One process for all: dpkg starts slowly.
  const script =
    'while read -r a b; do for o in lt eq gt; do dpkg --compare-versions "$a" $o "$b" && echo $o; done; done'
  const input = all.map((pair) => `${pair.join(' ')}\n`).join('')
  const { stdout } = spawnSync('sh', ['-c', script], { input, encoding: 'utf8' })
  const words = stdout.trim().split('\n')
  assert.equal(words.length, all.length)
  for (const [index, [a, b]] of all.entries()) {
    const order = compareDebianVersions(a, b)
    assert.equal(order < 0 ? 'lt' : order > 0 ? 'gt' : 'eq', words[index], `${a} and ${b}`)
  }
})
