/** Operations of `nix-store` that look after a store: collection and verification. */
import { formatHash, hashesEqual, type StorePath, UserError } from '@baryon/format'
import { allRoots, type CollectResult, hashPath, linkDirectory, removeLinks, type VerifyProblem } from '@baryon/store'
import type { Terminal } from '../terminal.ts'
import { describeRoot, keepOptions } from './collect-options.ts'
import { followToStorePath } from './follow-path.ts'
import type { OperationRequest } from './nix-store.ts'

export function gc({ store, given, terminal }: OperationRequest): number {
  if (given.operands.length > 0) throw new UserError('USAGE', 'no arguments expected')
  const prints = ['--print-roots', '--print-live', '--print-dead'].find((name) => given.has(name))
  const limit = given.last('--max-freed')
  if (limit !== undefined && prints !== undefined) {
    throw new UserError(
      'USAGE',
      'option --max-freed cannot be combined with --print-live, --print-dead, or --print-roots',
    )
  }
  if (prints === '--print-roots') {
    const roots = allRoots(store).roots.filter((root) => root.kind === 'temporary' || store.isValid(root.path))
    print(
      roots.map((root) => describeRoot(store, root)),
      terminal,
    )
    return 0
  }
  if (prints !== undefined) {
    const { deleted, live } = store.collectGarbage({ dryRun: true, ...keepOptions(given) })
    print(prints === '--print-dead' ? deleted : live.map((path) => store.format(path)), terminal)
    return 0
  }
  const maxFreed = limit === undefined ? {} : { maxFreed: byteCount(limit) }
  const onDelete = (path: string) => terminal.err(`deleting '${path}'\n`)
  report(store.collectGarbage({ ...keepOptions(given), ...maxFreed, onDelete }), terminal)
  return 0
}

export function deletePaths({ store, given, terminal }: OperationRequest): number {
  if (given.has('--ignore-liveness')) {
    throw new UserError('UNSUPPORTED', 'live paths are never deleted', { hint: 'remove the roots, then the paths' })
  }
  const paths = given.operands.map((text) => followToStorePath(store, text))
  const onDelete = (path: string) => terminal.err(`deleting '${path}'\n`)
  try {
    report(store.collectGarbage({ ...keepOptions(given), paths, onDelete }), terminal)
  } catch (error) {
    // Nix says so in any case.
    report({ deleted: [], bytes: 0 }, terminal)
    throw error
  }
  return 0
}

export async function verify(request: OperationRequest): Promise<number> {
  const { store, given, terminal } = request
  const { problems } = store.verify({ checkContents: given.has('--check-contents') })
  for (const problem of problems) terminal.err(`error: ${describe(problem, (path) => store.format(path))}\n`)
  const left = given.has('--repair') ? await repair(request, problems) : problems.length
  if (left > 0) terminal.err('warning: not all store errors were fixed\n')
  return left > 0 ? 1 : 0
}

async function repair(request: OperationRequest, problems: readonly VerifyProblem[]): Promise<number> {
  const links = problems.flatMap((problem) => (problem.kind === 'link' ? [problem.name] : []))
  removeLinks(linkDirectory(request.store), links)
  const damaged = problems.flatMap((problem) =>
    problem.kind === 'missing' || problem.kind === 'corrupt' ? [problem.path] : [],
  )
  const broken = problems.filter((problem) => problem.kind === 'database').length
  return broken + (damaged.length === 0 ? 0 : await repairAll(request, damaged))
}

/** `--repair-path`: what is sound already stays as it is. */
export async function repairGivenPaths(request: OperationRequest): Promise<number> {
  const paths = request.given.operands.map((text) => followToStorePath(request.store, text))
  for (const path of paths) request.store.pathInfo(path)
  return (await repairAll(request, paths)) > 0 ? 1 : 0
}

/** Gives the number of those that could not be repaired. */
async function repairAll({ store, given, terminal }: OperationRequest, paths: readonly StorePath[]): Promise<number> {
  const { frontRepair } = await import('./front-realise.ts')
  const outcomes = await frontRepair(given, store, paths, terminal)
  const failures = outcomes.filter((outcome) => outcome.kind === 'failed')
  for (const { error } of failures) terminal.err(`error: ${error.message}\n`)
  return failures.length
}

export function optimise({ store, given, terminal }: OperationRequest): number {
  if (given.operands.length > 0) throw new UserError('USAGE', 'no arguments expected')
  const { linked, bytes } = store.optimise()
  terminal.err(`${(bytes / 1024 ** 2).toFixed(2)} MiB freed by hard-linking ${linked} files\n`)
  return 0
}

function describe(problem: VerifyProblem, format: (path: StorePath) => string): string {
  switch (problem.kind) {
    case 'missing':
      return `path '${format(problem.path)}' disappeared, but it is registered as valid`
    case 'corrupt':
      return modified(format(problem.path), problem.expected, problem.actual)
    case 'broken-reference':
      return `path '${format(problem.path)}' refers to '${format(problem.reference)}', which is not on disk`
    case 'link':
      return `link '${problem.name}' was modified!`
    case 'database':
      return `database: ${problem.message}`
  }
}

export function verifyPaths({ store, given, terminal }: OperationRequest): number {
  let status = 0
  for (const operand of given.operands) {
    const { path, narHash } = store.pathInfo(followToStorePath(store, operand))
    const { hash } = hashPath(store.physicalPath(path))
    if (hashesEqual(hash, narHash)) continue
    const [expected, actual] = [narHash, hash].map((one) => formatHash(one, 'nix32'))
    terminal.err(`error: ${modified(store.format(path), expected!, actual!)}\n`)
    status = 1
  }
  return status
}

function modified(path: string, expected: string, actual: string): string {
  return `path '${path}' was modified! expected hash '${expected}', got '${actual}'`
}

function print(lines: readonly string[], terminal: Terminal): void {
  terminal.out(
    [...new Set(lines)]
      .sort()
      .map((line) => `${line}\n`)
      .join(''),
  )
}

function report({ deleted, bytes }: Pick<CollectResult, 'deleted' | 'bytes'>, terminal: Terminal): void {
  terminal.out(`${deleted.length} store paths deleted, ${(bytes / 1024 ** 2).toFixed(2)} MiB freed\n`)
}

/** `10G`, as Nix reads sizes. */
function byteCount(text: string): number {
  const [, digits, unit] = /^(-?\d+)([KMGT]?)$/i.exec(text) ?? []
  if (digits === undefined) throw new UserError('USAGE', `'${text}' is not an integer`)
  return Math.max(0, Number(digits) * 1024 ** ' KMGT'.indexOf((unit || ' ').toUpperCase()))
}
