/** A full disk, a root that may only be read, a clock that goes back and forth; as a user without rights. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeTree } from '@baryon/store'
import { peer } from '@baryon/testing'
import { asUnprivileged } from '../unprivileged.ts'
import { type Place, preparePlace } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

if (asUnprivileged(import.meta.url)) {
  const mounting = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
  const skip = mounting.status === 0 ? false : 'no user namespace with mounts here'

  for (const name of ['add', 'texts', 'register', 'fetch', 'substitute', 'sources']) {
    for (const condition of name === 'fetch' || name === 'add' ? ['read-only'] : ['full', 'read-only']) {
      test(`${name} on a disk that is ${condition}`, { skip }, () =>
        inPlace(name, (place) => {
          const script = 'mount -t tmpfs -o size=4m tmpfs "$1" && shift && exec "$@"'
          const worker = [process.execPath, join(import.meta.dirname, 'condition-worker.ts'), condition, name]
          const command = ['sh', '-c', script, 'sh', place.root, ...worker, place.root, place.aside]
          const { status, stderr } = spawnSync('unshare', ['-Urm', ...command], { encoding: 'utf8' })
          assert.equal(status, 0, stderr)
        }),
      )
    }
  }

  for (const name of ['collect', 'register', 'sources']) {
    test(`${name} while the clock jumps`, { skip: peer('faketime').skip }, () =>
      inPlace(name, (place) => {
        for (const [seed, jump] of ['-20y', '+20y', '-1d', '+0', '-40y'].entries()) {
          const operation = [
            process.execPath,
            join(import.meta.dirname, 'operation.ts'),
            name,
            place.root,
            place.aside,
            `${seed}`,
          ]
          const { status, stderr } = spawnSync('faketime', ['-f', jump, ...operation], { encoding: 'utf8' })
          assert.equal(status, 0, `${jump}: ${stderr}`)
        }
      }),
    )
  }
}

async function inPlace(name: string, work: (place: Place) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'baryon-condition-'))
  try {
    const place = await preparePlace(await SCENARIOS[name]!(), directory)
    mkdirSync(place.root, { recursive: true })
    work(place)
  } finally {
    removeTree(directory)
  }
}
