/** The index of an archive as apt reads it, and what must not be believed. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { createDebianArchive } from '@baryon/testing'
import { errorOf, has } from '../test/scene.ts'
import { type AptConfiguration, parseSourcesList } from './apt-configuration.ts'
import { findDebianPins } from './debian-index.ts'

const programs = ['gpg', 'gpgv', 'gpgconf', 'xz', 'apt-get']

const DAY = 86_400_000

test('the newest version of all suites, and its file, as apt finds them', async (context) => {
  if (!has(context, ...programs)) return
  const archive = createDebianArchive(context)
  archive.publish('bookworm', [
    { name: 'widget', version: '1.9-1', architecture: 'amd64' },
    { name: 'widget', version: '1.10~rc1-1', architecture: 'amd64' },
    { name: 'widget-data', version: '1:1.10-1', architecture: 'all' },
    { name: 'other', version: '5-1', architecture: 'amd64' },
    { name: 'widget', version: '1:2.0+dfsg-1', architecture: 'source' },
  ])
  archive.publish(
    'bookworm-security',
    [
      { name: 'widget', version: '1.10-1+deb12u1', architecture: 'amd64' },
      { name: 'other', version: '4-1', architecture: 'amd64' },
    ],
    { until: Date.now() + DAY },
  )
  const names = new Set(['widget', 'widget-data', 'other', 'missing'])
  const configuration = configurationOf(archive.aptConfig)
  const binary = await findDebianPins({ names, kind: 'binary', architecture: 'amd64', configuration })
  const source = await findDebianPins({ names, kind: 'source', architecture: 'amd64', configuration })
  assert.deepEqual([...binary.keys()].sort(), ['other', 'widget', 'widget-data'])
  assert.deepEqual([...source.keys()], ['widget'])

  const apt = (...words: readonly string[]) =>
    execFileSync(words[0]!, words.slice(1), {
      encoding: 'utf8',
      env: { ...process.env, APT_CONFIG: archive.aptConfig },
    })
  apt('apt-get', '-qq', 'update')
  for (const [name, pin] of binary) {
    const text = apt('apt-cache', 'show', '--no-all-versions', name)
    const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1]
    assert.deepEqual(pin, {
      version: field('Version'),
      architecture: field('Architecture'),
      size: Number(field('Size')),
      sha256: field('SHA256'),
      path: field('Filename'),
    })
  }
  const [, sha256, size, file] = / ([0-9a-f]{64}) (\d+) (\S+\.orig\.tar\.gz)/.exec(
    apt('apt-cache', 'showsrc', 'widget'),
  )!
  assert.deepEqual(source.get('widget'), {
    version: '1:2.0+dfsg-1',
    architecture: 'source',
    size: Number(size),
    sha256,
    path: `pool/main/w/widget/${file}`,
  })
})

test('an index that nobody trusted has signed, that was changed, or that is too old, is refused', async (context) => {
  if (!has(context, ...programs)) return
  const archive = createDebianArchive(context)
  const widget = [{ name: 'widget', version: '1-1', architecture: 'amd64' }]
  const find = () => {
    const configuration = configurationOf(archive.aptConfig)
    return findDebianPins({ names: new Set(['widget']), kind: 'binary', architecture: 'amd64', configuration })
  }
  archive.publish('bookworm', widget, { signed: false })
  assert.equal((await errorOf(find)).code, 'ARCHIVE_INDEX_UNSIGNED')

  archive.publish('bookworm', widget)
  assert.equal((await find()).get('widget')?.version, '1-1')
  const release = `${archive.uri.slice('file://'.length)}/dists/bookworm/InRelease`
  const signed = readFileSync(release, 'utf8')
  // Text beside the signed part is not signed, whatever it looks like.
  const wrong = '0'.repeat(64)
  writeFileSync(release, `SHA256:\n ${wrong} 1 main/binary-amd64/Packages.xz\n\n${signed}`)
  assert.equal((await find()).get('widget')?.version, '1-1')
  writeFileSync(release, signed.replace(/ [0-9a-f]{64} /, ` ${wrong} `))
  assert.equal((await errorOf(find)).code, 'ARCHIVE_INDEX_UNSIGNED')
  writeFileSync(release, signed)
  writeFileSync(release.replace('InRelease', 'main/binary-amd64/Packages.xz'), 'something else')
  assert.equal((await errorOf(find)).code, 'HASH_MISMATCH')

  archive.publish('bookworm', widget, { until: Date.now() - DAY })
  assert.equal((await errorOf(find)).code, 'ARCHIVE_INDEX_EXPIRED')
  const none = { sources: [], options: new Map(), program: false }
  const nowhere = findDebianPins({ names: new Set(), kind: 'source', architecture: 'amd64', configuration: none })
  assert.equal((await errorOf(() => nowhere)).code, 'DEB_NO_ARCHIVE')
})

function configurationOf(aptConfig: string): AptConfiguration {
  const list = readFileSync(aptConfig.replace('apt.conf', 'etc/sources.list'), 'utf8')
  return { sources: parseSourcesList(list), options: new Map(), program: true }
}
