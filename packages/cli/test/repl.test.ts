/** `baryon repl`: lines from a pipe, and keys on a terminal. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { isOnPath, temporaryDirectory } from '@baryon/testing'
import { BUILTIN_DOCUMENTATION } from '../src/repl/builtin-documentation.ts'
import { complete } from '../src/repl/complete.ts'

const baryon = resolve(import.meta.dirname, '../../../bin/baryon')

function repl(directory: string, lines: readonly string[], words: readonly string[] = []) {
  const { status, stdout, stderr } = spawnSync(baryon, ['repl', ...words], {
    cwd: directory,
    input: lines.join('\n'),
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: join(directory, 'root') },
  })
  return { status, lines: stdout.split('\n').slice(0, -1), stderr }
}

const library = `{ platform ? "none" }: {
  inherit platform;
  /**
    Adds one.
  */
  increase = x: x + 1;
  bare = 1;
  inner."odd name" = 2;
  package = derivation {
    name = "made"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo made > $out" ];
  };
}`

test('expressions, definitions and what is loaded', (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'my lib.nix'), library)
  const given = [
    'x = 20',
    'x + 1',
    '{ a = [ x',
    '  ]; }.a',
    ':t x',
    ':p { a = [ x ]; }',
    ':l my lib.nix',
    'increase x',
    ':a { bare = 7; }',
    'bare',
    ':r',
    'bare',
    'builtins.tryEval x or "gone"',
  ]
  const { lines, stderr, status } = repl(directory, given)
  assert.deepEqual(lines, [
    '21',
    '[ 20 ]',
    'int',
    '{ a = [ 20 ]; }',
    '5 names added',
    '21',
    '1 name added',
    '7',
    '5 names added',
    '1',
  ])
  assert.match(stderr, /undefined variable 'x'/)
  assert.equal(status, 1)
})

test('documentation of builtins and of attributes', (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'lib.nix'), library)
  const { lines, stderr } = repl(
    directory,
    [':doc map', ':doc increase', 'l = { f = 1; }', ':doc bare', ':doc nonesuch', ':doc 1 +'],
    ['lib.nix'],
  )
  assert.equal(lines[0], 'builtins.map FUNCTION LIST')
  assert.match(lines.join('\n'), /\nincrease, defined at .*lib\.nix:6:3\n\nAdds one\.$/)
  assert.match(stderr, /'bare' has no documentation comment\nhint: it is defined at .*:7:3\n/)
  assert.match(stderr, /undefined variable 'nonesuch'/)
  assert.match(stderr, /:doc takes the name/)
})

test('documentation may have any letters', (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'lib.nix'), '{ /** Größe ä → b */ size = 1; }')
  assert.equal(repl(directory, [':doc size'], ['lib.nix']).lines.at(-1), 'Größe ä → b')
})

test('every builtin is documented, and nothing else', (t) => {
  const { lines } = repl(temporaryDirectory(t), [':p builtins.attrNames builtins'])
  const names = [...lines[0]!.matchAll(/"([^"]+)"/g)].map((match) => match[1]!)
  assert.deepEqual([...BUILTIN_DOCUMENTATION.keys()].sort(), names.sort())
})

test(':b builds', (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'lib.nix'), library)
  const { lines, stderr, status } = repl(directory, [':b package', ':b 1'], ['lib.nix'])
  assert.match(lines[0] ?? stderr, /^\/nix\/store\/\w{32}-made$/)
  assert.equal(readFileSync(join(directory, 'root', lines[0]!), 'utf8'), 'made\n')
  assert.match(stderr, /does not evaluate to a derivation|no derivation/)
  assert.equal(status, 1)
})

test('names, attributes, commands and files are completed', async (t) => {
  const values: Record<string, readonly string[]> = {
    one: ['alpha', 'beta', 'odd name'],
    builtins: ['map', 'mapAttrs', 'head'],
  }
  const session = {
    sets: ['one'],
    defined: ['always'],
    jsonOf: async (text: string) => values[/^let value = (.*)\n/.exec(text)![1]!] ?? [],
  }
  const at = async (line: string) => (await complete(line, session, [':l', ':load', ':t']))[0]
  assert.deepEqual(await at('1 + al'), ['alpha', 'always'])
  assert.deepEqual(await at('f (builtins.map'), ['builtins.map', 'builtins.mapAttrs'])
  assert.deepEqual(await at('one.'), ['one."odd name"', 'one.alpha', 'one.beta'])
  assert.deepEqual(await at('inh'), ['inherit'])
  assert.deepEqual(await at(':l'), [':l', ':load'])
  assert.deepEqual(await at('1 + '), [])
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'stack'))
  writeFileSync(join(directory, 'start.nix'), '1')
  assert.deepEqual(await at(`:l ${directory}/sta`), [`${directory}/stack/`, `${directory}/start.nix`])
})

test('on a terminal: keys, and lines of former sessions', {
  skip: isOnPath('script') ? false : 'script is not installed',
}, async (t) => {
  const directory = temporaryDirectory(t)
  const first = await typed(directory, [
    ['baryon> ', '40 + 2\r'],
    ['42\r\n', 'builtins.stringLen'],
    ['stringLen', '\t'],
    ['gth', ' "abcd"\r'],
    ['4\r\n', 'half a line\x03'],
    ['baryon> ', ':q\r'],
  ])
  assert.equal(first, 0)
  const history = join(directory, '.local/state/baryon/repl-history')
  assert.equal(statSync(history).mode & 0o777, 0o600)
  assert.equal(readFileSync(history, 'utf8'), '40 + 2\nbuiltins.stringLength "abcd"\n:q\n')
  // Up, past :q and the second line.
  const second = await typed(directory, [
    ['baryon> ', '\x1b[A'],
    [':q', '\x1b[A'],
    ['abcd', '\x1b[A'],
    ['40', ' + 100\r'],
    ['142\r\n', ':q\r'],
  ])
  assert.equal(second, 0)
})

/** Types each text when the one before it has been seen since the last; gives the exit status. */
async function typed(directory: string, steps: readonly (readonly [seen: string, keys: string])[]): Promise<number> {
  const child = spawn('script', ['-qec', `'${baryon}' repl`, '/dev/null'], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: join(directory, 'root'), TERM: 'xterm' },
  })
  const ended = once(child, 'close')
  let output = ''
  let from = 0
  const remaining = [...steps]
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
    const [next] = remaining
    const at = next === undefined ? -1 : output.indexOf(next[0], from)
    if (at < 0) return
    from = at + next![0].length
    remaining.shift()
    child.stdin.write(next![1])
  })
  const late = setTimeout(() => child.kill(), 60_000)
  const [status] = (await ended) as [number]
  clearTimeout(late)
  assert.deepEqual(remaining, [], output)
  return status
}
