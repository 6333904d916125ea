import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LockedPackage, LockedPlatform, ProjectLock } from '@baryon/environment'
import { changesText, lockChanges, requestChanges } from './lock-difference.ts'

const one = (attribute: string, version: string, more: Partial<LockedPackage> = {}): LockedPackage => ({
  attribute,
  name: attribute,
  version,
  derivation: `/s/${version}-${attribute}.drv`,
  outputs: { out: `/s/${attribute}` },
  ...more,
})
const lock = (platforms: Record<string, LockedPlatform>, storeDirectory = '/s'): ProjectLock => ({
  format: 1,
  request: { packages: [] },
  storeDirectory,
  platforms,
})

test('what differs between two locks', () => {
  const release = (version: string, path: string) => ({ name: 'HEP', version, path })
  const before = lock({
    t: {
      release: release('1', '/s/a'),
      packages: [one('a', '1'), one('b', '1'), one('c', '1'), one('d', '1'), one('e', '')],
    },
    u: { release: release('1', '/s/a'), packages: [] },
    gone: { packages: [one('a', '1')] },
  })
  const after = lock({
    t: {
      release: release('2', '/s/b'),
      packages: [
        one('a', '1'),
        one('b', '2'),
        one('c', '1', { derivation: '/s/x' }),
        one('d', '1', { priority: 3 }),
        one('f', '9'),
      ],
    },
    u: { release: release('1', '/s/b'), packages: [] },
    made: { packages: [one('a', '1')] },
  })
  assert.equal(
    changesText(lockChanges(before, after)),
    [
      't',
      '  release HEP/1 → HEP/2',
      '  b 1 → 2',
      '  c 1: built otherwise, 1-c.drv → x',
      '  d 1: says something else of itself',
      '  + f 9',
      '  - e',
      'u',
      '  release HEP/1: its contents, /s/a → /s/b',
      'made',
      '  + platform made',
      '',
    ].join('\n'),
  )
  assert.deepEqual(lockChanges(before, before), [])
  assert.equal(changesText(lockChanges(before, { ...before, storeDirectory: '/o' })), '  store /s → /o\n')
})

test('what differs between two requests', () => {
  const text = changesText(
    requestChanges({ release: 'A', packages: ['x', 'y'] }, { packages: ['y', 'z/1'], stack: '../s' }),
  )
  assert.equal(text, '  - release A\n  + stack ../s\n  - x\n  + z/1\n')
})
