import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'

import { hashBytes } from '@baryon/format'

import { fileHandler, serve } from '../test/file-server.ts'
import { errorOf, temporaryDirectory } from '../test/scene.ts'
import {
  type AptConfiguration,
  parseAptOptions,
  parseSourcesList,
  parseSourcesStanzas,
  readAptConfiguration,
} from './apt-configuration.ts'
import { debianArchives, type FetchDebRequest, fetchDeb } from './fetch-deb.ts'

const contents = Buffer.from('the bytes of a package')
const deb = {
  package: 'zlib1g',
  version: '1:1.2.13.dfsg-1',
  architecture: 'amd64',
  hash: hashBytes('sha256', contents),
}
const path = 'pool/main/z/zlib/zlib1g_1.2.13.dfsg-1_amd64.deb'

test('sources in one line', () => {
  const text = `# deb http://a.example.org/debian bookworm main
deb [arch=amd64 signed-by=/usr/x.gpg] http://b.example.org/debian/ bookworm main contrib # comment
deb-src\thttp://c.example.org/debian bookworm-updates main

deb http://d.example.org/flat ./
nonsense`
  assert.deepEqual(parseSourcesList(text), [
    {
      uri: 'http://b.example.org/debian/',
      suite: 'bookworm',
      components: ['main', 'contrib'],
      signedBy: '/usr/x.gpg',
    },
    { uri: 'http://c.example.org/debian', suite: 'bookworm-updates', components: ['main'] },
    { uri: 'http://d.example.org/flat', suite: './', components: [] },
  ])
})

test('sources in stanzas', () => {
  const text = `# the archive
Types: deb deb-src
URIs: http://a.example.org/debian
# http://not.example.org/
 http://b.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 URIs: x

Types: deb
URIs: http://c.example.org/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
uris: http://d.example.org/debian-security
Suites: bookworm-security
Components: main`
  assert.deepEqual(
    parseSourcesStanzas(text).map(({ uri, suite }) => `${uri} ${suite}`),
    [
      'http://a.example.org/debian bookworm',
      'http://a.example.org/debian bookworm-updates',
      'http://b.example.org/debian bookworm',
      'http://b.example.org/debian bookworm-updates',
      'http://d.example.org/debian-security bookworm-security',
    ],
  )
})

test('options, as files and as a dump', () => {
  const text = `// comment
Acquire { http { Proxy "http://proxy.example.org:3128"; Proxy::direct.example.org "DIRECT"; }; };
# another
/* and
another */
Acquire::https::Proxy "";
APT::NeverAutoRemove { "^a"; "^b"; };
Acquire::Languages:: "none";
Dir::Etc::sourceparts "/elsewhere";`
  assert.deepEqual(Object.fromEntries(parseAptOptions(text)), {
    'acquire::http::proxy': 'http://proxy.example.org:3128',
    'acquire::http::proxy::direct.example.org': 'DIRECT',
    'acquire::https::proxy': '',
    'dir::etc::sourceparts': '/elsewhere',
  })
})

test('only Debian main counts, the security archive last', async (context) => {
  const directory = temporaryDirectory(context)
  write(directory, 'sources.list.d/a.sources', stanza('http://s.example.org/debian-security', 'bookworm-security'))
  write(
    directory,
    'sources.list.d/b.list',
    'deb http://vendor.example.org/node nodistro main\ndeb http://x.example.org/ubuntu jammy main\n',
  )
  write(directory, 'sources.list.d/c.list.disabled', 'deb http://off.example.org/debian bookworm main\n')
  write(directory, 'sources.list.d/d.list', `deb mirror+file:${directory}/mirrors bookworm main\n`)
  write(directory, 'sources.list', 'deb http://m.example.org/debian/ trixie main\ndeb cdrom:[x]/ bookworm main\n')
  write(directory, 'mirrors', 'http://one.example.org/debian/\tpriority:1\nhttps://two.example.org/debian\n')
  assert.deepEqual(debianArchives(await readAptConfiguration(directory)), [
    'http://m.example.org/debian',
    'http://one.example.org/debian',
    'https://two.example.org/debian',
    'http://s.example.org/debian-security',
  ])
})

test('this machine is read without an error', async () => {
  const { sources, options } = await readAptConfiguration()
  assert.ok(Array.isArray(sources) && options instanceof Map)
})

test('from the configured archive over HTTP, through its proxy when it has one', async (context) => {
  const { url, requests } = await serve(context, fileHandler({ [`/debian/${path}`]: contents }))
  const { destination } = await get(context, { path, configuration: await configured(context, `${url}/debian`) })
  assert.deepEqual(readFileSync(destination), contents)
  const proxy = await serve(context, fileHandler({ [`http://archive.invalid/debian/${path}`]: contents }))
  const options = `Acquire::http::Proxy "${proxy.url}";`
  await get(context, { path, configuration: await configured(context, 'http://archive.invalid/debian', options) })
  assert.deepEqual([requests.length, proxy.requests.length], [1, 1])
})

test('a source file by its path; names are encoded', async (context) => {
  const source = 'pool/main/f/fastjet/fastjet_3.4.0+dfsg~1.orig.tar.xz'
  const directory = temporaryDirectory(context)
  write(directory, source, contents)
  const configuration = await configured(context, `file:${directory}`)
  await get(context, { package: 'fastjet', path: source, configuration })
})

test('mirrors come first: an archive, a directory of packages, a cache of apt', async (context) => {
  const { url, requests } = await serve(context, fileHandler({}))
  const configuration = await configured(context, url)
  for (const name of [path, 'zlib1g_1.2.13.dfsg-1_amd64.deb', 'zlib1g_1%3a1.2.13.dfsg-1_amd64.deb']) {
    const mirror = temporaryDirectory(context)
    write(mirror, name, contents)
    await get(context, { path, configuration, mirrors: [mirror] })
    if (name !== path) await get(context, { configuration, mirrors: [`file://${mirror}`] })
  }
  const guessed = temporaryDirectory(context)
  write(guessed, 'pool/main/libp/libpng/libpng_1_all.deb', contents)
  await get(context, { package: 'libpng', version: '1', architecture: 'all', configuration, mirrors: [guessed] })
  assert.equal(requests.length, 0)
})

test('BARYON_DEB_MIRRORS', async (context) => {
  const mirrors = [temporaryDirectory(context), temporaryDirectory(context)]
  write(mirrors[1]!, path, contents)
  const before = process.env.BARYON_DEB_MIRRORS
  process.env.BARYON_DEB_MIRRORS = mirrors.join(' ')
  context.after(() => {
    if (before === undefined) delete process.env.BARYON_DEB_MIRRORS
    else process.env.BARYON_DEB_MIRRORS = before
  })
  await get(context, { path, configuration: nothing, mirrors: undefined })
})

test('nothing configured, nothing found, another file', async (context) => {
  const none = await errorOf(() => get(context, { path, configuration: nothing, mirrors: [] }))
  assert.equal(none.code, 'DEB_NO_ARCHIVE')
  assert.match(none.hint ?? '', /BARYON_DEB_MIRRORS/)
  const { url } = await serve(context, fileHandler({ [`/wrong/${path}`]: Buffer.from('other') }))
  const missing = await errorOf(async () =>
    get(context, { path, configuration: await configured(context, url), mirrors: [] }),
  )
  assert.equal(missing.code, 'FETCH_NOT_FOUND')
  assert.ok(missing.message.includes(`${url}/pool/main/z/zlib/zlib1g`))
  const wrong = await errorOf(async () =>
    get(context, { path, configuration: await configured(context, `${url}/wrong`) }),
  )
  assert.equal(wrong.code, 'HASH_MISMATCH')
})

const nothing: AptConfiguration = { sources: [], options: new Map(), program: false }

function configured(context: TestContext, uri: string, options = ''): Promise<AptConfiguration> {
  const directory = temporaryDirectory(context)
  write(directory, 'sources.list.d/debian.sources', stanza(uri, 'bookworm'))
  write(directory, 'apt.conf.d/99proxy', options)
  return readAptConfiguration(directory)
}

function stanza(uri: string, suite: string): string {
  return `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\n`
}

function write(directory: string, name: string, text: string | Buffer): void {
  const place = join(directory, name)
  mkdirSync(dirname(place), { recursive: true })
  writeFileSync(place, text)
}

async function get(context: TestContext, request: Partial<FetchDebRequest>) {
  const destination = join(temporaryDirectory(context), 'result')
  const result = await fetchDeb({ mirrors: [], backoff: 1, ...deb, ...request, destination })
  assert.deepEqual(readFileSync(destination), contents)
  return { destination, result }
}
