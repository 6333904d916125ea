/** The tests of nixpkgs' library, which is not part of this repository: set `NIXPKGS_LIB` to a directory that has it as `lib`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '@baryon/testing'

const library = process.env.NIXPKGS_LIB ?? ''
const tests = join(library, 'lib/tests')
const skip = existsSync(join(tests, 'misc.nix')) ? false : 'NIXPKGS_LIB is not set to a directory with lib/tests'
const programs = fileURLToPath(new URL('../../../bin', import.meta.url))

test('lib/tests/misc.nix finds nothing', { skip }, (context) => {
  const { status, stdout, stderr } = run(temporaryDirectory(context), [
    `${programs}/nix-instantiate`,
    '--eval',
    '--strict',
    join(tests, 'misc.nix'),
  ])
  assert.equal(status, 0, stderr)
  assert.equal(stdout, '[ ]\n')
})

test('lib/tests/modules.sh passes', { skip }, (context) => {
  const { status, stdout, stderr } = run(temporaryDirectory(context), ['bash', join(tests, 'modules.sh')])
  context.diagnostic(stdout.trimEnd().split('\n').at(-1)!)
  assert.equal(status, 0, `${stdout}\n${stderr}`)
})

function run(home: string, [program, ...words]: readonly string[]) {
  const env = { ...process.env, HOME: home, NIX_STATE_DIR: home, PATH: `${programs}:${process.env.PATH}` }
  return spawnSync(program!, words, { env, encoding: 'utf8', maxBuffer: 1 << 28 })
}
