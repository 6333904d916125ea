import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { serve } from '../test/file-server.ts'
import { temporaryDirectory } from '../test/scene.ts'
import { findLogin } from './netrc.ts'

const FILES = [
  'machine 127.0.0.1 login me password secret',
  'machine other.example.org login you password no\nmachine 127.0.0.1\n\tlogin me\n\tpassword secret\n',
  'default login any password one',
  'machine other.example.org login you password no',
  '',
  '# machine 127.0.0.1 login no password no\nmachine 127.0.0.1 login me password secret # no',
  'machine 127.0.0.1 login "me too" password "a \\"word\\"\\twith \\\\"',
  'machine 127.0.0.1 login me password secret\nmachine 127.0.0.1 login other password word',
  'macdef init\nmachine 127.0.0.1 login no password no\n\nmachine 127.0.0.1 login me password secret',
  'machine 127.0.0.1 password secret login me',
  'machine 127.0.0.1 login me password pass#word',
  'machine 127.0.0.1 login me password secret\r\n',
  'machine 127.0.0.1 account of login me password secret',
  'machine 127.0.0.1 login ünï password wörd',
]

test('what curl sends', async (context) => {
  const { url, requests } = await serve(context, (_, response) => response.end())
  const file = join(temporaryDirectory(context), 'netrc')
  for (const text of FILES) {
    writeFileSync(file, text)
    await promisify(execFile)('curl', ['-s', '--netrc-file', file, url])
    const login = findLogin(text, '127.0.0.1')
    const ours = login && `Basic ${Buffer.from(`${login.name}:${login.password}`).toString('base64')}`
    assert.equal(ours, requests.at(-1)!.headers.authorization, JSON.stringify(text))
  }
})

test('hosts in any case; the entry of the host before the default', () => {
  const text = 'default login any password one machine Host.Example.org login me password secret'
  assert.deepEqual(findLogin(text, 'host.example.ORG'), { name: 'me', password: 'secret' })
  assert.deepEqual(findLogin(text, 'example.org'), { name: 'any', password: 'one' })
})

test('the file of the user is for a host without a password, and for no other host after a redirect', async (context) => {
  const other = await serve(context, (_, response) => response.end('there'))
  const elsewhere = other.url.replace('127.0.0.1', 'localhost')
  const { url, requests } = await serve(context, (request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: `${elsewhere}/file` })
    response.end('here')
  })
  const directory = temporaryDirectory(context)
  writeFileSync(join(directory, '.netrc'), 'machine 127.0.0.1 login me password secret\n')
  const script = `
    import { fetchUrl } from ${JSON.stringify(new URL('./fetch-url.ts', import.meta.url).href)}
    for (const url of process.argv.slice(2)) await fetchUrl({ urls: [url], destination: process.argv[1] })`
  const given = url.replace('http://', 'http://user:word@')
  const urls = [`${url}/file`, `${given}/file`, `${url}/moved`]
  await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '-e', script, join(directory, 'out'), ...urls],
    { env: { ...process.env, HOME: directory, NETRC: '' } },
  )
  const sent = requests.map(({ headers }) => headers.authorization)
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  assert.deepEqual(sent, [basic('me:secret'), basic('user:word'), basic('me:secret')])
  assert.deepEqual(
    other.requests.map(({ headers }) => headers.authorization),
    [undefined],
  )
})
