/** What an environment is made of: the packages that were named and those that they bring with them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSystemError } from '@baryon/format'
import type { ActivationKind, Prefix } from './activation.ts'

/**
 * The prefixes in the order in which they are to be found: each before what it propagates. To run, a package brings the
 * programs that it lists for its users; to develop against it, also the libraries whose headers its own headers include.
 * `prefixAt` gives a store path as a prefix, or undefined for what is not there.
 */
export function environmentClosure(
  named: readonly Prefix[],
  kind: ActivationKind,
  prefixAt: (logical: string) => Prefix | undefined,
): Prefix[] {
  const found = new Map<string, Prefix>()
  const queue = [...named]
  // Breadth first, so that what was named comes before anything that is only propagated.
  for (let prefix = queue.shift(); prefix !== undefined; prefix = queue.shift()) {
    if (found.has(prefix.logical)) continue
    found.set(prefix.logical, prefix)
    for (const file of propagationFiles[kind]) {
      for (const path of wordsOf(join(prefix.physical, 'nix-support', file))) {
        const next = prefixAt(path)
        if (next !== undefined) queue.push(next)
      }
    }
  }
  return [...found.values()]
}

const propagationFiles: Readonly<Record<ActivationKind, readonly string[]>> = {
  run: ['propagated-user-env-packages'],
  develop: ['propagated-user-env-packages', 'propagated-build-inputs'],
}

function wordsOf(file: string): string[] {
  // Few packages have any, and an error costs more than a look.
  if (!existsSync(file)) return []
  try {
    return readFileSync(file, 'utf8')
      .split(/\s+/)
      .filter((word) => word.startsWith('/'))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return []
    throw error
  }
}
