/** Hosts that lack what others have: what can be done is done, and all else ends in a coded error. */
import assert from 'node:assert/strict'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { isOnPath } from '@baryon/testing'
import {
  assertError,
  assertOk,
  createScene,
  derivation,
  hide,
  inNamespace,
  openDirectory,
  storeDirectory,
  withoutNamespace,
} from './bad-input-scene.ts'

const scene = createScene({ after })
const skip = withoutNamespace(scene.user)
const small = (name: string) => derivation(name, 'echo > $out')

describe('a host without', { skip }, () => {
  const noNamespaces = 'echo 0 > /proc/sys/user/max_user_namespaces'
  test('user namespaces: proot does it', { skip: isOnPath('proot') ? false : 'proot is not installed' }, () => {
    const wrapper = inNamespace(noNamespaces)
    const result = scene.build(small('by-proot'), [], { wrapper })
    assertOk(result)
    assert.match(result.stderr, /^note: sandbox proot: the network is reachable/m)
    const { run } = JSON.parse(scene.run(['doctor', '--json'], { wrapper }).stdout) as {
      run: { name: string; works: boolean }[]
    }
    assert.deepEqual(
      run.filter(({ works }) => works).map(({ name }) => name),
      ['by proot'],
    )
  })
  test('user namespaces and proot: refused, and says what would help', () => {
    const wrapper = inNamespace(`${noNamespaces}\n${hide('proot')}`)
    const result = scene.build(small('by-nothing'), [], { wrapper })
    assertError(result, 100, 'NO_SANDBOX', /bubblewrap: [\s\S]*unshare: [\s\S]*proot: /, /install bubblewrap or proot/)
    const doctor = scene.run(['doctor'], { wrapper })
    assert.equal(doctor.status, 1)
    assert.match(doctor.stdout, /^bad {2}sandbox: no sandbox works here/m)
    assert.match(
      doctor.stdout,
      /^bad {2}run in a namespace: the kernel forbids it: user\.max_user_namespaces is 0\n.*sysctl/m,
    )
    assert.match(doctor.stdout, /^bad {2}run by proot: proot is not installed/m)
  })
  test('a package manager', () => {
    const wrapper = inNamespace(`${hide('apt-get', 'apt-config', 'dpkg')}\nmount -t tmpfs none /etc/apt`)
    const expression = `derivation {
      name = "x_1_amd64.deb"; system = "builtin"; builder = "builtin:fetch-deb"; package = "x"; version = "1";
      outputHash = "sha256-${'A'.repeat(43)}="; outputHashMode = "flat"; path = "pool/main/x/x/x_1_amd64.deb";
    }`
    const result = scene.build(expression, [], { wrapper, environment: { BARYON_DEB_MIRRORS: '' } })
    assertError(result, 100, 'DEB_NO_ARCHIVE', /x_1_amd64\.deb/, /BARYON_DEB_MIRRORS/)
    assert.match(scene.run(['doctor'], { wrapper }).stdout, /package archive: none configured/)
  })
  test('compiler, tar, xz and git, from the source archive', () => {
    const source = join(scene.user.home, 'source.txt')
    writeFileSync(source, 'the source\n')
    assert.equal(scene.user.run('tar', ['-cJf', 'source.tar.xz', 'source.txt']).status, 0)
    const { hash } = JSON.parse(
      assertOk(scene.run(['source', 'fetch', `file://${scene.user.home}/source.tar.xz`, '--json'])),
    ) as { hash: string }
    const tools = ['tar', 'xz', 'gzip', 'bzip2', 'git', 'gcc', 'g++', 'cc', 'ld', 'make', 'python3', 'perl', 'curl']
    const unpacked = `derivation {
      name = "unpacked"; system = "builtin"; builder = "builtin:unpack-tree"; archives = import <nix/fetchurl.nix> {
        url = "http://127.0.0.1:9/source.tar.xz"; hash = "${hash}";
      };
    }`
    const result = scene.build(derivation('from-archive', `cat \${${unpacked}}/source.txt > $out`), ['--offline'], {
      wrapper: inNamespace(hide(...tools)),
      environment: { PATH: '/bin' },
    })
    const output = assertOk(result)
    assert.equal(readFileSync(join(scene.physical, output.slice(storeDirectory.length)), 'utf8'), 'the source\n')
  })
  test('room on the disk', () => {
    const full = openDirectory(join(scene.user.home, '../no-room'))
    const fill = `mount -t tmpfs -o size=64k,mode=777 full "${full}"; head -c 1m /dev/zero > "${full}/x" || :`
    const result = scene.build(small('no-room'), [], { wrapper: inNamespace(fill), environment: { BARYON_ROOT: full } })
    assertError(result, 1, 'DISK_FULL', /no space left/i, /store gc/)
  })
  test('a root that can be written to', () => {
    assertOk(scene.build(small('before')))
    const wrapper = inNamespace(
      `mount --bind "${scene.root}" "${scene.root}"; mount -o remount,ro,bind "${scene.root}"`,
    )
    assertError(scene.build(small('after'), [], { wrapper }), 1, 'STORE_READ_ONLY', /cannot be written/, /--root/)
    assertOk(scene.build(small('before'), [], { wrapper }))
    assertOk(scene.run(['store', 'ls'], { wrapper }))
    assertOk(scene.run(['store', 'verify', '--check-contents'], { wrapper }))
  })
})

describe('places', () => {
  test('a root where the user may not write', () => {
    const closed = join(scene.user.home, '../closed')
    mkdirSync(closed, { mode: 0o555 })
    chmodSync(closed, 0o555)
    for (const root of [join(closed, 'root'), '/proc/baryon', '/dev/null/root']) {
      const result = scene.build(small('nowhere'), [], { environment: { BARYON_ROOT: root } })
      assertError(result, 1, 'STORE_UNWRITABLE', /cannot create the store/, /--root/)
    }
  })
  test('no HOME', () => {
    const environment = { HOME: undefined, BARYON_ROOT: undefined }
    assertError(scene.build(small('homeless'), [], { environment }), 1, 'NO_ROOT', /HOME/, /BARYON_ROOT/)
    assertOk(scene.build(small('homeless'), [], { environment: { HOME: undefined } }))
  })
  test('blanks, accents and line ends in every path', () => {
    const odd = openDirectory(join(scene.user.home, '../an öd\nd "place" $HOME'))
    writeFileSync(
      join(odd, 'default.nix'),
      `{ a = ${derivation('odd', 'cat ${./a b}/* > $out'.replace('./a b', '"${./ab}"'))}; }`,
    )
    mkdirSync(join(odd, 'ab'))
    writeFileSync(join(odd, 'ab/ü'), 'text\n')
    const options = { cwd: odd, environment: { BARYON_ROOT: join(odd, 'root'), TMPDIR: odd } }
    const output = assertOk(scene.run(['build', '-f', '.', 'a', '-o', 'my\nresult'], options))
    assert.match(output, /-odd$/)
    assert.ok(lstatSync(join(odd, 'my\nresult')).isSymbolicLink())
    assertOk(scene.run(['store', 'verify', '--check-contents'], options))
    assert.match(assertOk(scene.run(['store', 'roots'], options)), /my\nresult/)
    assert.equal(assertOk(scene.run(['store', 'cat', './my\nresult'], options)), 'text')
    assert.deepEqual(
      readdirSync(odd).filter((name) => name.startsWith('baryon-')),
      [],
    )
  })
  test('the store is as it should be after all that', () => scene.assertClean())
})
