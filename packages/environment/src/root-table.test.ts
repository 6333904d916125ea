import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { prepareRootTable } from './root-table.ts'

test('a skeleton shows what the directory above held, and the store', (t) => {
  const directory = temporaryDirectory(t)
  const host = join(directory, 'host dir')
  mkdirSync(join(host, 'home'), { recursive: true })
  writeFileSync(join(host, 'file'), 'x')
  symlinkSync('home', join(host, 'link'))
  const physical = join(directory, 'physical')
  mkdirSync(physical)
  const roots = join(directory, 'roots')
  const made = prepareRootTable(roots, join(host, 'cvmfs/store'), physical)!
  assert.equal(made.above, host)
  assert.deepEqual(readdirSync(made.skeleton).sort(), ['cvmfs', 'file', 'home', 'link'])
  assert.equal(readlinkSync(join(made.skeleton, 'link')), 'home')
  const lines = readFileSync(made.table, 'utf8').trimEnd().split('\n')
  assert.equal(lines[0], `${made.skeleton} ${made.skeleton} none bind 0 0`)
  assert.ok(lines.some((line) => line.startsWith(`${directory}/host\\040dir/home ${made.skeleton}/home none rbind`)))
  assert.match(lines.at(-2)!, new RegExp(`^${physical} ${made.skeleton}/cvmfs/store none bind,ro`))
  assert.equal(lines.at(-1), `${made.skeleton} ${directory}/host\\040dir none rbind 0 0`)

  assert.deepEqual(prepareRootTable(roots, join(host, 'cvmfs/store'), physical), made)
  mkdirSync(join(host, 'new'))
  assert.notDeepEqual(prepareRootTable(roots, join(host, 'cvmfs/store'), physical), made)
  assert.equal(prepareRootTable(roots, host, physical), undefined)
  assert.equal(readdirSync(roots).length, 2)
})

test('below the root of the host', (t) => {
  const directory = temporaryDirectory(t)
  const made = prepareRootTable(join(directory, 'roots'), '/baryon-nowhere.example.org/store', directory)!
  assert.equal(made.above, '/')
  assert.ok(readdirSync(made.skeleton).includes('usr'))
  assert.match(readFileSync(made.table, 'utf8'), /^\/usr \S+\/usr none rbind 0 0$/m)
})
