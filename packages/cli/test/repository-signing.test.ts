/** Passphrases, commands that sign, and new certificates, on the command line. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeTree } from '@baryon/testing'
import { NAME, repositoryScene } from './repository-scene.ts'

test('a passphrase from the environment or a file, and a rotation', async (t) => {
  const { directory, run, good, away } = repositoryScene(t)
  const secret = { BARYON_KEY_PASSPHRASE: 'correct horse' }
  writeFileSync(join(directory, 'secret'), 'correct horse\n')
  writeTree(join(directory, 'tree'), 'text')
  const created = await away(['repository', 'create', NAME, '--dir', 'repo'], secret)
  assert.equal(created.status, 0, created.stderr)
  const key = () => readFileSync(join(directory, `repo.keys/${NAME}.key`), 'utf8')
  assert.match(key(), /ENCRYPTED/)
  const publish = ['repository', 'publish', 'repo', '--tree', 'tree', '--at']
  const refused = run(...publish, '/x')
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^error\[CVMFS_PASSPHRASE\][^\n]*\nhint: set BARYON_KEY_PASSPHRASE/)
  good(...publish, '/x', '--passphrase-file', 'secret')
  assert.equal((await away([...publish, '/y'], secret)).status, 0)
  assert.equal((await away([...publish, '/z'], { BARYON_KEY_PASSPHRASE: 'wrong' })).status, 1)
  // Looking needs none.
  assert.match(good('repository', 'check', 'repo'), /: no problems$/)

  const before = key()
  const rotated = JSON.parse(
    good('repository', 'whitelist', 'repo', '--rotate', '--passphrase-file', 'secret', '--json'),
  )
  assert.deepEqual([rotated.rotated, rotated.fingerprints.length], [true, 2])
  assert.notEqual(key(), before)
  assert.match(key(), /ENCRYPTED/)
  good('repository', 'tag', 'repo', 'now', '--passphrase-file', 'secret')
  good('repository', 'rollback', 'repo', '--passphrase-file', 'secret')
  assert.match(
    good('repository', 'whitelist', 'renew', 'repo', '--passphrase-file', 'secret', '--valid', '90'),
    /^hep\.example\.org: whitelist valid until 20[^;]*$/,
  )
  good('repository', 'gc', 'repo', '--passphrase-file', 'secret')
  assert.match(good('repository', 'check', 'repo', '--tags'), /: no problems$/)
  assert.match(run('repository', 'gc', 'repo', '--passphrase-file', 'none').stderr, /^error\[CVMFS_PASSPHRASE\]/)
})

test('openssl signs by its command; nothing is where its keys would be', (t) => {
  const { directory, run, good } = repositoryScene(t)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' })
  mkdirSync(join(directory, 'repo.keys'))
  openssl('genrsa', '-out', 'card.pem', '2048')
  openssl('genrsa', '-out', 'master.pem', '2048')
  openssl('rsa', '-in', 'master.pem', '-pubout', '-out', `repo.keys/${NAME}.pub`)
  openssl('req', '-new', '-x509', '-key', 'card.pem', '-subj', '/CN=x', '-out', `repo.keys/${NAME}.crt`)
  writeTree(join(directory, 'tree'), 'text')
  const sign = ['--sign-with', 'openssl dgst -sha1 -sign card.pem']
  const signWhitelist = 'openssl pkeyutl -sign -inkey master.pem'
  good('repository', 'create', NAME, '--dir', 'repo', ...sign, '--sign-whitelist-with', signWhitelist)
  assert.ok(!existsSync(join(directory, `repo.keys/${NAME}.key`)))
  const publish = ['repository', 'publish', 'repo', '--tree', 'tree', '--at', '/x']
  assert.match(run(...publish).stderr, /^error\[CVMFS_KEY\]/)
  assert.match(run(...publish, '--sign-with', 'exit 7').stderr, /^error\[CVMFS_SIGNING\].* ended with 7: exit 7\n/)
  good(...publish, ...sign)
  // Another card: its certificate is listed, then signs, then is the only one.
  openssl('genrsa', '-out', 'card.pem', '2048')
  openssl('req', '-new', '-x509', '-key', 'card.pem', '-subj', '/CN=y', '-out', `repo.keys/${NAME}.crt`)
  assert.match(
    run(...publish, ...sign, '--tag', 'v1').stderr,
    /^error\[CVMFS_CERTIFICATE\].*\nhint: sign the whitelist/,
  )
  const listed = () =>
    JSON.parse(good('repository', 'whitelist', 'repo', '--sign-with', signWhitelist, '--json')).fingerprints.length
  assert.equal(listed(), 2)
  good(...publish, ...sign, '--tag', 'v1')
  assert.equal(listed(), 1)
  assert.match(good('repository', 'check', 'repo'), /: no problems$/)
})
