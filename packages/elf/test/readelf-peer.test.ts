import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isSystemError, UserError } from '@baryon/format'
import { isElf, parseElf, setInterpreter, setRunPath } from '../index.ts'

const skip = spawnSync('readelf', ['--version']).error === undefined ? false : 'readelf (binutils) is not installed'
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-elf-')))
after(() => rmSync(directory, { recursive: true, force: true }))

test('readelf reads the files of this machine as we do', { skip }, (context) => {
  const files = hostFiles()
  context.diagnostic(`${files.length} files`)
  assert.ok(files.length > 20)
  for (const file of files) {
    const elf = parseElf(readFileSync(file))
    const text = readelf(file)
    const all = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!)
    assert.deepEqual(
      {
        interpreter: elf.interpreter,
        needed: elf.needed,
        soname: elf.soname,
        rpath: elf.rpath,
        runPath: elf.runPath,
        buildId: elf.buildId,
        type: elf.type,
        bits: elf.bits,
        hasDebugInformation: elf.hasDebugInformation,
        hasSymbolTable: elf.hasSymbolTable,
        debugLink: elf.debugLink !== undefined,
      },
      {
        interpreter: all(/Requesting program interpreter: (.*)\]/g)[0],
        needed: all(/\(NEEDED\).*\[(.*)\]/g),
        soname: all(/\(SONAME\).*\[(.*)\]/g)[0],
        rpath: all(/\(RPATH\).*\[(.*)\]/g)[0],
        runPath: all(/\(RUNPATH\).*\[(.*)\]/g)[0],
        buildId: all(/Build ID: ([0-9a-f]+)/g)[0],
        type: TYPES[all(/Type: +([A-Z]+) \(/g)[0]!],
        bits: Number(all(/Class: +ELF(\d+)/g)[0]),
        hasDebugInformation: /\] \.z?debug_info +PROGBITS/.test(text),
        hasSymbolTable: /\] \.symtab +SYMTAB/.test(text),
        debugLink: /\] \.gnu_debuglink +PROGBITS/.test(text),
      },
      file,
    )
  }
})

test('readelf reads what we edit, and the program still runs', { skip }, () => {
  const program = join(directory, 'program')
  copyFileSync('/bin/true', program)
  const bytes = readFileSync(program)
  const { interpreter } = parseElf(bytes)
  assert.ok(interpreter !== undefined)
  symlinkSync(interpreter, join(directory, 'ld'))
  setInterpreter(bytes, '/proc/self/cwd/ld')
  writeFileSync(program, bytes)
  assert.match(readelf(program), /Requesting program interpreter: \/proc\/self\/cwd\/ld\]/)
  assert.equal(spawnSync('./program', { cwd: directory }).status, 0)
  assert.equal(spawnSync(program, { cwd: '/' }).status, null)
})

test('a run path is replaced and removed in a real file', { skip }, (context) => {
  const file = hostFiles().find((candidate) => (parseElf(readFileSync(candidate)).runPath ?? '').length > 5)
  if (file === undefined) return context.skip('no file of this machine has a run path')
  const copy = join(directory, 'with-run-path')
  const bytes = readFileSync(file)
  const before = parseElf(bytes)
  setRunPath(bytes, '/x:/y')
  writeFileSync(copy, bytes)
  assert.match(readelf(copy), /\(RUNPATH\).*\[\/x:\/y\]/)
  setRunPath(bytes, '')
  writeFileSync(copy, bytes)
  assert.doesNotMatch(readelf(copy), /\(RUNPATH\)/)
  const { runPath, ...rest } = before
  assert.deepEqual(parseElf(bytes), rest)
  assert.ok(runPath !== undefined)
})

test('damaged copies of a real file end in a UserError or in nothing', { skip }, () => {
  const original = readFileSync('/bin/true')
  let state = 12345
  const next = (limit: number) => (state = (state * 1103515245 + 12345) % 0x80000000) % limit
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(round % 4 === 0 ? original.subarray(0, next(original.length)) : original)
    // Headers and tables decide, and they lie at both ends.
    for (let change = 0; change <= round % 8; change++) {
      const at = [next(1024), bytes.length - 1 - next(2048), next(bytes.length)][change % 3]!
      bytes[at] = next(256)
    }
    for (const use of [parseElf, (b: Buffer) => setInterpreter(b, '/x'), (b: Buffer) => setRunPath(b, '/x')]) {
      try {
        use(bytes)
      } catch (error) {
        if (!(error instanceof UserError)) throw error
      }
    }
  }
})

const TYPES: Readonly<Record<string, string>> = { REL: 'relocatable', EXEC: 'executable', DYN: 'shared', CORE: 'core' }

function readelf(file: string): string {
  const result = spawnSync('readelf', ['-h', '-l', '-d', '-n', '-S', '-W', file], {
    encoding: 'latin1',
    maxBuffer: 1 << 26,
  })
  assert.equal(result.status, 0, result.stderr)
  return result.stdout
}

/** Some hundred programs, libraries and objects, the same ones each time. */
function hostFiles(): string[] {
  const directories = ['/usr/bin', '/usr/sbin', '/usr/libexec', '/usr/lib/nix', ...multiarch()]
  const found = directories.flatMap((path) => list(path).filter((file) => isFile(file) && startsAsElf(file)))
  const step = Math.max(1, Math.floor(found.length / 150))
  return found.filter((file, index) => index % step === 0 || file.includes('nix') || file.endsWith('.o'))
}

function multiarch(): string[] {
  return list('/usr/lib').filter((path) => path.endsWith('-linux-gnu'))
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
      .sort()
      .map((name) => join(path, name))
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES')) throw error
    return []
  }
}

function isFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat?.isFile() === true && stat.size < 20_000_000
}

function startsAsElf(path: string): boolean {
  try {
    const descriptor = openSync(path, 'r')
    const head = Buffer.alloc(4)
    readSync(descriptor, head)
    closeSync(descriptor)
    return isElf(head)
  } catch (error) {
    // Programs that only root may read.
    if (!isSystemError(error, 'EACCES')) throw error
    return false
  }
}
