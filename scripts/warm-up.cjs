// Makes the compiled code of a pack: runs some commands, so that what they use is compiled, and writes that beside them.
// Node's own cache has only what is compiled when a file is loaded: of the evaluator next to nothing.
//
//   node scripts/warm-up.cjs PACK evaluate|store
'use strict'
const { appendFileSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

// Compiled code belongs to the flags under which it was made, which are those of a start.
require('node:v8').setFlagsFromString = () => {}

const [pack, what] = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'baryon-'))
const file = join(directory, 'warm-up.nix')
copyFileSync(join(__dirname, 'warm-up.nix'), file)
Object.assign(process.env, { HOME: directory, XDG_CACHE_HOME: directory, BARYON_ROOT: join(directory, 'root') })
// Which may name a store of the caller's.
delete process.env.NIX_REMOTE

async function evaluate(main) {
  // What was written a moment ago is not kept.
  const settle = () => new Promise((resolve) => setTimeout(resolve, 60))
  await settle()
  // Anew, after an edit, unchanged.
  for (let i = 0; i < 3; i++) {
    await main('nix-instantiate', ['--eval', '--strict', '-E', `import ${file} { }`])
    if (i === 0) appendFileSync(file, '# edited\n')
    await settle()
  }
  const options = ['--option', 'eval-cache', 'false', '--option', 'nix-version', '2.8.0']
  await main('nix-instantiate', ['--eval', '-E', `import ${file} { edit = 1; }`, ...options])
  await main('nix-instantiate', [file, '-A', 'two', '--arg', 'text', 'false'])
}

async function store(main) {
  await main('nix-hash', ['--type', 'sha256', directory])
  await main('nix-store', ['--dump', file])
}

async function run() {
  const { main, script } = require(join(pack, 'fronts.cjs'))
  await (what === 'evaluate' ? evaluate : store)(main)
  writeFileSync(join(pack, `${what}.code`), script.createCachedData(), { flush: true })
}

run().finally(() => rmSync(directory, { recursive: true, force: true }))
