import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { hashPath } from '@baryon/store'
import { parseLinks, unpackTree } from '../src/builtin/unpack-tree.ts'
import { makeDerivation } from './make-derivation.ts'
import { build, outputPlace, temporaryStore } from './temporary-store.ts'

const top = mkdtempSync(join(tmpdir(), 'baryon-builtin-'))
after(() => rmSync(top, { recursive: true, force: true }))

function archive(name: string, files: Readonly<Record<string, string>>): string {
  const tree = join(top, `${name}.d`)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(tree, path, '..'), { recursive: true })
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), join(tree, path))
    else writeFileSync(join(tree, path), text, { mode: path.includes('bin/') ? 0o4755 : 0o600 })
  }
  const file = join(top, `${name}.tar.gz`)
  assert.equal(spawnSync('tar', ['-czf', file, '-C', tree, '.']).status, 0)
  return file
}

const first = archive('first', {
  'bin/tool': 'tool',
  'usr/bin/other': 'other',
  'usr/share/doc/x/README': 'text',
  'usr/lib/a.so': 'a',
  'usr/lib/libx.so': '-> a.so',
  'etc/rc': 'rc',
})
const second = archive('second', {
  'lib/b.so': 'b',
  'usr/bin/other': 'newer',
  'usr/share/doc/y/README': 'text',
  'usr/lib/deep/er/c.pc': 'c',
})

test('builtin:unpack-tree lays archives over each other with a merged /usr', async () => {
  const store = temporaryStore()
  const archives = [
    store.addPath('first.tar.gz', first, { method: 'flat' }),
    store.addPath('second.tar.gz', second, { method: 'flat' }),
  ]
  const derivation = makeDerivation(store, {
    name: 'tree',
    builder: 'builtin:unpack-tree',
    sources: archives,
    env: {
      archives: archives.map((path) => store.format(path)).join(' '),
      remove: 'usr/share/doc\nusr/lib/**/*.pc\nusr/lib/no-such-*',
      links: 'usr/bin/cc tool\nusr/new/dir/link ../../bin/tool\nbin/awk other\n',
    },
  })
  await build(store, derivation)
  const place = outputPlace(store, derivation)
  assert.deepEqual(readdirSync(place).sort(), ['bin', 'etc', 'lib', 'usr'])
  assert.equal(readlinkSync(`${place}/bin`), 'usr/bin')
  assert.deepEqual(readdirSync(`${place}/usr/bin`).sort(), ['awk', 'cc', 'other', 'tool'])
  assert.deepEqual(readdirSync(`${place}/usr/lib`).sort(), ['a.so', 'b.so', 'deep', 'libx.so'])
  assert.deepEqual(readdirSync(`${place}/usr/lib/deep/er`), [])
  assert.equal(readFileSync(`${place}/usr/bin/other`, 'utf8'), 'newer')
  assert.equal(readFileSync(`${place}/usr/new/dir/link`, 'utf8'), 'tool')
  assert.deepEqual(
    [statSync(`${place}/usr/bin/tool`).mode & 0o7777, statSync(`${place}/etc/rc`).mode & 0o7777],
    [0o555, 0o444],
  )
  await build(store, derivation, { check: true })
})

test('builtin:unpack-tree lays archives over a tree as over what the tree was made of', async () => {
  const store = temporaryStore()
  const [base, more] = [
    store.addPath('first.tar.gz', first, { method: 'flat' }),
    store.addPath('second.tar.gz', second, { method: 'flat' }),
  ]
  const unpack = (name: string, archives: readonly (typeof base)[]) =>
    makeDerivation(store, {
      name,
      builder: 'builtin:unpack-tree',
      sources: [...archives],
      env: { archives: archives.map((path) => store.format(path)).join(' ') },
    })
  const layer = unpack('layer', [base])
  await build(store, layer)
  const tree = store.addPath('layer', outputPlace(store, layer))
  const whole = unpack('whole', [base, more])
  const layered = unpack('layered', [tree, more])
  const reversed = unpack('reversed', [more, tree])
  for (const derivation of [whole, layered, reversed]) await build(store, derivation)
  const hash = (derivation: typeof whole) => hashPath(outputPlace(store, derivation), 'sha256')
  assert.deepEqual(hash(layered), hash(whole))
  assert.equal(readFileSync(`${outputPlace(store, reversed)}/usr/bin/other`, 'utf8'), 'other')

  // Files of the tree are shared, replaced ones and those of archives are not; what is shared stays as it was.
  const inode = (place: string) => statSync(`${place}/usr/bin/tool`).ino
  assert.equal(inode(outputPlace(store, layered)), inode(store.physicalPath(tree)))
  assert.notEqual(inode(outputPlace(store, whole)), inode(store.physicalPath(tree)))
  assert.equal(readFileSync(`${store.physicalPath(tree)}/usr/bin/other`, 'utf8'), 'other')
  await build(store, layered, { check: true })
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
})

test('builtin:unpack-tree stays in its tree', async () => {
  const evil = archive('evil', { 'usr/out': `-> ${top}`, 'usr/x': 'x' })
  const destination = join(top, 'evil-tree')
  const request = { archives: [evil], destination, remove: [], links: [] }
  for (const broken of [
    { ...request, links: parseLinks('usr/out/x y') },
    { ...request, remove: ['usr/out/first.tar.gz'] },
    { ...request, remove: ['../x'] },
    { ...request, links: parseLinks('/etc/x y') },
  ]) {
    await assert.rejects(unpackTree(broken), { code: 'DERIVATION_INVALID' })
    rmSync(destination, { recursive: true })
  }
  assert.ok(lstatSync(first).isFile())
  assert.throws(() => parseLinks('one two three'), { code: 'DERIVATION_INVALID' })
})

test('builtin:fetch-deb takes a package from a mirror', async (context) => {
  const store = temporaryStore()
  const mirror = join(top, 'mirror')
  mkdirSync(join(mirror, 'pool/main/z/zz'), { recursive: true })
  const path = 'pool/main/z/zz/zz_1.0-1_amd64.deb'
  writeFileSync(join(mirror, path), 'not really a package')
  const { BARYON_DEB_MIRRORS } = process.env
  process.env.BARYON_DEB_MIRRORS = mirror
  context.after(() => {
    if (BARYON_DEB_MIRRORS === undefined) delete process.env.BARYON_DEB_MIRRORS
    else process.env.BARYON_DEB_MIRRORS = BARYON_DEB_MIRRORS
  })
  const hash = createHash('sha256').update('not really a package').digest('hex')
  const derivation = makeDerivation(store, {
    name: 'zz_1.0-1_amd64.deb',
    builder: 'builtin:fetch-deb',
    env: { package: 'zz', version: '1.0-1', path },
    fixed: { algorithm: 'sha256', hash },
  })
  const { events } = await build(store, derivation)
  assert.equal(readFileSync(outputPlace(store, derivation), 'utf8'), 'not really a package')
  assert.ok(events.some((event) => event.kind === 'progress' && event.bytes === 20))
})

test('builtin:fetchurl unpacks and makes executable', async (context) => {
  const env = {
    ...process.env,
    NIX_STORE_DIR: `${top}/nix/store`,
    NIX_STATE_DIR: `${top}/nix/var`,
    NIX_LOG_DIR: `${top}/nix/log`,
    NIX_CONF_DIR: `${top}/nix/etc`,
  }
  if (spawnSync('nix-store', ['--version'], { env }).status !== 0) return context.skip('nix-store is not installed')
  const dump = (path: string) => spawnSync('nix-store', ['--dump', path], { env }).stdout
  const store = temporaryStore()
  const tree = join(top, 'tree')
  mkdirSync(`${tree}/bin`, { recursive: true })
  writeFileSync(`${tree}/bin/x`, 'x', { mode: 0o755 })
  const nar = dump(tree)
  const file = join(top, 'tree.nar.xz')
  writeFileSync(file, spawnSync('xz', ['-c'], { input: nar }).stdout)
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
  const unpacked = makeDerivation(store, {
    name: 'unpacked',
    builder: 'builtin:fetchurl',
    env: { url: `file://${file}`, unpack: '1', executable: '' },
    fixed: { algorithm: 'r:sha256', hash: sha256(nar) },
  })
  await build(store, unpacked)
  assert.equal(readFileSync(`${outputPlace(store, unpacked)}/bin/x`, 'utf8'), 'x')
  const tool = makeDerivation(store, {
    name: 'tool',
    builder: 'builtin:fetchurl',
    env: { url: `file://${tree}/bin/x`, executable: '1' },
    fixed: { algorithm: 'r:sha256', hash: sha256(dump(`${tree}/bin/x`)) },
  })
  await build(store, tool)
  assert.equal(statSync(outputPlace(store, tool)).mode & 0o777, 0o555)
})
