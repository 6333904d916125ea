import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { formatTask, type Task } from './task.ts'

const directory = mkdtempSync(join(tmpdir(), "baryon task's-"))
mkdirSync(join(directory, 'sub'))
after(() => rmSync(directory, { recursive: true, force: true }))

const task = (command: Task['command'], more: Partial<Task> = {}): Task => ({
  command,
  dependsOn: [],
  directory: '.',
  variables: {},
  description: '',
  ...more,
})

function run(tasks: Readonly<Record<string, Task>>, name: string, ...words: readonly string[]) {
  const result = spawnSync('/bin/sh', ['-c', formatTask(tasks, name, directory), name, ...words], { encoding: 'utf8' })
  return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr }
}

const say = `printf '<%s>\\n'`

test('a task gets its arguments, its directory and its variables', () => {
  const tasks = {
    say: task(`${say} a`),
    simple: task('printf <%s>'),
    words: task(['printf', '<%s>\n', '$HOME', "it's"]),
    lines: task(`x=1\n${say} "$x" "$2"\n`),
    uses: task(`${say} "$1"`),
    where: task('pwd; printf %s "$A"', { directory: 'sub', variables: { A: "q'\n$(id) `id` ü" } }),
    last: task('exit 7'),
    killed: task('kill -TERM $$'),
    none: task('nonesuch-program'),
  }
  assert.equal(run(tasks, 'say', 'b c', '--', '-x').stdout, '<a>\n<b c>\n<-->\n<-x>\n')
  assert.equal(run(tasks, 'words', 'z').stdout, "<$HOME>\n<it's>\n<z>\n")
  assert.equal(run(tasks, 'lines', 'y', 'z').stdout, '<1>\n<z>\n')
  assert.equal(run(tasks, 'uses', 'y', 'z').stdout, '<y>\n')
  assert.equal(run(tasks, 'where').stdout, `${directory}/sub\nq'\n$(id) \`id\` ü`)
  assert.equal(run(tasks, 'last').status, 7)
  assert.equal(run(tasks, 'killed').signal, 'SIGTERM')
  assert.equal(run(tasks, 'none').status, 127)
  assert.match(formatTask({ a: task('root -l -b x.C') }, 'a', '/'), /^exec root -l -b x\.C "\$@"$/m)
  assert.doesNotMatch(formatTask({ a: task('cd sub') }, 'a', '/'), /exec/)
})

test('what a task depends on runs before it, once, and without its arguments', () => {
  const tasks = {
    a: task(`${say} a "$@"`, { variables: { V: '1' } }),
    b: task(`${say} b $V`, { dependsOn: ['a'], directory: 'sub' }),
    c: task(`${say} c; pwd;  ${say}`, { dependsOn: ['a', 'b'] }),
    all: task(undefined, { dependsOn: ['c', 'b'] }),
    bad: task('exit 3', { dependsOn: ['a'] }),
    after: task(`${say} never`, { dependsOn: ['bad'] }),
  }
  assert.equal(run(tasks, 'c', 'x').stdout, `<a>\n<b>\n<c>\n${directory}\n<x>\n`)
  assert.equal(run(tasks, 'all').stdout, `<a>\n<b>\n<c>\n${directory}\n<>\n`)
  const refused = run(tasks, 'all', 'x')
  assert.deepEqual([refused.status, refused.stdout], [2, ''])
  const failed = run(tasks, 'after')
  assert.deepEqual([failed.status, failed.stdout], [3, '<a>\n'])
  assert.equal(failed.stderr, "error[TASK_FAILED]: the task 'bad', on which 'after' depends, ended with status 3\n")
  const circle = {
    a: task('a', { dependsOn: ['b'] }),
    b: task('b', { dependsOn: ['c'] }),
    c: task('c', { dependsOn: ['b'] }),
  }
  assert.throws(() => formatTask(circle, 'a', '/'), { code: 'TASK_CYCLE', message: /b → c → b$/ })
})

test('any text arrives as it is', () => {
  const text = fc.string({ unit: 'binary' }).filter((one) => !one.includes('\0') && one.isWellFormed())
  fc.assert(
    fc.property(text, text, text, (value, word, argument) => {
      const tasks = {
        a: task(['/bin/sh', '-c', 'printf "%s|%s|%s" "$V" "$1" "$2"', 'a', word], { variables: { V: value } }),
      }
      const result = run(tasks, 'a', argument)
      assert.equal(result.stdout, `${value}|${word}|${argument}`, result.stderr)
    }),
    { numRuns: 20 },
  )
})
