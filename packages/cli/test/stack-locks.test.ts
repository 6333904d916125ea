/** `baryon stack lock` and `stack update`, with an archive of the test and an apt that knows only that one. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ArchivedPackage, createDebianArchive, peer, temporaryDirectory } from '@baryon/testing'

const baryon = peer(resolve(import.meta.dirname, '../../../bin/baryon'))
const skip = peer('gpg').skip || peer('gpgv').skip || peer('xz').skip || peer('apt-config').skip

const compiler = (version: string): ArchivedPackage => ({ name: 'compiler', version, architecture: 'amd64' })
const source = (name: string, version: string): ArchivedPackage => ({ name, version, architecture: 'source' })

test('missing pins are added, unused ones dropped, the others stay', { skip }, (context) => {
  const { run, archive, lock } = stackScene(context)
  archive.publish('bookworm', [compiler('12-1'), source('widget', '1.0-1'), source('gadget', '2.0-1')])
  // The stack wants a compiler and has none; it does not want what is in the file.
  writeFileSync(lock('debs'), `{"leftover": ${pin('1-1')}}`)
  const stale = run('stack', 'lock', '--check')
  assert.equal(stale.status, 1)
  assert.match(
    stale.stderr,
    /^error\[STACK_LOCK_STALE\].*\n\+ compiler {2}debs\.lock\n- leftover {2}debs\.lock\nhint: /,
  )

  const locked = run('stack', 'lock', 'widget', '--json')
  assert.equal(locked.status, 0, locked.stderr)
  assert.deepEqual(JSON.parse(locked.stdout), {
    locks: [
      { file: lock('debs'), added: ['compiler'], removed: ['leftover'] },
      { file: lock('sources'), added: ['widget'], removed: [] },
    ],
  })
  assert.match(
    readFileSync(lock('sources'), 'utf8'),
    /^\{\n"widget": \{"version": "1\.0-1", "architecture": "source", "size": \d+, "sha256": "[0-9a-f]{64}", "path": "pool\/main\/w\/widget\/widget_1\.0\.orig\.tar\.gz"\}\n\}\n$/,
  )
  assert.equal(run('stack', 'lock', '--check').status, 0)

  // A newer one in the archive is no reason to touch a pin, and one more pin none to touch the others.
  archive.publish('bookworm', [compiler('13-1'), source('widget', '9.0-1'), source('gadget', '2.0-1')])
  assert.equal(run('stack', 'lock', 'gadget').status, 0)
  assert.deepEqual(versionsIn(lock('debs')), { compiler: '12-1' })
  assert.deepEqual(versionsIn(lock('sources')), { gadget: '2.0-1', widget: '1.0-1' })

  const before = readFileSync(lock('sources'))
  const missing = run('stack', 'lock', 'gizmo')
  assert.match(missing.stderr, /^error\[PACKAGE_NOT_FOUND\]: no source package of the archive is called gizmo\nhint: /)
  assert.equal(missing.status, 1)
  assert.deepEqual(readFileSync(lock('sources')), before)
})

test('what is newer in the archive is pinned, what is older or gone is not', { skip }, (context) => {
  const { run, archive, lock } = stackScene(context)
  archive.publish('bookworm', [
    compiler('12-1'),
    source('widget', '1.0-1'),
    source('gadget', '2.0-1'),
    source('gone', '1-1'),
  ])
  assert.equal(run('stack', 'lock', 'widget', 'gadget', 'gone').status, 0)
  archive.publish('bookworm', [compiler('12-1'), source('widget', '1.0-2'), source('gadget', '1.9-1')])
  const expected = { updates: [{ name: 'widget', file: lock('sources'), from: '1.0-1', to: '1.0-2' }], kept: ['gone'] }

  const dry = run('stack', 'update', '--dry-run', '--json')
  assert.deepEqual(JSON.parse(dry.stdout), expected)
  assert.equal(dry.stderr, 'kept as they are, because no configured suite has them: gone\n')
  assert.equal(versionsIn(lock('sources')).widget, '1.0-1')

  assert.equal(run('stack', 'update', 'gadget').stdout, 'every pin is the newest that the archive has\n')
  assert.deepEqual(JSON.parse(run('stack', 'update', '--json').stdout), expected)
  assert.deepEqual(versionsIn(lock('sources')), { gadget: '2.0-1', gone: '1-1', widget: '1.0-2' })

  const mistyped = run('stack', 'update', 'gadgte')
  assert.equal(mistyped.status, 1)
  assert.match(mistyped.stderr, /'gadgte' is in no lock file of the stack\nhint: did you mean gadget\?/)
})

test('files that are no locks, a stack without any, and an index that is not signed', { skip }, (context) => {
  const { run, archive, lock, stack } = stackScene(context)
  for (const [text, why] of [
    ['[1]', 'an object is expected'],
    ['{"a": 1}', "what it says of 'a' is no pin"],
    ['{', 'JSON'],
  ] as const) {
    writeFileSync(lock('debs'), text)
    const result = run('stack', 'lock', '--check')
    assert.equal(result.status, 1)
    assert.ok(result.stderr.startsWith(`error[STACK_LOCK_INVALID]: '${lock('debs')}' is no lock file: `), result.stderr)
    assert.ok(result.stderr.includes(why), result.stderr)
  }
  writeFileSync(lock('debs'), '{}')
  archive.publish('bookworm', [compiler('12-1')], { signed: false })
  assert.match(run('stack', 'lock').stderr, /^error\[ARCHIVE_INDEX_UNSIGNED\]/)
  assert.equal(readFileSync(lock('debs'), 'utf8'), '{}')
  writeFileSync(stack, '{ }: { }')
  assert.match(run('stack', 'lock').stderr, /^error\[STACK_UNLOCKED\]/)
})

test('the stack of this repository has a pin for all that it wants, and every recipe evaluates', (context) => {
  const clone = resolve(import.meta.dirname, '../../..')
  const home = temporaryDirectory(context)
  const stack = join(clone, 'stacks/hep')
  const run = (...words: readonly string[]) => baryon.output(words, { home, environment: { XDG_DATA_HOME: home } })
  assert.equal(run('stack', 'lock', '--check', '-f', stack), 'the lock files are what the stack wants')
  const { packages } = JSON.parse(run('stack', 'list', '--json', '-f', stack)) as {
    packages: readonly { attribute: string }[]
  }
  const listed = new Set(packages.map(({ attribute }) => attribute))
  const recipes = readdirSync(join(stack, 'packages')).map((file) => file.replace(/\.nix$/, ''))
  for (const python of ['python311', 'python313']) assert.ok(listed.has(`${python}Packages.fastjet`), python)
  const derivations = run('eval', '--json', '--expr', everyDerivation(stack, recipes))
  assert.equal((JSON.parse(derivations) as string[]).length, recipes.length)
  assert.deepEqual(
    recipes.filter((name) => !listed.has(name)),
    [],
  )
})

function stackScene(context: TestContext) {
  const directory = join(temporaryDirectory(context), 'a stack')
  mkdirSync(directory)
  const archive = createDebianArchive(context)
  const stack = join(directory, 'default.nix')
  writeFileSync(
    stack,
    `{ }: {
      locks = [
        { file = toString ./debs.lock; kind = "binary"; architecture = "amd64"; names = [ "compiler" ]; }
        { file = toString ./sources.lock; kind = "source"; }
      ];
    }`,
  )
  writeFileSync(join(directory, 'baryon.toml'), 'stack = "."\n')
  const environment = { APT_CONFIG: archive.aptConfig, XDG_DATA_HOME: directory }
  return {
    archive,
    stack,
    lock: (name: string) => join(directory, `${name}.lock`),
    run: (...words: readonly string[]) => baryon.run(words, { home: directory, environment }),
  }
}

function everyDerivation(stack: string, names: readonly string[]): string {
  return `let stack = import ${stack} { }; in map (name: stack.\${name}.drvPath) (builtins.fromJSON ''${JSON.stringify(names)}'')`
}

function pin(version: string): string {
  return JSON.stringify({ version, architecture: 'amd64', size: 1, sha256: '0'.repeat(64), path: 'pool/x' })
}

function versionsIn(file: string): Record<string, string> {
  const content = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { version: string }>
  return Object.fromEntries(Object.entries(content).map(([name, { version }]) => [name, version]))
}
