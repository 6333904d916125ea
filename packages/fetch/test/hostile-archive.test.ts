/** Archives that no honest program writes, in every combination: nothing may appear outside of the destination. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import * as fc from 'fast-check'
import { unpackArchive } from '../index.ts'
import { paxMember, tarOf } from './tar-block.ts'

const components = ['a', 'A', 'b', '..', '.', '', 'sentinel', 'link', '\u00e9', 'e\u0301', 'c'.repeat(300)]
const name = fc
  .array(fc.constantFrom(...components), { minLength: 1, maxLength: 5 })
  .map((parts) => bytes(parts.join('/')))
const absolute = name.map((text) => `/${text}`)
const target = fc.oneof(name, absolute, fc.constantFrom('..', '../..', '.', 'a/../..', '\0', 'link', '../sentinel'))
const member = fc.record({
  name: fc.oneof({ weight: 8, arbitrary: name }, absolute, fc.constant('a\0b')),
  type: fc.constantFrom('0', '1', '2', '2', '5', 'L', 'K'),
  target,
  mode: fc.constantFrom(0, 0o644, 0o4755, 0o777),
  contents: fc.constantFrom('', 'evil'),
})

test('nothing leaves the destination', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'baryon-hostile-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  writeFileSync(join(top, 'sentinel'), 'untouched')
  mkdirSync(join(top, 'inner'))
  writeFileSync(join(top, 'inner/sentinel'), 'untouched')
  const destination = join(top, 'inner/destination')
  const archive = join(top, 'archive')
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (members, keepDirectorySymlinks) => {
        writeFileSync(archive, tarOf(...members))
        await refusedOrDone(() => unpackArchive(archive, destination, { keepDirectorySymlinks, keepTimes: true }))
        rmSync(destination, { recursive: true, force: true })
        assert.deepEqual(readdirSync(top).sort(), ['archive', 'inner', 'sentinel'])
        assert.deepEqual(readdirSync(join(top, 'inner')), ['sentinel'])
        for (const path of ['sentinel', 'inner/sentinel'])
          assert.equal(readFileSync(join(top, path), 'utf8'), 'untouched')
      },
    ),
    { numRuns: 1000 },
  )
})

for (const [what, code, make] of [
  ['a name of half a million directories', 'ARCHIVE_UNSAFE', () => long({ path: 'a/'.repeat(500_000) })],
  ['a component that is too long', 'ARCHIVE_WRITE', () => long({ path: `${'c'.repeat(300)}/` }, '5')],
  ['a hard link to a component that is too long', 'ARCHIVE_WRITE', () => long({ linkpath: 'c'.repeat(300) }, '1')],
  ['a time beyond all clocks', undefined, () => long({ mtime: '9'.repeat(400) })],
  ['a link in a time beyond all clocks', undefined, () => long({ mtime: '-1e308', linkpath: 'x' }, '2')],
  ['links that multiply', 'ARCHIVE_UNSAFE', multiplyingLinks],
] as const) {
  test(`${what} is ${code === undefined ? 'harmless' : 'refused'}`, async (t) => {
    const top = mkdtempSync(join(tmpdir(), 'baryon-hostile-'))
    t.after(() => rmSync(top, { recursive: true, force: true }))
    writeFileSync(join(top, 'archive'), make())
    const unpacked = unpackArchive(join(top, 'archive'), join(top, 'out'), {
      keepTimes: true,
      keepDirectorySymlinks: true,
    })
    if (code === undefined) await unpacked
    else await assert.rejects(unpacked, { name: 'UserError', code })
  })
}

test('a zip whose directory lies beyond all files is refused', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'baryon-hostile-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(2n ** 64n - 1n, 8)
  const end = Buffer.alloc(22, 0xff)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt32LE(0, 4)
  end.writeUInt16LE(0, 20)
  writeFileSync(join(top, 'x.zip'), Buffer.concat([Buffer.from('PK\x03\x04'), locator, end]))
  await assert.rejects(unpackArchive(join(top, 'x.zip'), join(top, 'out')), {
    name: 'UserError',
    code: 'ARCHIVE_CORRUPT',
  })
})

/** Each link leads through the next one twice: a walk that follows them all would take 2^40 steps. */
function multiplyingLinks(): Buffer {
  const links = Array.from({ length: 38 }, (_, index) => ({
    name: `l${index}`,
    type: '2',
    target: `l${index + 1}/../l${index + 1}`,
  }))
  return tarOf({ name: 'd', type: '5' }, { name: 'l38', type: '2', target: 'd' }, ...links, { name: 'l0/x' })
}

function long(records: Readonly<Record<string, string>>, type = '0'): Buffer {
  return Buffer.concat([paxMember('x', records), tarOf({ name: 'member', type })])
}

async function refusedOrDone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
  }
}

function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
