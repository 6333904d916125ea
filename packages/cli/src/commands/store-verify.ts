import type { VerifyProblem } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatCount } from '../format-quantity.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, [])
  const { terminal } = context
  const report = store.verify({
    checkContents: context.arguments.flag('check-contents'),
    onPath: (_path, index, total) => {
      if (terminal.isLive && (index % 50 === 0 || index === total - 1))
        terminal.err(`\r\x1b[Kchecking ${index + 1} of ${total}`)
    },
  })
  if (terminal.isLive) terminal.err('\r\x1b[K')
  const problems = report.problems.map((problem) => describe(problem, (path) => store.format(path)))
  return {
    data: { checked: report.checked, problems, orphans: report.orphans },
    text: [
      ...problems.map((problem) => problem.message),
      `${formatCount(report.checked, 'path')} checked, ${formatCount(problems.length, 'problem')}` +
        (report.orphans.length > 0
          ? `, ${formatCount(report.orphans.length, 'leftover')} for the next garbage collection`
          : ''),
    ].join('\n'),
    status: problems.length === 0 ? 0 : 1,
  }
}

function describe(
  problem: VerifyProblem,
  text: (path: Extract<VerifyProblem, { kind: 'missing' }>['path']) => string,
): { readonly kind: string; readonly message: string } {
  switch (problem.kind) {
    case 'missing':
      return { kind: problem.kind, message: `${text(problem.path)}: missing` }
    case 'corrupt':
      return {
        kind: problem.kind,
        message: `${text(problem.path)}: contents changed: ${problem.expected} expected, ${problem.actual} found`,
      }
    case 'broken-reference':
      return { kind: problem.kind, message: `${text(problem.path)}: refers to the missing ${text(problem.reference)}` }
    case 'database':
      return { kind: problem.kind, message: `database: ${problem.message}` }
  }
}
