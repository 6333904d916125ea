import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import { temporaryDirectory } from '@baryon/testing'
import { resolveSettings, type SettingsRequest } from './settings.ts'

test('which store and which stack', async (t) => {
  const directory = temporaryDirectory(t)
  const inner = join(directory, 'project/deep')
  mkdirSync(inner, { recursive: true })
  mkdirSync(join(directory, 'plain'))
  writeFileSync(
    join(directory, 'project/baryon.toml'),
    'store-dir = "/cvmfs/a/store"\nstack = "my/stack.nix"\nplatform = "p"\nnix-version = "2.8.0"\n',
  )
  const settings = (
    currentDirectory: string,
    request: SettingsRequest = {},
    environment: NodeJS.ProcessEnv = {},
    storeDirectory?: string,
  ) =>
    resolveSettings(
      { root: undefined, storeDirectory, environment: { HOME: '/h', ...environment }, currentDirectory },
      request,
    )

  const found = await settings(inner, { needsStack: true })
  assert.equal(found.storeDirectory, '/cvmfs/a/store')
  assert.equal(found.stack, join(directory, 'project/my/stack.nix'))
  assert.equal(found.platform, 'p')
  assert.equal(found.nixVersion, '2.8.0')
  assert.equal((await settings(inner, {}, { BARYON_NIX_VERSION: '2.36.0' })).nixVersion, '2.36.0')
  assert.equal(found.root, '/h/.local/share/baryon')
  assert.equal(found.consulted.get(join(inner, 'baryon.toml')), false)
  assert.equal(found.consulted.get(join(directory, 'project/baryon.toml')), true)

  const plain = join(directory, 'plain')
  assert.equal((await settings(plain)).storeDirectory, '/nix/store')
  assert.equal((await settings(plain)).nixVersion, undefined)
  assert.equal((await settings(plain, { stack: '../project/x.nix' })).storeDirectory, '/cvmfs/a/store')
  const path = '/other/store/00000000000000000000000000000000-x/bin'
  assert.equal((await settings(inner, { storePath: path })).storeDirectory, '/other/store')
  assert.equal((await settings(inner, { storePath: path }, { BARYON_STORE_DIR: '/env' })).storeDirectory, '/env')
  assert.equal((await settings(inner, {}, { BARYON_STORE_DIR: '/env' }, '/option')).storeDirectory, '/option')
  assert.equal((await settings(plain, {}, { XDG_DATA_HOME: '/data' })).root, '/data/baryon')
  assert.equal((await settings(plain, {}, { BARYON_ROOT: 'here' })).root, join(plain, 'here'))
})

test('a store directory that only the stack names', async (t) => {
  const directory = temporaryDirectory(t)
  const settings = (currentDirectory: string) =>
    resolveSettings({ root: '/r', storeDirectory: undefined, environment: {}, currentDirectory })
  for (const name of ['stack', 'named', 'project', 'plain']) mkdirSync(join(directory, name))
  writeFileSync(join(directory, 'stack/baryon.toml'), 'store-dir = "/cvmfs/stack/store"\n')
  writeFileSync(join(directory, 'named/baryon.toml'), 'stack = "../stack"\n')
  writeFileSync(join(directory, 'project/baryon.toml'), 'packages = ["zlib"]\n[tasks]\na = "b"\n')
  writeFileSync(join(directory, 'plain/baryon.toml'), 'platform = "p"\n')
  const named = await settings(join(directory, 'named'))
  assert.deepEqual([named.storeDirectory, named.stack], ['/cvmfs/stack/store', undefined])
  assert.equal(named.configuration?.file, join(directory, 'named/baryon.toml'))
  // A project that names no stack is one on the stack of the clone.
  assert.equal((await settings(join(directory, 'project'))).storeDirectory, '/cvmfs/lhcb.example.org/nix/store')
  assert.equal((await settings(join(directory, 'plain'))).storeDirectory, '/nix/store')
})

test('a baryon.toml that is wrong is named', async (t) => {
  const directory = temporaryDirectory(t)
  const cases: readonly [text: string, code: string, hint: RegExp | undefined][] = [
    ['store-dri = "/x"', 'CONFIGURATION_KEY', /store-dir/],
    ['platform = 3', 'CONFIGURATION_KEY', undefined],
    ['= nonsense', 'CONFIGURATION_SYNTAX', undefined],
  ]
  for (const [text, code, hint] of cases) {
    writeFileSync(join(directory, 'baryon.toml'), text)
    await assert.rejects(
      resolveSettings({ root: '/r', storeDirectory: undefined, environment: {}, currentDirectory: directory }),
      (error) =>
        error instanceof UserError &&
        error.code === code &&
        error.message.startsWith(`${join(directory, 'baryon.toml')}:1:1: `) &&
        (hint === undefined || hint.test(error.hint ?? '')),
      text,
    )
  }
})
