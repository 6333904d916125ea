import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BuildEvent } from '@baryon/build'
import { paint } from '../terminal.ts'
import { createBuildProgress } from './build-progress.ts'
import { renderProgress } from './render-progress.ts'

const events: readonly BuildEvent[] = [
  { kind: 'planned', builds: 3, fetches: 2, substitutes: 0, downloadBytes: 0, expectedSeconds: 60 },
  { kind: 'started', task: 'a', activity: 'build', name: 'hepmc3-3.1.2', derivation: undefined, expectedSeconds: 30 },
  { kind: 'phase', task: 'a', phase: 'buildPhase' },
  { kind: 'log', task: 'a', lines: ['[ 45%] \x1b[32mBuilding\x1b[0m CXX\tobject', ''] },
  {
    kind: 'started',
    task: 'f',
    activity: 'fetch',
    name: 'zlib.tar.gz',
    derivation: undefined,
    expectedSeconds: undefined,
  },
  { kind: 'progress', task: 'f', bytes: 1_500_000, total: 3_000_000 },
]

test('a picture says what builds, what waits, bytes and time', () => {
  const progress = createBuildProgress(0)
  for (const event of events) progress.update(event, 0)
  const lines = renderProgress(progress, { now: 12_000, width: 120, rows: 24, paint: paint(false) })
  assert.deepEqual(lines, [
    '  hepmc3-3.1.2  12 s/30 s  buildPhase: [ 45%] Building CXX object',
    '  zlib.tar.gz  12 s  1.5 MB of 3.0 MB',
    '  0 of 3 built, 1 running, 2 waiting · 0 of 2 fetched (1.5 MB) · 12 s, about 48 s left',
  ])
  progress.update({ kind: 'finished', task: 'f', activity: 'fetch', seconds: 1, outcome: 'made' }, 13_000)
  assert.equal(progress.bytes, 1_500_000)
  assert.equal(progress.done.fetch, 1)
})

test('no line is ever wider than the terminal, nor are there more than it has', () => {
  const progress = createBuildProgress(0)
  progress.update({ kind: 'planned', builds: 50, fetches: 0, substitutes: 0, downloadBytes: 0, expectedSeconds: 0 }, 0)
  for (let index = 0; index < 50; index++) {
    const task = `task-${index}`
    progress.update(
      { kind: 'started', task, activity: 'build', name: `package-${index}`, derivation: undefined, expectedSeconds: 5 },
      0,
    )
    progress.update({ kind: 'log', task, lines: ['x'.repeat(300)] }, 0)
  }
  for (const width of [1, 5, 20, 40, 80, 200]) {
    const lines = renderProgress(progress, { now: 1000, width, rows: 10, paint: paint(false) })
    assert.ok(lines.length < 10)
    for (const line of lines) assert.ok(line.length <= Math.max(1, width), `${width}: ${line}`)
  }
})
