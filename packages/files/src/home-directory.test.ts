import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { test } from 'node:test'
import { homeDirectory, userCacheDirectory } from './home-directory.ts'

test('without HOME it is what the list of users says, and never the empty text', () => {
  const listed = spawnSync('getent', ['passwd', String(userInfo().uid)], { encoding: 'utf8' }).stdout.split(':')[5]
  assert.equal(homeDirectory({ HOME: '/home/a b' }), '/home/a b')
  for (const environment of [{}, { HOME: '' }]) assert.equal(homeDirectory(environment), listed)
  assert.equal(userCacheDirectory({ HOME: '' }), `${listed}/.cache/baryon`)
  assert.equal(userCacheDirectory({ HOME: '/a', XDG_CACHE_HOME: '' }), '/a/.cache/baryon')
  assert.equal(userCacheDirectory({ HOME: '/a', XDG_CACHE_HOME: '/b' }), '/b/baryon')
})
