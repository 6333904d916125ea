/** What the tests of this package share: directories that vanish, programs of the host, and the look of a tree. */
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

import { hashBytesBase16, UserError } from '@baryon/format'

export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'baryon-fetch-'))
  context.after(() => {
    // Store paths made by Nix are not writable.
    execFileSync('chmod', ['-R', 'u+w', directory])
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** False, with the reason printed, when a program is missing. */
export function has(context: TestContext, ...programs: readonly string[]): boolean {
  for (const program of programs) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    } catch {
      context.skip(`${program} is not installed`)
      return false
    }
  }
  return true
}

export function sh(script: string, cwd: string, environment: Readonly<Record<string, string>> = {}): string {
  return execFileSync('sh', ['-euc', script], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, HOME: cwd, LC_ALL: 'C.UTF-8', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  }).trim()
}

/** One line per entry: path, type, permissions, time, contents. */
export function treeLines(root: string, times = true): readonly string[] {
  const lines: string[] = []
  const descend = (path: Buffer, shown: string) => {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const place = Buffer.concat([path, Buffer.from('/'), name])
      const stat = lstatSync(place)
      const label = `${shown}/${name.toString('latin1')}`
      const time = times ? Math.floor(stat.mtimeMs / 1000) : 0
      const mode = (stat.mode & 0o777).toString(8)
      if (stat.isDirectory()) {
        lines.push(`${label} directory ${mode}`)
        descend(place, label)
      } else if (stat.isSymbolicLink()) {
        lines.push(`${label} -> ${readlinkSync(place, { encoding: 'buffer' }).toString('latin1')}`)
      } else {
        lines.push(`${label} file ${mode} ${time} ${stat.nlink} ${hashBytesBase16('sha256', readFileSync(place))}`)
      }
    }
  }
  descend(Buffer.from(root), '')
  return lines.sort()
}

/** The code of the `UserError` that the action ends with; anything else fails the test. */
export async function errorOf(action: () => unknown): Promise<UserError> {
  try {
    await action()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error('no error was thrown')
}
