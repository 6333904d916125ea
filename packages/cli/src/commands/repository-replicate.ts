import { resolve } from 'node:path'
import { replicate } from '@baryon/cvmfs'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatSeconds } from '../format-quantity.ts'
import { createProgressLine } from '../progress/progress-line.ts'
import { nameRepository } from '../repository-access.ts'
import { count } from './repository-create.ts'

export async function run(context: Context): Promise<Outcome> {
  const { terminal, signal } = context
  const [origin = '', target = ''] = context.arguments.operands
  const { source, publicKeys } = nameRepository(context, origin, { attempts: ATTEMPTS })
  const directory = resolve(target)
  const begin = performance.now()
  const progress = createProgressLine(terminal)
  try {
    const result = await replicate({
      source,
      publicKeys,
      directory,
      parallel: count(context, 'jobs') ?? 8,
      signal,
      onProgress: ({ catalogs, objects, bytes }) =>
        progress.show(
          () =>
            `replicating: ${formatCount(catalogs, 'catalog')}, ${formatCount(objects, 'object')}, ${formatBytes(bytes)}`,
        ),
    })
    const { name, revision, isChanged, catalogs, objects, bytes } = result
    const seconds = (performance.now() - begin) / 1000
    return {
      data: { ...result, directory },
      text: isChanged
        ? `${name}: revision ${revision}, ${formatCount(catalogs, 'catalog')}, ${formatCount(objects, 'object')} of ${formatBytes(bytes)} in ${formatSeconds(seconds)}`
        : `${name}: revision ${revision} is there already`,
    }
  } finally {
    progress.close()
  }
}

/** Nobody waits for an answer, and a server that drops one connection of three is still one to copy from. */
const ATTEMPTS = 6
