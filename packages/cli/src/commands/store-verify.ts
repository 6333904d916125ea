import { resolve } from 'node:path'
import type { RepairOutcome, Substituter } from '@baryon/build'
import type { StorePath } from '@baryon/format'
import { linkDirectory, openStore, removeLinks, type Store, type VerifyProblem, type VerifyReport } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatCount } from '../format-quantity.ts'
import { createCounter } from '../progress/counter.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const repairs = given.flag('repair')
  const store = await openStoreFor(context, given.operands)
  try {
    const paths = await selectedPaths(context, store)
    const report = verify(context, store, paths)
    const outcomes = repairs ? await repair(context, store, report.problems) : []
    return describeAll(store, report, outcomes, repairs)
  } finally {
    store.close()
  }
}

async function selectedPaths(context: Context, store: Store): Promise<readonly StorePath[] | undefined> {
  const { operands } = context.arguments
  if (operands.length === 0) return undefined
  const paths = (await findOperands(context, store, operands)).map((operand) => operand.path)
  return context.arguments.flag('closure') ? store.computeClosure(paths) : paths
}

function verify(context: Context, store: Store, paths: readonly StorePath[] | undefined): VerifyReport {
  const counter = createCounter(context.terminal, 'checking')
  try {
    return store.verify({
      paths,
      checkContents: context.arguments.flag('check-contents'),
      onPath: (_path, index, total) => counter.show(index + 1, total),
    })
  } finally {
    counter.close()
  }
}

async function repair(
  context: Context,
  store: Store,
  problems: readonly VerifyProblem[],
): Promise<readonly RepairOutcome[]> {
  removeLinks(
    linkDirectory(store),
    problems.flatMap((problem) => (problem.kind === 'link' ? [problem.name] : [])),
  )
  const damaged = damagedPaths(problems)
  if (damaged.length === 0) return []
  const [{ repairPaths }, { realiseOptionsOf }, { contextSubstituters }, { createReporter }] = await Promise.all([
    import('@baryon/build'),
    import('../realise-options.ts'),
    import('../substituters.ts'),
    import('../progress/reporter.ts'),
  ])
  const options = realiseOptionsOf(context)
  const others = await otherStores(context, store)
  const reporter = createReporter(context.terminal, { verbose: context.verbose })
  try {
    return await repairPaths(store, damaged, {
      ...options,
      substituters: [...others.substituters, ...(await contextSubstituters(context, store, reporter.report))],
      onEvent: reporter.report,
      onRepair: (outcome) => {
        if (context.verbose) reporter.report({ kind: 'notice', message: describeOutcome(outcome, store) })
      },
    })
  } finally {
    reporter.close()
    others.close()
  }
}

/** What `--from` names: roots of other stores. */
async function otherStores(
  context: Context,
  store: Store,
): Promise<{ readonly substituters: readonly Substituter[]; close(): void }> {
  const { storeSubstituter } = await import('@baryon/build')
  const { storeDirectory } = store
  const stores = context.arguments
    .values('from')
    .map((root) => openStore({ storeDirectory, root: resolve(root), readOnly: true }))
  return {
    substituters: stores.map(storeSubstituter),
    close: () => {
      for (const other of stores) other.close()
    },
  }
}

/** Each path once: what is missing is reported for itself and for those that refer to it. */
export function damagedPaths(problems: readonly VerifyProblem[]): StorePath[] {
  return problems.flatMap((problem) => (problem.kind === 'missing' || problem.kind === 'corrupt' ? [problem.path] : []))
}

function describeAll(
  store: Store,
  report: VerifyReport,
  outcomes: readonly RepairOutcome[],
  repairs: boolean,
): Outcome {
  const problems = report.problems.map((problem) => describe(problem, (path) => store.format(path)))
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed')
  const left = repairs
    ? failed.length + report.problems.filter((problem) => problem.kind === 'database').length
    : problems.length
  return {
    data: {
      checked: report.checked,
      problems,
      ...(repairs ? { repairs: outcomes.map((outcome) => recordOutcome(outcome, store)) } : {}),
      orphans: report.orphans,
    },
    text: [
      ...problems.map((problem) => problem.message),
      ...outcomes.map((outcome) => describeOutcome(outcome, store)),
      `${formatCount(report.checked, 'path')} checked, ${formatCount(problems.length, 'problem')}` +
        (repairs && problems.length > 0 ? `, ${left === 0 ? 'all repaired' : `${left} left`}` : '') +
        (report.orphans.length > 0
          ? `, ${formatCount(report.orphans.length, 'leftover')} for the next garbage collection`
          : ''),
    ].join('\n'),
    status: left === 0 ? 0 : 1,
  }
}

export function describeOutcome(outcome: RepairOutcome, store: Store): string {
  const path = store.format(outcome.path)
  switch (outcome.kind) {
    case 'repaired':
      return `${path}: repaired from ${outcome.from === 'archive' ? 'the source archive' : outcome.source}`
    case 'sound':
      return `${path}: has been repaired by another process`
    case 'failed':
      return `${path}: not repaired [${outcome.error.code}]: ${outcome.error.message}`
  }
}

function recordOutcome(outcome: RepairOutcome, store: Store): unknown {
  const path = store.format(outcome.path)
  switch (outcome.kind) {
    case 'repaired':
      return { path, outcome: outcome.kind, from: outcome.from, source: outcome.source }
    case 'sound':
      return { path, outcome: outcome.kind }
    case 'failed':
      return { path, outcome: outcome.kind, error: { code: outcome.error.code, message: outcome.error.message } }
  }
}

function describe(
  problem: VerifyProblem,
  text: (path: StorePath) => string,
): { readonly kind: string; readonly path?: string; readonly message: string } {
  switch (problem.kind) {
    case 'missing':
      return { kind: problem.kind, path: text(problem.path), message: `${text(problem.path)}: missing` }
    case 'corrupt':
      return {
        kind: problem.kind,
        path: text(problem.path),
        message: `${text(problem.path)}: contents changed: ${problem.expected} expected, ${problem.actual} found`,
      }
    case 'broken-reference':
      return {
        kind: problem.kind,
        path: text(problem.path),
        message: `${text(problem.path)}: refers to the missing ${text(problem.reference)}`,
      }
    case 'link':
      return { kind: problem.kind, message: `.links/${problem.name}: contents are not what the name says` }
    case 'database':
      return { kind: problem.kind, message: `database: ${problem.message}` }
  }
}
