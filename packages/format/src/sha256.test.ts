import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { createHasher, hashBytes, hashBytesBase16, passingSha256, sha256OfParts } from './hash.ts'
import { createSha256, feedSha256, openSha256, SHA256_INPUT, sha256Digest } from './sha256.ts'

const MIB = 1 << 20

function expected(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
  return hash.digest('hex')
}

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0, state = length; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

test('the functions in Node are called where they are, and do as node:crypto does', () => {
  const direct = openSha256()
  assert.ok(direct !== undefined)
  for (const sha256 of [direct, createSha256()]) {
    for (const sizes of [[], [0], [1, 0, 63], [64, 64], [SHA256_INPUT, 1, SHA256_INPUT + 1]]) {
      const parts = sizes.map(noise)
      feedSha256(sha256, parts)
      assert.equal(sha256Digest.toString('hex'), expected(...parts), String(sizes))
    }
  }
})

test('the first text of a process is hashed as it is', () => {
  for (const call of ["hashBytesBase16('sha256', 'hi')", "hashBytesBase16('sha256', Buffer.from('hi'))"]) {
    const code = `
      const { hashBytesBase16 } = await import(${JSON.stringify(new URL('./hash.ts', import.meta.url).href)})
      console.log(${call})`
    assert.equal(run(code), `${expected('hi')}\n`)
  }
})

test('bytes of any number', () => {
  for (const size of [0, 1, SHA256_INPUT - 1, SHA256_INPUT, SHA256_INPUT + 1, 3 * SHA256_INPUT, 4 * MIB, 4 * MIB + 1]) {
    const bytes = noise(size)
    const text = bytes.toString('latin1')
    const right = expected(bytes)
    for (const hash of [hashBytes('sha256', bytes), hashBytes('sha256', text), sha256OfParts([bytes])]) {
      assert.equal(Buffer.from(hash.bytes).toString('hex'), right)
    }
    assert.equal(hashBytesBase16('sha256', bytes), right)
    assert.equal(hashBytesBase16('sha256', text), right)
    assert.equal(Buffer.from(passingSha256(text)).toString('hex'), right)
    const hasher = createHasher('sha256')
    for (let at = 0; at < size; at += 100_000) hasher.update(bytes.subarray(at, at + 100_000))
    assert.equal(Buffer.from(hasher.digest().bytes).toString('hex'), right)
  }
  const bytes = noise(300_000)
  for (const size of [1, 1000, 262_143, 262_144, 262_145, 300_000]) {
    const hasher = createHasher('sha256')
    for (let at = 0; at < size; at++) hasher.update(bytes.subarray(at, at + 1))
    assert.equal(Buffer.from(hasher.digest().bytes).toString('hex'), expected(bytes.subarray(0, size)))
  }
})

test('texts and parts are hashed as what they are together', () => {
  const byteString = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
  fc.assert(
    fc.property(fc.array(byteString, { maxLength: 12 }), (texts) => {
      assert.equal(hashBytesBase16('sha256', texts.join('')), expected(...texts))
      const { bytes } = sha256OfParts(texts.map((text) => Buffer.from(text, 'latin1')))
      assert.equal(Buffer.from(bytes).toString('hex'), expected(...texts))
    }),
  )
})

test('hashers that take turns do not mix', () => {
  const hashers = [createHasher('sha256'), createHasher('sha256')] as const
  const chunk = Buffer.alloc(10)
  for (let i = 0; i < 20; i++) {
    // What was given may be written to afterwards.
    chunk.fill(i)
    hashers[i % 2]!.update(chunk)
    hashBytes('sha256', String(i))
  }
  const bytes = (from: number) => Array.from({ length: 10 }, (_, i) => Buffer.alloc(10, from + 2 * i))
  assert.equal(Buffer.from(hashers[0].digest().bytes).toString('hex'), expected(...bytes(0)))
  assert.equal(Buffer.from(hashers[1].digest().bytes).toString('hex'), expected(...bytes(1)))
})

test('a Node without node:ffi does it with node:crypto', () => {
  const code = `
    const { openSha256 } = await import(${JSON.stringify(new URL('./sha256.ts', import.meta.url).href)})
    const { hashBytesBase16 } = await import(${JSON.stringify(new URL('./hash.ts', import.meta.url).href)})
    console.log(openSha256(), hashBytesBase16('sha256', 'abc'))`
  assert.equal(
    run(code, '--no-experimental-ffi'),
    'undefined ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n',
  )
})

test('Node warns of nothing', () => {
  const code = `
    const { hashBytesBase16 } = await import(${JSON.stringify(new URL('./hash.ts', import.meta.url).href)})
    console.log(hashBytesBase16('sha256', 'abc').length)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
  assert.deepEqual({ stdout, stderr }, { stdout: '64\n', stderr: '' })
})

function run(code: string, ...flags: string[]): string {
  const words = ['--disable-warning=ExperimentalWarning', ...flags, '--input-type=module', '-e', code]
  return spawnSync(process.execPath, words, { encoding: 'utf8' }).stdout
}
