import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '@baryon/store'
import { temporaryDirectory } from '@baryon/testing'
import { EvaluationFailure, type EvaluationRequest, evaluate } from '../index.ts'

const NO_STORE = { kind: 'none', storeDirectory: '/nix/store' } as const

/** Files count as settled when they have been still for a moment. */
const SETTLED = 60

function expression(text: string, more: Partial<EvaluationRequest> = {}): EvaluationRequest {
  return {
    source: { kind: 'expression', text },
    output: 'value',
    strict: true,
    store: NO_STORE,
    cacheDirectory: null,
    environment: {},
    ...more,
  }
}

async function textOf(text: string, more: Partial<EvaluationRequest> = {}): Promise<string> {
  return (await evaluate(expression(text, more))).texts[0]!
}

test('results as text', async () => {
  const text = '{ b = [ 1 "x" ]; a = 1.5; }'
  assert.equal(await textOf(text), '{ a = 1.5; b = [ 1 "x" ]; }')
  assert.equal(await textOf(text, { output: 'json' }), '{"a":1.5,"b":[1,"x"]}')
  assert.match(await textOf(text, { output: 'xml', locations: false }), /<attr name="a">\n {6}<float value="1.5" \/>/)
  assert.equal(await textOf('{ a = 1 + 1; }', { strict: false }), '{ a = <CODE>; }')
  assert.equal(await textOf('a: a + 1', { output: 'parse' }), '(a: (a + 1))')
})

test('a literal that is discouraged is warned of once, whatever is wanted of the text', async () => {
  for (const output of ['value', 'parse'] as const) {
    const messages: string[] = []
    const settings = { lints: { 'lint-url-literals': 'warn' } } as const
    await textOf('http://x.org', { output, settings, onLog: (message) => messages.push(message) })
    assert.equal(messages.length, 1, output)
    assert.match(messages[0]!, /^warning: URL literals are discouraged\./)
  }
})

test('attribute paths, and functions on the way', async () => {
  const text =
    '{ pre ? "none", ... }: { a."b c".d = [ { e = pre; } ]; f = { __functor = self: { x }: { y = x; }; }; "1" = 2; }'
  const args = { pre: { kind: 'string', text: 'given' }, x: { kind: 'expression', text: '1 + 2' } } as const
  const at = async (path: string): Promise<string> => {
    const request = expression(text, { attributePaths: [path], arguments: args })
    return (await evaluate(request)).texts[0]!
  }
  assert.equal(await at('a."b c".d.0.e'), '"given"')
  assert.equal(await at('f.y'), '3')
  await assert.rejects(at('a.x'), { message: "attribute 'x' in selection path 'a.x' not found" })
  await assert.rejects(at('a."b c".d.1'), { message: `list index 1 in selection path 'a."b c".d.1' is out of range` })
  await assert.rejects(at('1'), /should be a list but is a set/)
  await assert.rejects(at('a."b'), /missing closing quote/)
  assert.equal(await textOf('{ x }: x'), '<LAMBDA>')
  await assert.rejects(textOf('{ x, y }: x', { arguments: { x: args.x } }), /argument without a value \('y'\)/)
})

test('derivations are found as nix-instantiate finds them', async () => {
  const text = `{ d ? name: derivation { inherit name; system = "s"; builder = "b"; } // { meta.license = "free"; } }: {
    one = d "one";
    deep = { recurseForDerivations = true; two = d "two"; not = { three = d "three"; }; };
    list = [ (d "four") ];
    none = 1;
    same = d "one";
  }`
  const { derivations } = await evaluate(expression(text, { output: 'derivations', meta: true }))
  assert.deepEqual(
    derivations.map(({ attributePath, name }) => [attributePath, name]),
    [
      ['deep.two', 'two'],
      ['one', 'one'],
      ['same', 'one'],
    ],
  )
  assert.equal(derivations[0]!.system, 's')
  assert.deepEqual(derivations[0]!.meta, { license: 'free' })
  assert.deepEqual(Object.keys(derivations[0]!.outputs), ['out'])
  await assert.rejects(evaluate(expression('1', { output: 'derivations' })), /does not evaluate to a derivation/)
})

test('errors carry a report with the place', async () => {
  await assert.rejects(textOf('{ a = throw "no"; }.a'), (error) => {
    assert.ok(error instanceof EvaluationFailure)
    assert.equal(error.code, 'EVAL_THROW')
    return error.report === 'error: no'
  })
  await assert.rejects(textOf('let x = ; in x'), (error) => {
    assert.ok(error instanceof EvaluationFailure)
    return /syntax error[\s\S]*at .*:1:9/.test(error.report)
  })
})

test('the search path', async (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'one/pkgs'), { recursive: true })
  mkdirSync(join(directory, 'two'))
  writeFileSync(join(directory, 'one/pkgs/default.nix'), '"one"')
  writeFileSync(join(directory, 'two/default.nix'), '"two"')
  const environment = { NIX_PATH: `${directory}/one:named=${directory}/two` }
  assert.equal(await textOf('import <pkgs>', { environment }), '"one"')
  assert.equal(await textOf('import <named>', { environment }), '"two"')
  assert.equal(
    await textOf('import <pkgs>', { environment, searchPath: ['pkgs=two'], workingDirectory: directory }),
    '"two"',
  )
  assert.equal(await textOf('(builtins.tryEval <nope>).success', { environment }), 'false')
})

test('a stack that is too small is followed by a large one, and traces are not repeated', async () => {
  const messages: string[] = []
  const text = 'let f = n: if n == 0 then 0 else 1 + f (n - 1); in builtins.trace "once" (f 200000)'
  assert.equal(await textOf(text, { onLog: (message) => messages.push(message) }), '200000')
  assert.deepEqual(messages, ['trace: once'])
})

test('an unchanged answer is given again, a changed world is noticed', async (t) => {
  const directory = temporaryDirectory(t)
  const file = (name: string): string => join(directory, name)
  mkdirSync(file('tree/sub'), { recursive: true })
  writeFileSync(file('tree/sub/data'), 'data')
  mkdirSync(file('listed'))
  writeFileSync(file('imported.nix'), '1')
  writeFileSync(file('read.txt'), 'text')
  symlinkSync('imported.nix', file('link.nix'))
  writeFileSync(
    file('default.nix'),
    `{ n ? 0 }: [ (import ./imported.nix) (import ./link.nix) (builtins.readFile ./read.txt) (builtins.pathExists ./absent)
      (builtins.attrNames (builtins.readDir ./listed)) (builtins.getEnv "ASKED") "\${./tree}" n ]`,
  )
  const request = (more: Partial<EvaluationRequest> = {}): EvaluationRequest => ({
    source: { kind: 'file', path: file('default.nix') },
    attributePaths: [''],
    arguments: { n: { kind: 'expression', text: '1' } },
    output: 'json',
    strict: true,
    store: NO_STORE,
    cacheDirectory: file('cache'),
    environment: { ASKED: 'yes' },
    ...more,
  })
  const settle = async (): Promise<string> => {
    await sleep(SETTLED)
    const fresh = await evaluate(request())
    assert.equal(fresh.fromCache, false, 'something changed')
    const again = await evaluate(request())
    assert.equal(again.fromCache, true, 'nothing changed')
    assert.deepEqual(again.texts, fresh.texts)
    return fresh.texts[0]!
  }
  const first = await settle()
  const changes: readonly (readonly [string, () => void])[] = [
    ['imported', () => writeFileSync(file('imported.nix'), '2')],
    ['read', () => writeFileSync(file('read.txt'), 'changed')],
    ['absent', () => writeFileSync(file('absent'), '')],
    ['listed', () => writeFileSync(file('listed/entry'), '')],
    ['tree', () => writeFileSync(file('tree/sub/data'), 'atad')],
    ['new in tree', () => writeFileSync(file('tree/sub/new'), '')],
    [
      'link',
      () => {
        writeFileSync(file('other.nix'), '3')
        rmSync(file('link.nix'))
        symlinkSync('other.nix', file('link.nix'))
      },
    ],
  ]
  const seen = new Set([first])
  for (const [what, change] of changes) {
    change()
    const text = await settle()
    assert.ok(!seen.has(text), what)
    seen.add(text)
  }
  assert.equal((await evaluate(request({ environment: { ASKED: 'no' } }))).fromCache, false)
  assert.equal((await evaluate(request({ environment: { ASKED: 'no', OTHER: 'x' } }))).fromCache, true)
  assert.equal((await evaluate(request({ arguments: { n: { kind: 'expression', text: '2' } } }))).fromCache, false)

  for (const name of readdirSync(file('cache/answers'))) writeFileSync(join(file('cache/answers'), name), '{"key":1')
  assert.equal((await evaluate(request())).fromCache, false, 'damaged answers are ignored')
})

test('an answer holds only while its derivations are in the store', async (t) => {
  const directory = temporaryDirectory(t)
  const options = { storeDirectory: '/nix/store', root: join(directory, 'root') }
  const text = 'derivation { name = "x"; system = "s"; builder = builtins.toFile "b" "echo"; }'
  const request = expression(text, {
    output: 'derivations',
    store: { kind: 'write', options },
    cacheDirectory: join(directory, 'cache'),
  })
  const first = await evaluate(request)
  const second = await evaluate(request)
  assert.deepEqual([first.fromCache, second.fromCache], [false, true])
  assert.deepEqual(second.derivations, first.derivations)
  const store = openStore(options)
  store.collectGarbage()
  store.close()
  const third = await evaluate(request)
  assert.equal(third.fromCache, false)
  assert.deepEqual(third.derivations, first.derivations)
})

test('answers that depend on the clock, or were said while tracing, are not kept', async (t) => {
  const cacheDirectory = join(temporaryDirectory(t), 'cache')
  for (const text of ['builtins.currentTime > 0', 'builtins.trace "x" 1']) {
    const request = expression(text, { cacheDirectory, onLog: () => {} })
    await evaluate(request)
    assert.equal((await evaluate(request)).fromCache, false, text)
  }
})

test('what has no end, or more than a string holds, is an error; what is no regular file is read anew', async (t) => {
  const directory = temporaryDirectory(t)
  const cacheDirectory = join(directory, 'cache')
  const message = "reading from file '/dev/zero': it is a device, and has no end"
  for (const reading of ['readFile', 'hashFile "sha256"', 'import']) {
    await assert.rejects(textOf(`builtins.${reading} /dev/zero`), { message })
  }
  assert.equal(await textOf('builtins.readFile /dev/null'), '""')
  const huge = join(directory, 'huge')
  writeFileSync(huge, '')
  truncateSync(huge, 600 * 2 ** 20)
  await assert.rejects(textOf(`builtins.readFile ${huge}`), { message: /^a string would be longer than 512 MiB/ })

  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const text of ['one', 'two']) {
    spawn('sh', ['-c', `printf ${text} > "$0"`, pipe], { stdio: 'ignore' })
    assert.equal(await textOf(`builtins.readFile ${pipe}`, { cacheDirectory }), `"${text}"`)
    await sleep(SETTLED)
  }
})

test('paths with null bytes, and lists that are too long', async () => {
  const older = { settings: { nixVersion: '2.8.0' as const, newerFeatures: false } }
  for (const call of ['readFile', 'pathExists', 'storePath', 'readDir', 'import', 'hashFile "md5"', 'fetchGit']) {
    const message = "the path '/a\\0b' contains a null byte"
    await assert.rejects(textOf(`builtins.${call} "/a\0b"`, older), { code: 'EVAL_FILE', message })
  }
  await assert.rejects(textOf('builtins.genList (n: n) 77777777777'), {
    message: 'cannot create list of size 77777777777',
  })
})

test('restricted evaluation reads only the search path', async (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'allowed'))
  writeFileSync(join(directory, 'allowed/a.nix'), '1')
  writeFileSync(join(directory, 'b.nix'), '2')
  const more = { searchPath: [`ok=${directory}/allowed`], settings: { restrictEval: true } }
  assert.equal(await textOf('import <ok/a.nix>', more), '1')
  await assert.rejects(textOf(`import ${directory}/b.nix`, more), /forbidden in restricted mode/)
  assert.equal(await textOf(`builtins.pathExists ${directory}/b.nix`, more), 'false')
  assert.equal(await textOf('builtins.getEnv "HOME"', { ...more, environment: { HOME: '/x' } }), '""')
})

test('evaluations leave no file open', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'file.nix'), '1')
  const openFiles = () => readdirSync('/proc/self/fd').length
  const request = { cacheDirectory: join(directory, 'cache'), answerCache: false }
  const text = `import ${directory}/file.nix + builtins.stringLength "\${${directory}/file.nix}"`
  await sleep(SETTLED)
  for (let time = 0; time < 2; time++) await textOf(text, request)
  const before = openFiles()
  for (let time = 0; time < 5; time++) await textOf(text, request)
  await assert.rejects(textOf(`import ${directory}/none.nix`, request))
  assert.equal(openFiles(), before)
})

test('what needed the large stack starts there the next time, with the same answer and the same traces', async (t) => {
  const cacheDirectory = temporaryDirectory(t)
  const text =
    'let f = n: if n == 0 then builtins.trace "bottom" 0 else 1 + f (n - 1); in builtins.trace "top" (f 50000)'
  const run = async (cache: string | null): Promise<readonly string[]> => {
    const messages: string[] = []
    const onLog = (message: string) => void messages.push(message)
    return [await textOf(text, { cacheDirectory: cache, onLog }), ...messages]
  }
  const expected = ['50000', 'trace: top', 'trace: bottom']
  assert.deepEqual(await run(cacheDirectory), expected)
  assert.equal(readdirSync(join(cacheDirectory, 'deep')).length, 1)
  assert.deepEqual(await run(cacheDirectory), expected)
  assert.deepEqual(await run(null), expected)

  // An evaluation that fails, or needs little, is not remembered; a directory that cannot be written is no error.
  await assert.rejects(textOf('let f = n: 1 + f (n + 1); in f 0', { cacheDirectory }), { code: 'EVAL_CALL_DEPTH' })
  assert.equal(await textOf('1 + 1', { cacheDirectory }), '2')
  assert.equal(readdirSync(join(cacheDirectory, 'deep')).length, 1)
  const blocked = join(temporaryDirectory(t), 'file')
  writeFileSync(blocked, '')
  assert.deepEqual(await run(blocked), expected)
})

test('the kept hash of a source that is damaged is computed anew', async (t) => {
  const directory = temporaryDirectory(t)
  const cacheDirectory = join(directory, 'cache')
  writeFileSync(join(directory, 'source'), 'text')
  await sleep(SETTLED)
  const run = () => textOf(`"\${${directory}/source}"`, { cacheDirectory, answerCache: false })
  const expected = await run()
  const sources = join(cacheDirectory, 'sources')
  const file = join(sources, readdirSync(sources)[0]!)
  const whole = readFileSync(file)
  for (let at = whole.length - 36; at < whole.length; at += 5) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 0x04
    writeFileSync(file, damaged)
    assert.equal(await run(), expected)
    for (const name of readdirSync(sources)) if (join(sources, name) !== file) rmSync(join(sources, name))
  }
})
