/** Recipes that are wrong, and sources that cannot be had: each ends in a coded error that says what to do. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertError, assertOk, createScene, derivation } from './bad-input-scene.ts'

describe('bad recipes', () => {
  const scene = createScene({ after })

  const cases: readonly [title: string, expression: string, code: string, message: RegExp, hint: RegExp][] = [
    ['a syntax error', '{ a = 1 b = 2; }', 'PARSE', /unexpected '='[\s\S]*«string»:1:11:[\s\S]* \^$/, /place/],
    [
      'an undefined variable',
      'let zlib = 1; in zlb',
      'EVAL_UNDEFINED_VARIABLE',
      /'zlb'[\s\S]*:1:18:/,
      /did you mean zlib/,
    ],
    ['a name like no other', 'let zlib = 1; in root', 'EVAL_UNDEFINED_VARIABLE', /'root'[\s\S]*:1:18:/, /let or with/],
    [
      'a name of a set',
      'with { zlib = 1; }; zlb',
      'EVAL_UNDEFINED_VARIABLE',
      /'zlb'[\s\S]*:1:21:/,
      /did you mean zlib/,
    ],
    [
      'a missing attribute',
      '{ foo = 1; }.fo',
      'EVAL_TYPE',
      /attribute 'fo' missing\n[\s\S]*:1:1:/,
      /did you mean foo\?/,
    ],
    [
      'an infinite recursion',
      'let a = b; b = a + 1; in a',
      'EVAL_INFINITE_RECURSION',
      /:1:16:/,
      /which is at \(string\):1:9; say -v/,
    ],
    [
      'derivations that need each other',
      `let a = ${derivation('a', '${b}')}; b = ${derivation('b', '${a}')}; in a`,
      'EVAL_INFINITE_RECURSION',
      /infinite recursion encountered/,
      /-v/,
    ],
    ['a throw', 'throw "größe\nzwei"', 'EVAL_THROW', /^größe\n +zwei$/, /-v/],
    ['what is no derivation', '1', 'EVAL_TYPE', /does not evaluate to a derivation/, /./],
    [
      'an illegal name',
      'derivation { name = "a b"; system = "x"; builder = "x"; }',
      'STORE_PATH_NAME_INVALID',
      /'a b'/,
      /letters/,
    ],
    ['a file that is not there', 'import /no/such/file.nix', 'EVAL_FILE', /'\/no\/such\/file\.nix'/, /path/],
    ['a name that is nowhere', 'import <nowhere>', 'EVAL_SEARCH_PATH', /'nowhere'/, /NIX_PATH/],
  ]
  for (const [title, expression, code, message, hint] of cases) {
    test(title, () => assertError(scene.build(expression), 1, code, message, hint))
  }

  test('a syntax error in a file is told with the file, the line and the text', () => {
    writeFileSync(join(scene.user.home, 'bad.nix'), '{\n  a = 1;\n  b = ;\n}\n')
    const result = scene.run(['build', '-f', 'bad.nix'])
    assertError(result, 1, 'PARSE', /bad\.nix:3:7:[\s\S]* 3\| {3}b = ;\n/)
  })
  test('an attribute that the file does not have', () => {
    const result = scene.build('{ fastjet = 1; hepmc3 = 2; }', ['fastjt'])
    assertError(result, 1, 'ATTRIBUTE_MISSING', /'fastjt'/, /^did you mean fastjet\?$/)
  })
  test('the record of an error is short, and in UTF-8', () => {
    const result = scene.build('throw "größe"', ['--json'])
    assert.deepEqual((JSON.parse(result.stdout) as { error: unknown }).error, {
      code: 'EVAL_THROW',
      message: 'größe',
      hint: 'say -v to see what was being evaluated',
    })
  })
  test('-v shows the way to the error', () => {
    const result = scene.build(`${derivation('traced', '${throw "here"}')}`, ['-v'])
    assertError(result, 1, 'EVAL_THROW', /^here[\s\S]*while evaluating the attribute 'args' of the derivation 'traced'/)
  })
  test('a machine that this one is not', () => {
    const result = scene.build('derivation { name = "x"; system = "riscv64-linux"; builder = "/bin/sh"; }')
    assertError(result, 100, 'WRONG_SYSTEM', /'riscv64-linux'/, /such a machine/)
  })
  test('a build that the evaluation needs, and that fails', () => {
    const result = scene.build(`import (${derivation('during', 'echo no; exit 1')})`)
    assertError(result, 100, 'BUILD_FAILED', /-during\.drv' failed with status 1/, /baryon log/)
  })
  test('no build is allowed', () => {
    assertError(scene.build(derivation('none', ''), ['-j', '0']), 1, 'NO_BUILD_SLOTS', /1 derivation must/, /-j 1/)
    assertError(scene.build(derivation('none', ''), ['-j', 'x']), 2, 'USAGE', /'x' is not a whole number/)
  })
})

describe('bad sources', () => {
  const scene = createScene({ after })
  let server: Server
  let url: string
  before(async () => {
    server = createServer((request, response) => {
      response.statusCode = request.url === '/missing' ? 404 : 200
      response.end('what it is now\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.close()
  })

  const wrong = `sha256-${'A'.repeat(43)}=`
  // The server answers in this process, so the command must not block it.
  const fetchSource = async (from: string) => {
    const expression = `import <nix/fetchurl.nix> { url = "${from}"; sha256 = "${wrong}"; name = "source"; }`
    const child = scene.start(['build', '--no-link', '--expr', expression])
    let stderr = ''
    child.stderr!.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { status, stdout: '', stderr }
  }

  test('a wrong hash: both hashes, and what to do', async () => {
    const result = await fetchSource(`${url}/there`)
    const got = 'sha256-(?!AAAA)[A-Za-z0-9+/]{43}='
    assertError(
      result,
      100,
      'HASH_MISMATCH',
      new RegExp(`wanted: sha256-A{43}=.*\\n +got: +${got}`),
      /write the hash that was got into the recipe/,
    )
  })
  test('a wrong hash of what a builder made', () => {
    const fixed = `outputHash = "${wrong}"; outputHashMode = "recursive";`
    const result = scene.build(derivation('fixed', 'echo x > $out', fixed))
    assertError(result, 100, 'HASH_MISMATCH', /specified: +sha256-A{43}=\n +got: +sha256-/, /second hash/)
  })
  test('nobody listens', async () => {
    const unused = createServer()
    await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve))
    const { port } = unused.address() as AddressInfo
    await new Promise((resolve) => unused.close(resolve))
    const result = await fetchSource(`http://127.0.0.1:${port}/x`)
    assertError(result, 100, 'FETCH_CONNECT', /127\.0\.0\.1:\d+\/x: no connection \(ECONNREFUSED\)/, /proxy/)
  })
  test('404', async () => {
    assertError(await fetchSource(`${url}/missing`), 100, 'FETCH_NOT_FOUND', /\/missing: .*404/)
  })
  test('an unknown host', async () => {
    assertError(
      await fetchSource('http://no-such-host.invalid/x'),
      100,
      'FETCH_DNS',
      /no-such-host\.invalid/,
      /network/,
    )
  })
  test('a scheme that nobody knows', async () => {
    assertError(await fetchSource('gopher://127.0.0.1/x'), 100, 'FETCH_BAD_URL', /gopher/)
  })
  test('offline', () => {
    const expression = `import <nix/fetchurl.nix> { url = "${url}/new"; sha256 = "${wrong}"; }`
    assertError(scene.build(expression, ['--offline']), 100, 'OFFLINE', /not in the source archive/, /network once/)
  })
  test('what failed left nothing, and the right hash mends it', () => {
    scene.assertClean()
    const right =
      'outputHash = builtins.hashString "sha256" "x\\n"; outputHashMode = "flat"; outputHashAlgo = "sha256";'
    assertOk(scene.build(derivation('fixed', 'echo x > $out', right)))
    scene.assertClean()
  })
})
