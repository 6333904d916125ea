/** Feeds damaged inputs to a reader. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { removeTree } from '@baryon/store'
import { mutate, randomNumbers } from '@baryon/testing'
import type { Format } from './format.ts'

export interface FuzzReport {
  readonly inputs: number
  /** Inputs that were read without an error. */
  readonly accepted: number
  /** Refusals by their codes. */
  readonly codes: Readonly<Record<string, number>>
  /** CPU milliseconds that the slowest input took. */
  readonly slowest: number
  /** MiB by which the resident memory of the process grew. */
  readonly growth: number
}

/**
 * Reads `count` damaged inputs, the same ones for the same seed. Throws for the first that is refused by anything but a
 * `UserError`, or that makes the reader write outside of its directory; the message says how to have that input again.
 */
export async function fuzz(format: Format, count: number, seed: number): Promise<FuzzReport> {
  const top = mkdtempSync(join(tmpdir(), 'baryon-fuzz-'))
  const sampleDirectory = join(top, 'samples')
  const directory = join(top, 'inner', 'directory')
  mkdirSync(sampleDirectory)
  mkdirSync(join(top, 'inner'))
  const codes: Record<string, number> = {}
  let accepted = 0
  let slowest = 0
  try {
    const samples = format.samples(sampleDirectory)
    assert.ok(samples.length > 0)
    for (const sample of samples) await undamaged(format, Buffer.from(sample), directory)
    plantSentinels(top)
    const before = process.memoryUsage.rss()
    for (let index = 0; index < count; index++) {
      const source = { random: randomNumbers(seed + index), others: samples, words: format.words ?? [] }
      const bytes = mutate(samples[index % samples.length]!, source)
      if (source.random() < 0.9) format.mend?.(bytes)
      const begin = process.cpuUsage()
      const code = await outcomeOf(
        format,
        bytes,
        directory,
        `${format.name} of seed ${seed + index}, sample ${index % samples.length}`,
      )
      const { user, system } = process.cpuUsage(begin)
      slowest = Math.max(slowest, (user + system) / 1000)
      if (code === undefined) accepted++
      else codes[code] = (codes[code] ?? 0) + 1
      if (format.writes === true && index % 50 === 0) assertSentinels(top)
    }
    assertSentinels(top)
    const growth = Math.max(0, process.memoryUsage.rss() - before) / 2 ** 20
    return { inputs: count, accepted, codes, slowest: Math.round(slowest), growth: Math.round(growth) }
  } finally {
    removeTree(top)
  }
}

async function undamaged(format: Format, bytes: Buffer, directory: string): Promise<void> {
  mkdirSync(directory)
  try {
    await format.read(bytes, directory)
  } finally {
    removeTree(directory)
  }
}

/** The code of the refusal, undefined when the input was taken. */
async function outcomeOf(format: Format, bytes: Buffer, directory: string, name: string): Promise<string | undefined> {
  if (format.writes === true) mkdirSync(directory)
  try {
    await format.read(bytes, directory)
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error.code
    const file = join(tmpdir(), `baryon-fuzz-${format.name}`)
    writeFileSync(file, bytes)
    throw new Error(`${name} (kept as ${file})`, { cause: error })
  } finally {
    if (format.writes === true) removeTree(directory)
  }
}

const SENTINELS = ['sentinel', 'inner/sentinel'] as const

function plantSentinels(top: string): void {
  for (const name of SENTINELS) writeFileSync(join(top, name), 'untouched', { flag: 'wx' })
}

function assertSentinels(top: string): void {
  assert.deepEqual(readdirSync(top).sort(), ['inner', 'samples', 'sentinel'])
  assert.deepEqual(
    readdirSync(join(top, 'inner')).filter((name) => name !== 'directory'),
    ['sentinel'],
  )
}
