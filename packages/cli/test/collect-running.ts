/**
 * Starts a program of a store as `baryon run` does, in every tier that works for the user who runs this, and collects
 * garbage meanwhile. Prints a record per tier and use: what was kept, by which files of /proc, and what remained afterwards.
 *
 *     collect-running.ts ROOT BUSYBOX
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Change, formatLaunch, listTiers, prepareRootTable, type Tier } from '@baryon/environment'
import type { StorePath } from '@baryon/format'
import { allRoots, openStore, removeTree, type Store } from '@baryon/store'
import { writeTree } from '@baryon/testing'

export interface RunningRecord {
  readonly tier: Tier['kind']
  readonly use: string
  /** Names of the paths that are left after a collection while the program runs. */
  readonly kept: readonly string[]
  /** The files of /proc that showed the program: `exe`, `maps`, `environ`, … */
  readonly sources: readonly string[]
  /** Names of the paths that are left after another one when it has ended. */
  readonly left: readonly string[]
}

const [root = '', busybox = ''] = process.argv.slice(2)

interface Use {
  readonly name: string
  readonly words: (path: string) => readonly string[]
  readonly changes?: (path: string) => readonly Change[]
}

const uses: readonly Use[] = [
  { name: 'program', words: (path) => [`${path}/bin/busybox`, 'cat'] },
  {
    name: 'environment',
    words: () => ['/bin/cat'],
    changes: (path) => [{ kind: 'prepend', variable: 'PATH', values: [`${path}/bin`], separator: ':' }],
  },
  { name: 'open file', words: (path) => ['/bin/sh', '-c', `exec env -i /bin/cat 3<${path}/bin/busybox`] },
  { name: 'working directory', words: (path) => ['/bin/sh', '-c', `cd ${path} && exec env -i /bin/cat`] },
]

for (const { tier, works } of listTiers('auto')) {
  for (const use of works ? uses : []) {
    // proot keeps the directory to itself: the kernel, and we, see the one that it was started in.
    if (tier.kind === 'proot' && use.name === 'working directory') continue
    process.stdout.write(`${JSON.stringify(await collectMeanwhile(tier, use))}\n`)
  }
}

async function collectMeanwhile(tier: Tier, use: Use): Promise<RunningRecord> {
  // Under proot root makes the way to it, in the root of the host if that is where it lies.
  const storeDirectory = `${tier.kind === 'proot' ? `${root}/host` : ''}/baryon-gc.example.org/nix/store`
  const path = addProgram(storeDirectory, `${tier.kind} ${use.name}`)
  const store = openStore({ storeDirectory, root })
  const full = store.format(path)
  const child = spawn('/bin/sh', ['-c', launchScript(store, tier, full, use), 'baryon', ...use.words(full)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  child.stdin.on('error', () => undefined).write('running\n')
  await Promise.race([once(child.stdout, 'data'), ended])

  const uses = allRoots(store).roots.filter((one) => one.kind === 'process' && one.path.digest === path.digest)
  store.collectGarbage()
  const kept = names(store)
  child.stdin.end()
  await ended
  store.collectGarbage()
  const left = names(store)
  store.close()
  const sources = new Set(uses.map(({ source }) => source.split('/')[3]!))
  return { tier: tier.kind, use: use.name, kept, sources: [...sources].sort(), left }
}

/** Adds a program that needs another path, and a path that nothing needs. No root is left. */
function addProgram(storeDirectory: string, unique: string): StorePath {
  const store = openStore({ storeDirectory, root })
  const needed = store.addText('needed', unique)
  store.addText('unused', unique)
  const tree = join(root, 'tree')
  writeTree(tree, { entries: { bin: { entries: { note: unique } } } })
  copyFileSync(busybox, join(tree, 'bin/busybox'))
  const path = store.addPath('program', tree, { references: [needed] })
  removeTree(tree)
  store.close()
  return path
}

function launchScript(store: Store, tier: Tier, path: string, use: Use): string {
  const { storeDirectory, physicalDirectory } = store
  const roots = join(root, 'roots')
  const script = formatLaunch({
    storeDirectory,
    physicalDirectory,
    paths: [path],
    changes: use.changes?.(path) ?? [],
    assignments: [],
    defaultCommand: undefined,
    tier,
    rootTable: tier.kind === 'unshare' ? prepareRootTable(roots, storeDirectory, physicalDirectory) : undefined,
  })
  return `${script}\nbaryon_launch "$@"`
}

/** Of paths that are valid and on disk. */
function names(store: Store): string[] {
  const paths = store.allValidPaths().filter((path) => existsSync(store.physicalPath(path)))
  return paths.map(({ name }) => name).sort()
}
