import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { createRecorder, parseTrace } from './trace.ts'

const directory = mkdtempSync(join(tmpdir(), 'trace-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

test('what is recorded is read again: each piece once, in its order', () => {
  const path = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) })
  const step = fc.record({ path: path.map((rest) => `/${rest}`), offset: fc.nat() }, { noNullPrototype: true })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const file = join(directory, 'trace')
      writeFileSync(file, '')
      const record = createRecorder(file)
      for (const { path, offset } of [...steps, ...steps]) {
        record(path, { offset, size: 1, hash: { algorithm: 'sha1', hex: '' }, kind: 'file' })
      }
      const seen = new Set<string>()
      const expected = steps.filter(({ path, offset }) => {
        const key = `${offset} ${path}`
        return !path.includes('\n') && !seen.has(key) && seen.add(key)
      })
      assert.deepEqual(parseTrace(readFileSync(file)), expected)
    }),
  )
})

test('a file that cannot be written harms nobody', () => {
  createRecorder(join(directory, 'missing/trace'))('/a', {
    offset: 0,
    size: 1,
    hash: { algorithm: 'sha1', hex: '' },
    kind: 'file',
  })
})

test('any bytes are a trace, or refused with a code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ max: 0x40 }), (bytes) => {
      try {
        for (const { offset, path } of parseTrace(bytes)) assert.ok(Number.isSafeInteger(offset) && path[0] === '/')
      } catch (error) {
        assert.ok(error instanceof UserError && error.code === 'MOUNT_TRACE')
      }
    }),
  )
})
