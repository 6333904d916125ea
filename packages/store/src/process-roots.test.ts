import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { ordinaryUser, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import { allRoots } from './live-roots.ts'
import { findProcessUses } from './process-roots.ts'

const digest = (letter: string) => letter.repeat(32)

test('paths are found at whatever place a process sees the store', (t) => {
  const proc = join(temporaryDirectory(t), 'proc')
  const maps = (path: string) => `00400000-00585000 r-xp 00001000 fe:00 2532554       ${path}\n`
  writeTree(proc, {
    entries: {
      self: { symlink: '7' },
      7: {
        entries: {
          exe: { symlink: `/nix/store/${digest('a')}-a/bin/x` },
          cwd: { symlink: `/srv/root/nix/store/${digest('b')}-b` },
          root: { symlink: '/' },
          fd: { entries: { 0: { symlink: 'pipe:[1]' }, 3: { symlink: `/tmp/.x/${digest('c')}-c (deleted)` } } },
          maps: maps(`/${digest('d')}-d/lib/libd.so`) + maps(`/cvmfs/x/${digest('f')}-f`) + maps('[heap]'),
          environ: `PATH=/bin:/nix/store/${digest('g')}-g/bin\0X=é/nix/store/${digest('h')}-h\xff\0NOT=${digest('i')}-i\0`,
        },
      },
      // Ended while we looked; a thread of the kernel, which has no program.
      8: { entries: { exe: { symlink: '/bin/sh' } } },
      9: { entries: { fd: { entries: {} }, maps: '', environ: '' } },
      sys: { entries: { kernel: { entries: { modprobe: `/nix/store/${digest('k')}-kmod/bin/modprobe\n` } } } },
      // Too short, and with a letter that digests do not have.
      10: {
        entries: {
          exe: { symlink: '/bin/sh' },
          fd: { entries: {} },
          environ: `A=/nix/store/${digest('a').slice(1)}-a\0B=/nix/store/${digest('e')}-e\0`,
        },
      },
    },
  })
  const { uses, hidden } = findProcessUses(proc)
  assert.equal(hidden, 0)
  assert.deepEqual(
    uses.map((use) => `${use.digest[0]} ${use.source.slice(proc.length)}`),
    [
      'a /7/exe',
      'b /7/cwd',
      'c /7/fd/3',
      'd /7/maps',
      'f /7/maps',
      'g /7/environ',
      'h /7/environ',
      'k /sys/kernel/modprobe',
    ],
  )
  assert.deepEqual(findProcessUses(join(proc, 'none')), { uses: [], hidden: 0 })
})

test('processes of other users are counted, not looked into', (t) => {
  const user = ordinaryUser(t)
  if (user.skip || process.getuid?.() !== 0) {
    t.skip(user.skip || 'only root has processes that another user may not look into')
    return
  }
  const script = `import { findProcessUses } from ${JSON.stringify(join(import.meta.dirname, 'process-roots.ts'))}
    const { uses, hidden } = findProcessUses()
    console.log(hidden > 0, uses.some(({ source }) => source.startsWith('/proc/${process.pid}/')))`
  const result = user.run(process.execPath, ['--input-type=module-typescript', '-e', script])
  assert.equal(result.stdout, 'true false\n', result.stderr)
})

test('what a process began to use during its life is a root until it ends', async (t) => {
  const { store, root } = temporaryStore(t)
  const used = store.addText('used', 'used')
  store.addText('unused', 'unused')
  store.close()
  const { store: again } = temporaryStore(t, { root })
  const child = spawn('/bin/sh', ['-c', `exec 3<${again.physicalPath(used)}; echo ready; read x`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const { roots } = allRoots(again)
  assert.deepEqual(
    roots.map(({ path, source, kind }) => [path.name, source, kind]),
    [['used', `/proc/${child.pid}/fd/3`, 'process']],
  )
  assert.throws(() => again.collectGarbage({ paths: [used] }), { code: 'PATH_ALIVE' })
  assert.deepEqual(again.collectGarbage({ dryRun: true }).deleted, again.collectGarbage().deleted)
  assert.deepEqual(again.allValidPaths(), [used])
  child.stdin.end()
  await once(child, 'close')
  assert.deepEqual(again.collectGarbage().deleted, [again.format(used)])
})
