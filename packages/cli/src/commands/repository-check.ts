import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkRepository } from '@baryon/cvmfs'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount } from '../format-quantity.ts'
import { createProgressLine } from '../progress/progress-line.ts'
import { nameRepository } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const { terminal, signal } = context
  const name = context.arguments.operands[0]!
  // What was verified once does not count: everything is read again.
  const scratch = mkdtempSync(join(tmpdir(), 'baryon-check-'))
  const progress = createProgressLine(terminal)
  try {
    const report = await checkRepository({
      ...nameRepository(context, name),
      cacheDirectory: scratch,
      withTags: context.arguments.flag('tags'),
      signal,
      onProgress: ({ catalogs, objects, bytes }) =>
        progress.show(
          () =>
            `checking: ${formatCount(catalogs, 'catalog')}, ${formatCount(objects, 'object')}, ${formatBytes(bytes)}`,
        ),
    })
    const { problems, revisions, catalogs, objects, bytes } = report
    const summary = `${formatCount(revisions, 'revision')}, ${formatCount(catalogs, 'catalog')}, ${formatCount(objects, 'object')}, ${formatBytes(bytes)}`
    return {
      data: report,
      text: [
        ...problems.map(({ code, message }) => `${code}: ${message}`),
        `${summary}: ${problems.length === 0 ? 'no problems' : formatCount(problems.length, 'problem')}`,
      ].join('\n'),
      status: problems.length === 0 ? 0 : 1,
    }
  } finally {
    progress.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}
