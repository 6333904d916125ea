// Makes the compiled code of a pack: runs some commands, so that what they use is compiled, and writes that beside them.
// Node's own cache has only what is compiled when a file is loaded: of the evaluator next to nothing.
//
//   node scripts/warm-up.cjs PACK FRONT
'use strict'
const { appendFileSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

// Compiled code belongs to the flags under which it was made, which are those of a start.
require('node:v8').setFlagsFromString = () => {}

const [pack, front] = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'baryon-'))
const file = join(directory, 'warm-up.nix')
copyFileSync(join(__dirname, 'warm-up.nix'), file)
Object.assign(process.env, { HOME: directory, XDG_CACHE_HOME: directory, BARYON_ROOT: join(directory, 'root') })
// Which may name a store of the caller's.
delete process.env.NIX_REMOTE

const WITHOUT_ANSWERS = ['--option', 'eval-cache', 'false', '--option', 'nix-version', '2.8.0']

/** The words that evaluate something, as often as what happens then differs. */
async function evaluate(main, wordsOf) {
  // What was written a moment ago is not kept.
  const settle = () => new Promise((resolve) => setTimeout(resolve, 60))
  await settle()
  // Anew, after an edit, unchanged.
  for (let i = 0; i < 3; i++) {
    await main(wordsOf(`import ${file} { }`))
    if (i === 0) appendFileSync(file, '# edited\n')
    await settle()
  }
  await main([...wordsOf(`import ${file} { edit = 1; }`), ...WITHOUT_ANSWERS])
}

/** Evaluates all, and does nothing with it. */
const failing = (expression) => ['-E', `builtins.seq (${expression}) (throw "done")`]

const fronts = {
  'nix-build': async (main) => {
    await evaluate(main, failing)
    await main([file, '-A', 'two', '--arg', 'text', 'false', '--dry-run'])
  },
  'nix-hash': (main) => main(['--type', 'sha256', directory]),
  'nix-instantiate': async (main) => {
    await evaluate(main, (expression) => ['--eval', '--strict', '-E', expression])
    await main([file, '-A', 'two', '--arg', 'text', 'false'])
  },
  'nix-shell': (main) => evaluate(main, failing),
  'nix-store': (main) => main(['--dump', file]),
}

async function run() {
  const { main, script } = require(join(pack, 'front.cjs'))(front)
  await fronts[front](main)
  writeFileSync(join(pack, `${front}.code`), script.createCachedData(), { flush: true })
}

run().finally(() => rmSync(directory, { recursive: true, force: true }))
