import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeDirectories } from '@baryon/files'

import { type Hash, type HashAlgorithm, isSystemError, UserError } from '@baryon/format'

import { placeTree, workDirectory } from './fetch-tarball.ts'
import { hashTree } from './tree-archive.ts'
import { unpackTarStream } from './unpack-archive.ts'

export interface FetchGitRequest {
  /** What `git fetch` takes, or the path of a local repository. */
  readonly url: string
  /** A branch or tag, or a full `refs/…`. Default: the remote's HEAD. */
  readonly ref?: string | undefined
  /** A commit as 40 (or 64) hexadecimal digits. */
  readonly rev?: string | undefined
  readonly submodules?: boolean | undefined
  /** Fetches no history: quicker, and the count of revisions is not known. */
  readonly shallow?: boolean | undefined
  /** Fetches all refs to look for `rev`, not only `ref`. */
  readonly allRefs?: boolean | undefined
  readonly destination: string
  /** Keeps what was fetched, for the next time. Default: it is thrown away. */
  readonly cacheDirectory?: string | undefined
  readonly algorithm?: HashAlgorithm | undefined
  readonly signal?: AbortSignal | undefined
}

export interface FetchedGitTree {
  readonly path: string
  /** Of the tree's NAR. */
  readonly hash: Hash
  /** All zeros for a work tree with changes. */
  readonly rev: string
  /** Commits up to this one; 0 for a work tree with changes; undefined for a shallow fetch. */
  readonly revCount: number | undefined
  /** The commit's time in seconds since 1970. */
  readonly lastModified: number
  readonly dirty: boolean
}

/**
 * The tree of a commit, without `.git`, at `destination`, which must not exist. The result depends on the commit alone: no settings of
 * the user that change contents are obeyed, attributes of the repository (`export-ignore`, `export-subst`) are, as by Nix 2.8.
 *
 * A local repository without `ref` and `rev` whose work tree has changes gives the work tree: the files that git tracks, as they are.
 *
 * Errors: `GIT_MISSING`, `GIT_FAILED`, `GIT_REV_MISSING`, `GIT_BAD_REF`.
 */
export async function fetchGit(request: FetchGitRequest): Promise<FetchedGitTree> {
  const { url, rev, ref, destination, algorithm = 'sha256' } = request
  checkArguments(request)
  const local = localPath(url)
  const work = workDirectory(destination)
  try {
    const tree = join(work, 'tree')
    const git = new Git(request.signal)
    if (local !== undefined && rev === undefined && ref === undefined && (await isDirty(git, local))) {
      await copyWorkTree(git, local, tree, request.submodules ?? false)
      const lastModified = await commitTime(git.in(local), 'HEAD').catch(() => 0)
      placeTree(tree, destination)
      const hash = hashTree(destination, algorithm)
      return { path: destination, hash, rev: '0'.repeat(40), revCount: 0, lastModified, dirty: true }
    }
    const repository = git.in(request.cacheDirectory === undefined ? join(work, 'git') : cachePlace(request))
    await repository.init()
    const commit = await fetchCommit(repository, request, local ?? url)
    if (request.submodules === true) await checkOutWithSubmodules(git, repository, commit, local ?? url, tree)
    else await exportTree(repository, commit, url, tree)
    const revCount =
      request.shallow === true ? undefined : Number(await repository.run(['rev-list', '--count', commit]))
    const lastModified = await commitTime(repository, commit)
    placeTree(tree, destination)
    return {
      path: destination,
      hash: hashTree(destination, algorithm),
      rev: commit,
      revCount,
      lastModified,
      dirty: false,
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Runs git, in one repository or in none. */
class Git {
  readonly #signal: AbortSignal | undefined
  readonly directory: string | undefined

  constructor(signal: AbortSignal | undefined, directory?: string) {
    this.#signal = signal
    this.directory = directory
  }

  in(directory: string): Git {
    return new Git(this.#signal, directory)
  }

  async init(): Promise<void> {
    if (existsSync(join(this.directory!, 'HEAD'))) return
    makeDirectories(dirname(this.directory!))
    await new Git(this.#signal).run(['init', '--quiet', '--bare', '--initial-branch=baryon', this.directory!])
  }

  /** The standard output, trimmed. */
  async run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> {
    return (await this.bytes(args, environment)).toString('utf8').trim()
  }

  async bytes(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Buffer> {
    try {
      const { stdout } = await promisify(execFile)('git', this.#arguments(args), {
        encoding: 'buffer',
        maxBuffer: 1 << 30,
        env: { ...gitEnvironment(), ...environment },
        ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      })
      return stdout
    } catch (cause) {
      this.#signal?.throwIfAborted()
      throw gitError(cause, args)
    }
  }

  /** The standard output as a stream; the promise ends when git has. */
  stream(args: readonly string[]): { readonly output: AsyncIterable<Uint8Array>; readonly done: Promise<void> } {
    const child = spawn('git', this.#arguments(args), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: gitEnvironment(),
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    })
    let text = ''
    child.stderr.on('data', (chunk: Buffer) => {
      if (text.length < 10_000) text += chunk.toString('utf8')
    })
    const done = new Promise<void>((resolve, reject) => {
      child.on('error', (error) => reject(gitError(error, args)))
      child.on('close', (status) =>
        status === 0
          ? resolve()
          : reject(gitError(Object.assign(new Error(`status ${status}`), { stderr: text }), args)),
      )
    })
    // Without a reader of its own, a failure would count as unhandled while the output is still being read.
    done.catch(() => {})
    return { output: child.stdout, done }
  }

  #arguments(args: readonly string[]): readonly string[] {
    return [
      ...(this.directory === undefined ? [] : ['-C', this.directory]),
      ...neutralSettings.flatMap((setting) => ['-c', setting]),
      ...args,
    ]
  }
}

/** What a user's settings could change in the files. */
const neutralSettings = [
  'core.autocrlf=false',
  'core.eol=lf',
  'core.attributesFile=/dev/null',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'tar.umask=0022',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
  'protocol.ext.allow=never',
]

function gitEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' }
  // Set inside of a git hook, they would lead to another repository.
  for (const name of ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_OBJECT_DIRECTORY']) {
    delete environment[name]
  }
  return environment
}

function gitError(cause: unknown, args: readonly string[]): UserError {
  if (isSystemError(cause, 'ENOENT', 'EACCES')) {
    return new UserError('GIT_MISSING', 'the program git was not found', {
      hint: 'install git, or fetch a tarball of the repository instead',
      cause,
    })
  }
  const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause)
  return new UserError('GIT_FAILED', `git ${args[0]} failed: ${text}`, {
    hint: 'check the URL, the ref and your access to the repository',
    cause,
  })
}

function checkArguments({ rev, ref, url }: FetchGitRequest): void {
  if (rev !== undefined && !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(rev)) {
    throw new UserError('GIT_BAD_REF', `rev ${JSON.stringify(rev)} is not a full commit hash`, {
      hint: 'give 40 hexadecimal digits; a branch or tag is a ref',
    })
  }
  // What starts with a dash would be an option of git.
  if (ref !== undefined && (!/^[^\s~^:?*[\\]+$/.test(ref) || ref.startsWith('-') || ref.includes('..'))) {
    throw new UserError('GIT_BAD_REF', `ref ${JSON.stringify(ref)} is not the name of a branch or tag`)
  }
  if (url.startsWith('-')) throw new UserError('GIT_BAD_REF', `${JSON.stringify(url)} is not the URL of a repository`)
}

function localPath(url: string): string | undefined {
  if (url.startsWith('file://')) return fileURLToPath(url)
  return url.startsWith('/') || url.startsWith('./') || url.startsWith('../') ? url : undefined
}

function cachePlace({ url, cacheDirectory }: FetchGitRequest): string {
  return join(cacheDirectory!, createHash('sha256').update(url).digest('hex').slice(0, 40))
}

async function fetchCommit(repository: Git, request: FetchGitRequest, url: string): Promise<string> {
  const { rev, ref, shallow } = request
  if (rev !== undefined && (await hasCommit(repository, rev))) return rev
  // A cached repository was perhaps made by a shallow fetch.
  const depth =
    shallow === true ? ['--depth=1'] : existsSync(join(repository.directory!, 'shallow')) ? ['--unshallow'] : []
  const fetch = (...specs: readonly string[]) =>
    repository.run(['fetch', '--quiet', '--force', '--no-tags', ...depth, '--', url, ...specs])
  if (rev !== undefined) {
    // Most servers give a commit by its hash; old ones only give refs.
    const direct = await fetch(rev).then(
      () => true,
      (error: unknown) => {
        if (error instanceof UserError && error.code === 'GIT_FAILED') return false
        throw error
      },
    )
    if (!direct) {
      await (request.allRefs === true || ref === undefined
        ? repository.run(['fetch', '--quiet', '--force', '--', url, '+refs/*:refs/baryon/*'])
        : repository.run(['fetch', '--quiet', '--force', '--no-tags', '--', url, ref]))
    }
    if (await hasCommit(repository, rev)) return rev
    throw new UserError(
      'GIT_REV_MISSING',
      `commit ${rev} is not in ${request.url}${ref === undefined ? '' : `, ref ${ref}`}`,
      {
        hint: 'check the commit; when it is on no branch any more, name its ref',
      },
    )
  }
  const name = ref ?? 'HEAD'
  // A private ref for each, so that fetches at the same time do not read each other's FETCH_HEAD.
  const own = `refs/baryon-fetch/${process.pid}-${createHash('sha256').update(`${name}${request.destination}`).digest('hex')}`
  await fetch(`+${name}:${own}`)
  const commit = await repository.run(['rev-parse', '--verify', `${own}^{commit}`])
  await repository.run(['update-ref', '-d', own])
  // Kept so that the next fetch has something to build on.
  await repository.run(['update-ref', `refs/baryon-kept/${commit}`, commit])
  return commit
}

async function hasCommit(repository: Git, rev: string): Promise<boolean> {
  try {
    await repository.run(['cat-file', '-e', `${rev}^{commit}`])
    return true
  } catch (error) {
    if (error instanceof UserError && error.code === 'GIT_FAILED') return false
    throw error
  }
}

async function exportTree(repository: Git, commit: string, url: string, tree: string): Promise<void> {
  const { output, done } = repository.stream(['archive', '--format=tar', commit])
  try {
    await unpackTarStream(output, `the tree of ${url}`, tree)
  } catch (error) {
    // When git itself failed, its words say more than the missing end of its output.
    await done
    throw error
  }
  await done
}

async function checkOutWithSubmodules(
  git: Git,
  repository: Git,
  commit: string,
  url: string,
  tree: string,
): Promise<void> {
  await git.run(['clone', '--quiet', '--no-checkout', '--shared', '--', repository.directory!, tree])
  const checkout = git.in(tree)
  // Relative URLs of submodules count from where the repository came from.
  await checkout.run(['remote', 'set-url', 'origin', '--', url])
  await checkout.run(['checkout', '--quiet', '--force', '--detach', commit])
  await checkout.run(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init', '--recursive'])
  const listing = await checkout.bytes(['ls-files', '-z', '--recurse-submodules'])
  const folders = new Set(['.git'])
  for (const path of listing.toString('latin1').split('\0')) {
    for (let cut = path.indexOf('/'); cut >= 0; cut = path.indexOf('/', cut + 1))
      folders.add(`${path.slice(0, cut)}/.git`)
  }
  for (const folder of folders) rmSync(join(tree, folder), { recursive: true, force: true })
}

async function isDirty(git: Git, path: string): Promise<boolean> {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError('GIT_FAILED', `${path} is not a directory with a repository`, { hint: 'check the path' })
  }
  const repository = git.in(path)
  if ((await repository.run(['rev-parse', '--is-bare-repository'])) === 'true') return false
  // A repository without commits has nothing but its work tree.
  if (!(await hasCommit(repository, 'HEAD'))) return true
  return (await repository.run(['status', '--porcelain', '--untracked-files=no', '--ignore-submodules=dirty'])) !== ''
}

async function copyWorkTree(git: Git, path: string, tree: string, submodules: boolean): Promise<void> {
  const listing = await git
    .in(path)
    .bytes(['ls-files', '-z', '--full-name', ...(submodules ? ['--recurse-submodules'] : []), ':/'])
  const top = await git.in(path).run(['rev-parse', '--show-toplevel'])
  mkdirSync(tree)
  const base = Buffer.from(`${top}/`)
  const target = Buffer.from(`${tree}/`)
  for (const name of listing.toString('latin1').split('\0')) {
    if (name === '') continue
    const bytes = Buffer.from(name, 'latin1')
    const from = Buffer.concat([base, bytes])
    const to = Buffer.concat([target, bytes])
    const stat = lstatSync(from, { throwIfNoEntry: false })
    const cut = bytes.lastIndexOf(0x2f)
    if (cut > 0) {
      // As for Nix, a directory stays whose tracked files were deleted, if it is still there.
      const folder = lstatSync(Buffer.concat([base, bytes.subarray(0, cut)]), { throwIfNoEntry: false })
      // Behind a symlink that took the place of a directory lies nothing that git tracks.
      if (folder?.isDirectory() !== true) continue
      mkdirSync(Buffer.concat([target, bytes.subarray(0, cut)]), { recursive: true })
    }
    // Deleted without being told to git; or a submodule, which Nix leaves out.
    if (stat === undefined || stat.isDirectory()) continue
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to)
    else {
      copyFileSync(from, to)
      chmodSync(to, (stat.mode & 0o100) !== 0 ? 0o755 : 0o644)
    }
  }
}

async function commitTime(repository: Git, commit: string): Promise<number> {
  return Number(await repository.run(['log', '-1', '--format=%ct', '--no-show-signature', commit]))
}
