import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathNumber } from './path-number.ts'

test('paths have one number each, wherever they differ', () => {
  const path = '/nix/store/68lsys1xlyn0gvcfi2vbz1q4cyn5qb5b-hello-2.10.drv'
  const paths = [path, `${path}x`, path.slice(0, -1)]
  for (let i = 0; i < path.length; i++) paths.push(`${path.slice(0, i)}!${path.slice(i + 1)}`)
  for (let i = 0; i < 10_000; i++) paths.push(`${path}${i}`)
  const numbers = paths.map(pathNumber)
  assert.equal(new Set(numbers).size, paths.length)
  assert.deepEqual(paths.toReversed().map(pathNumber), numbers.toReversed())
})
