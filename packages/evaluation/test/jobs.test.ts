/** Workers that grow: replaced between two jobs, and what they did is not done again. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { evaluateJobs, type JobsRequest } from '../index.ts'

const COUNT = 12

test('a worker that passes its cap is replaced, and every job is told once', async (context) => {
  const directory = temporaryDirectory(context)
  // Each keeps some 30 MiB, as its attribute keeps its value.
  writeFileSync(
    join(directory, 'jobs.nix'),
    `builtins.listToAttrs (builtins.genList (n: {
      name = "job-\${toString n}";
      value = let kept = builtins.genList (i: [ i (n + i) ]) 400000; in builtins.deepSeq kept (derivation {
        name = "job-\${toString n}"; system = "x86_64-linux"; builder = "/bin/sh";
        __structuredAttrs = true;
      } // { kept2 = kept; });
    }) ${COUNT})`,
  )
  const request: JobsRequest = {
    evaluation: {
      source: { kind: 'file', path: join(directory, 'jobs.nix') },
      store: { kind: 'none', storeDirectory: '/nix/store' },
      cacheDirectory: null,
    },
    workers: 2,
    maxMemory: 220,
    forceRecurse: false,
    meta: false,
    inputDerivations: false,
    select: undefined,
    apply: undefined,
    rootDirectory: undefined,
  }
  const names: string[] = []
  const { restarts, derivations, failed } = await evaluateJobs(
    request,
    {
      onRecords: (lines) => {
        for (const line of lines.trimEnd().split('\n')) names.push((JSON.parse(line) as { name: string }).name)
      },
      onFailure: (record) => assert.fail(record),
      onLog: () => {},
      onProgress: () => {},
    },
    new AbortController().signal,
  )
  assert.deepEqual(names.sort(), Array.from({ length: COUNT }, (_, n) => `job-${n}`).sort())
  assert.deepEqual([derivations, failed], [COUNT, 0])
  assert.ok(restarts > 0, 'twelve times 30 MiB in two workers of 220 MiB')
})
