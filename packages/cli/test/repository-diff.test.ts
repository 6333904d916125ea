/** `baryon repository diff`: text, records, and large outputs. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeTree } from '@baryon/testing'
import { baryon, NAME, repositoryScene } from './repository-scene.ts'

test('what a publish did, as text and as a record', (t) => {
  const { directory, environment, run, good } = repositoryScene(t)
  const tree = join(directory, 'tree')
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`f${index}`, '']))
  writeTree(tree, { entries: { gone: 'text', become: '' } })
  writeFileSync(join(tree, 'ä b'), 'text')
  good('repository', 'create', NAME, '--dir', 'repo')
  good('repository', 'publish', 'repo', '--tree', 'tree', '--at', '/x', '--tag', 'v1')
  writeFileSync(join(tree, 'ä b'), 'longer text')
  for (const name of ['gone', 'become']) rmSync(join(tree, name))
  writeTree(join(tree, 'become'), { entries: many })
  good('repository', 'publish', 'repo', '--tree', 'tree', '--at', '/x')

  const lines = good('repository', 'diff', 'repo', 'v1').split('\n')
  assert.equal(lines.length, 3004)
  assert.equal(lines[0], '! /x/become  file -> directory')
  assert.equal(lines[1], '+ /x/become/f0  0 B')
  assert.equal(lines[3001], '- /x/gone  4 B')
  assert.equal(lines[3002], '~ /x/ä b  4 B -> 11 B  contents, time')
  const summary = '3000 paths added (0 B), 1 removed (4 B), 1 changed (11 B), 1 of another type'
  assert.equal(lines[3003], summary)
  assert.equal(good('repository', 'diff', 'repo', '2', 'trunk', '--summary'), summary)

  const record = JSON.parse(good('repository', 'diff', 'repo', 'trunk', 'v1', '--json'))
  assert.deepEqual([record.before.revision, record.after.revision], [3, 2])
  assert.equal(record.differences.length, 3003)
  const { path, kind, before, after, aspects } = record.differences.at(-1)
  assert.deepEqual([path, kind, before.size, after.size, aspects], ['/x/ä b', 'changed', 11, 4, ['contents', 'time']])
  assert.deepEqual(record.summary, {
    added: 1,
    removed: 3000,
    changed: 1,
    type: 1,
    addedBytes: 4,
    removedBytes: 0,
    changedBytes: 4,
  })
  const { differences, ...rest } = record
  assert.deepEqual(JSON.parse(good('repository', 'diff', 'repo', 'trunk', 'v1', '--json', '--summary')), rest)
  assert.equal(good('repository', 'diff', 'repo', 'v1', 'v1', '--summary'), summary.replace(/3000|11|4|\b1\b/g, '0'))
  assert.equal(JSON.parse(good('repository', 'diff', 'repo', 'v1', 'v1', '--json')).differences.length, 0)

  // A reader that has seen enough.
  const piped = spawnSync('/bin/sh', ['-c', `"${baryon}" repository diff repo v1 | head -n 1`], {
    cwd: directory,
    encoding: 'utf8',
    env: environment,
  })
  assert.deepEqual([piped.stdout, piped.stderr], [`${lines[0]}\n`, ''])
  const unknown = run('repository', 'diff', 'repo', 'v9')
  assert.deepEqual([unknown.status, unknown.stdout], [1, ''])
  assert.match(unknown.stderr, /^error\[CVMFS_REVISION\]/)
})
