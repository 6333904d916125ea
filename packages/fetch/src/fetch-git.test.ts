import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

import { formatHash } from '@baryon/format'

import { errorOf, has, sh, temporaryDirectory, treeLines } from '../test/scene.ts'
import { type FetchedGitTree, type FetchGitRequest, fetchGit } from './fetch-git.ts'

/** A repository with two commits, a branch, a tag, attributes and links. */
const makeRepository = `
  git init -q -b main repo; cd repo
  git config user.email a@example.org; git config user.name a
  echo one > file; printf '#!/bin/sh\\n' > run; chmod +x run; ln -s file link; mkdir d; echo x > d/x
  printf 'secret export-ignore\\nversion export-subst\\n' > .gitattributes; echo s > secret; echo '$Format:%H$' > version
  git add .; GIT_COMMITTER_DATE='1600000000 +0000' git commit -q -m one
  git tag v1; git checkout -q -b other; echo other > other; git add .; GIT_COMMITTER_DATE='1600000100 +0000' git commit -q -m other
  git checkout -q main; printf 'two\\r\\n' > file; GIT_COMMITTER_DATE='1600000200 +0000' git commit -q -a -m two
`

test('HEAD, a branch, a tag, a commit: the same trees as Nix', async (context) => {
  const scene = repository(context)
  if (scene === undefined) return
  const { directory, url, rev } = scene
  const other = rev('other')
  for (const [request, expected] of [
    [{}, rev('main')],
    [{ ref: 'other' }, other],
    [{ ref: 'refs/tags/v1' }, rev('v1')],
    [{ rev: rev('v1'), ref: 'main' }, rev('v1')],
    [{ rev: other, allRefs: true }, other],
  ] as const) {
    const fetched = await get(context, { url, ...request })
    assert.equal(fetched.rev, expected)
    assert.equal(existsSync(join(fetched.path, '.git')), false)
    sameAsNix(context, directory, { url, ...request }, fetched)
  }
  const head = await get(context, { url })
  assert.deepEqual([head.revCount, head.lastModified, head.dirty], [2, 1_600_000_200, false])
  assert.equal(readFileSync(join(head.path, 'file'), 'latin1'), 'two\r\n')
  assert.equal(readFileSync(join(head.path, 'version'), 'latin1'), `${head.rev}\n`)
  assert.equal(existsSync(join(head.path, 'secret')), false)
})

test('settings of the user do not change the tree', async (context) => {
  const scene = repository(context)
  if (scene === undefined) return
  const plain = await get(context, { url: scene.url })
  sh(
    `git config --global core.autocrlf true; git config --global core.eol crlf; git config --global tar.umask 0777`,
    scene.directory,
  )
  const before = process.env.HOME
  process.env.HOME = scene.directory
  context.after(() => {
    if (before === undefined) delete process.env.HOME
    else process.env.HOME = before
  })
  assert.deepEqual((await get(context, { url: scene.url })).hash, plain.hash)
})

test('shallow, and from a cache, gives the same tree', async (context) => {
  const scene = repository(context)
  if (scene === undefined) return
  const { url, rev, directory } = scene
  const cacheDirectory = join(directory, 'cache')
  const plain = await get(context, { url })
  const shallow = await get(context, { url, shallow: true, cacheDirectory })
  assert.deepEqual([shallow.hash, shallow.rev, shallow.revCount], [plain.hash, plain.rev, undefined])
  const whole = await get(context, { url, cacheDirectory })
  assert.deepEqual([whole.hash, whole.revCount], [plain.hash, 2])
  sh('rm -rf repo', directory)
  assert.deepEqual((await get(context, { url, cacheDirectory, rev: rev.known.get('main')! })).hash, plain.hash)
})

test('a work tree with changes, as Nix takes it', async (context) => {
  const scene = repository(context)
  if (scene === undefined) return
  const { directory } = scene
  const path = join(directory, 'repo')
  sh('echo changed > file; echo untracked > untracked; echo added > added; git add added; rm d/x', path)
  const fetched = await get(context, { url: path })
  assert.deepEqual([fetched.dirty, fetched.rev, fetched.revCount], [true, '0'.repeat(40), 0])
  assert.equal(readFileSync(join(fetched.path, 'file'), 'utf8'), 'changed\n')
  assert.deepEqual(
    [existsSync(join(fetched.path, 'untracked')), existsSync(join(fetched.path, 'added'))],
    [false, true],
  )
  sameAsNix(context, directory, { url: path }, fetched)
  assert.equal((await get(context, { url: path, ref: 'main' })).dirty, false)
})

test('submodules', async (context) => {
  const scene = repository(context)
  if (scene === undefined) return
  const { directory } = scene
  sh(
    `git init -q -b main outer; cd outer; git config user.email a@example.org; git config user.name a
     git -c protocol.file.allow=always submodule --quiet add ../repo inner; git commit -q -m outer`,
    directory,
  )
  const url = `file://${directory}/outer`
  const without = await get(context, { url })
  assert.deepEqual(readdirSync(join(without.path, 'inner')), [])
  const fetched = await get(context, { url, submodules: true })
  assert.deepEqual(
    treeLines(fetched.path, false).filter((line) => line.includes('.git ') || line.includes('.git/')),
    [],
  )
  assert.equal(readFileSync(join(fetched.path, 'inner/d/x'), 'utf8'), 'x\n')
})

test('what can go wrong', async (context) => {
  const scene = repository(context)
  if (scene === undefined) return
  const { url } = scene
  const code = async (request: Partial<FetchGitRequest>) =>
    (await errorOf(() => get(context, { url, ...request }))).code
  assert.equal(await code({ rev: 'a'.repeat(40) }), 'GIT_REV_MISSING')
  assert.equal(await code({ rev: 'main' }), 'GIT_BAD_REF')
  assert.equal(await code({ ref: 'missing' }), 'GIT_FAILED')
  assert.equal(await code({ ref: '--upload-pack=touch x' }), 'GIT_BAD_REF')
  assert.equal(await code({ url: '--upload-pack=x' }), 'GIT_BAD_REF')
  assert.equal(await code({ url: '/nowhere' }), 'GIT_FAILED')
  assert.equal(await code({ url: 'ext::sh -c true' }), 'GIT_FAILED')
  const path = process.env.PATH
  process.env.PATH = '/nowhere'
  context.after(() => {
    process.env.PATH = path
  })
  assert.equal(await code({}), 'GIT_MISSING')
  process.env.PATH = path
})

function repository(context: TestContext) {
  if (!has(context, 'git', 'tar')) return undefined
  const directory = temporaryDirectory(context)
  sh(makeRepository, directory)
  const known = new Map<string, string>()
  const rev = Object.assign(
    (name: string) => {
      const found = sh(`git rev-parse ${name}`, join(directory, 'repo'))
      known.set(name, found)
      return found
    },
    { known },
  )
  rev('main')
  return { directory, url: `file://${directory}/repo`, rev }
}

async function get(context: TestContext, request: Omit<FetchGitRequest, 'destination'>): Promise<FetchedGitTree> {
  const directory = temporaryDirectory(context)
  try {
    return await fetchGit({ ...request, destination: join(directory, 'tree') })
  } finally {
    assert.deepEqual(
      readdirSync(directory).filter((name) => name !== 'tree'),
      [],
    )
  }
}

function sameAsNix(
  context: TestContext,
  directory: string,
  request: Omit<FetchGitRequest, 'destination'>,
  ours: FetchedGitTree,
): void {
  if (!has(context, 'nix-instantiate')) return
  const text = (value: string) => JSON.stringify(value)
  const given = [
    `url = ${request.url.startsWith('/') ? request.url : text(request.url)};`,
    request.ref === undefined ? '' : `ref = ${text(request.ref)};`,
    request.rev === undefined ? '' : `rev = ${text(request.rev)};`,
    request.allRefs === true ? 'allRefs = true;' : '',
  ]
  const theirs = JSON.parse(
    sh(
      `nix-instantiate --eval --strict --json -E '
        let t = builtins.fetchGit { ${given.join(' ')} };
        in { inherit (t) rev revCount lastModified; path = "\${t}"; }'`,
      directory,
      {
        NIX_STORE_DIR: `${directory}/nix/store`,
        NIX_STATE_DIR: `${directory}/nix/var`,
        NIX_LOG_DIR: `${directory}/nix/log`,
        NIX_CONF_DIR: `${directory}/nix/etc`,
        NIX_REMOTE: '',
        XDG_CACHE_HOME: `${directory}/nix-cache`,
      },
    ),
  ) as { readonly path: string; readonly rev: string; readonly revCount: number; readonly lastModified: number }
  assert.equal(sh(`nix-hash --type sha256 '${theirs.path}'`, directory), formatHash(ours.hash, 'base16', false))
  assert.deepEqual([ours.rev, ours.revCount, ours.lastModified], [theirs.rev, theirs.revCount, theirs.lastModified])
}
