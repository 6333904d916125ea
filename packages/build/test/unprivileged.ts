import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/**
 * True when the tests of the calling file are to be defined here. Root sees them run in a process of user 65534 instead:
 * what must work for everybody is tested as somebody without rights.
 */
export function asUnprivileged(moduleUrl: string): boolean {
  if (process.getuid!() !== 0) return true
  test(`${basename(fileURLToPath(moduleUrl))} as a user that is not root`, (context) => {
    const home = mkdtempSync(join(tmpdir(), 'baryon-build-'))
    chmodSync(home, 0o777)
    context.after(() => {
      rmSync(home, { recursive: true, force: true })
    })
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups']
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const result = spawnSync('setpriv', [...user, process.execPath, '--test-reporter=spec', fileURLToPath(moduleUrl)], {
      env: { ...env, HOME: home, TMPDIR: home, XDG_DATA_HOME: '', XDG_CACHE_HOME: '' },
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    })
    if (result.error !== undefined) throw result.error
    if (result.status !== 0) throw new Error(`as user 65534:\n${result.stdout}${result.stderr}`)
    const skipped = result.stdout.split('\n').filter((line) => /^\s*﹣/.test(line))
    if (skipped.length === 0) return
    if (process.env.CI) throw new Error(`skipped as user 65534, with CI set:\n${skipped.join('\n')}`)
    for (const line of skipped) context.diagnostic(line)
  })
  return false
}
