/** Activations that are undone, by the real shells: what `env` says is as it was. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { isOnPath, temporaryDirectory } from '@baryon/testing'
import fc from 'fast-check'
import { applyActivation } from '../src/activation.ts'
import type { Change } from '../src/change.ts'
import { type ShellName, shellNamed } from '../src/shell.ts'
import { formatUndoableActivation } from '../src/undo/undoable-activation.ts'
import { hardValues } from './release-manifest.ts'

/** Words that start each shell without anything of the user; the strict ones end at the first fault. */
const readers: readonly (readonly [shell: ShellName, ...words: readonly string[]])[] = [
  ['sh', 'dash'],
  ['sh', 'dash', '-eu'],
  ['bash', 'bash', '--norc'],
  ['bash', 'bash', '--norc', '-eu'],
  ['sh', 'bash', '--norc', '--posix', '-eu'],
  ['zsh', 'zsh', '-f', '-eu'],
  ['sh', 'zsh', '-f', '-o', 'ksh_arrays', '-o', 'sh_word_split', '-o', 'glob_subst'],
  ['fish', 'fish', '--no-config'],
  ['tcsh', 'tcsh', '-f'],
  ['tcsh', 'tcsh', '-f', '-e'],
]

const list = (kind: 'prepend' | 'append', variable: string, ...values: readonly string[]): Change => ({
  kind,
  variable,
  values,
  separator: ':',
})
const set = (variable: string, value: string): Change => ({ kind: 'set', variable, value })

const A: readonly Change[] = [
  set('BARYON_RELEASE', 'A/1'),
  set('HOMEPAGE', "it's A!"),
  { kind: 'unset', variable: 'GONE' },
  list('prepend', 'PATH', '/a/bin', '/a/sbin'),
  list('prepend', 'MANPATH', '/a/man'),
  list('prepend', 'NEW_DIRS', '/a/new'),
  list('append', 'OLD_DIRS', '/a/old'),
  list('prepend', 'PATH', '/a/tools'),
]
const B: readonly Change[] = [
  set('BARYON_RELEASE', 'B/1'),
  list('append', 'PATH', '/b/bin'),
  list('prepend', 'XDG_DATA_DIRS', '/b/share'),
  list('append', 'OLD_DIRS', '/b/old'),
]
const START = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  GONE: 'two\nlines ',
  OLD_DIRS: "/o x/$HOME:/it's!",
  EMPTY: '',
}

for (const [name, ...words] of readers) {
  describe(words.join(' '), { skip: isOnPath(words[0]!) ? false : `${words[0]} is not installed` }, () => {
    const shell = shellNamed(name)

    test('activated, activated again, switched and left: every variable is as it was', (t) => {
      const scene = shellScene(t, shell.name, words)
      const [before, a, again, b, after] = scene.run(START, [
        'SNAPSHOT',
        scene.activate(A),
        'SNAPSHOT',
        scene.activate(A),
        'SNAPSHOT',
        scene.activate(B),
        'SNAPSHOT',
        'baryon_deactivate',
        'SNAPSHOT',
      ])
      assert.deepEqual(a, applyActivation(before!, A))
      assert.deepEqual(again, a)
      assert.deepEqual(b, applyActivation(before!, B))
      assert.deepEqual(after, before)
      assert.equal(b!.PATH, `${START.PATH}:/b/bin`)
    })

    test('any value comes back, and none is evaluated', (t) => {
      const scene = shellScene(t, shell.name, words)
      const canary = join(scene.directory, 'canary')
      const hard = Object.entries(hardValues(canary))
      const check = (
        environment: Record<string, string>,
        first: readonly Change[],
        second: readonly Change[],
      ): void => {
        const [before, a, b, after] = scene.run({ PATH: START.PATH, ...environment }, [
          'SNAPSHOT',
          scene.activate(first),
          'SNAPSHOT',
          scene.activate(second),
          'SNAPSHOT',
          'baryon_deactivate',
          'SNAPSHOT',
        ])
        assert.deepEqual(a, applyActivation(before!, first))
        assert.deepEqual(b, applyActivation(before!, second))
        assert.deepEqual(after, before)
        assert.equal(existsSync(canary), false)
      }
      const turned = hard.map(([variable], index) => set(variable, hard[(index + 1) % hard.length]![1]))
      check(
        Object.fromEntries(hard),
        turned,
        hard.slice(0, 3).map(([variable, value]) => set(variable, value)),
      )
      fc.assert(fc.property(environments, fc.array(changes), fc.array(changes), check), { numRuns: 8 })
    })

    test('in a shell that it starts, an activation goes on top and leaves what was there', (t) => {
      const scene = shellScene(t, shell.name, words)
      const inner = join(scene.directory, 'inner')
      writeFileSync(
        inner,
        scene.script(['SNAPSHOT', scene.activate(B), 'SNAPSHOT', 'baryon_deactivate', 'SNAPSHOT', 'LEFTOVERS']),
      )
      const child = [...words, inner].join(' ')
      const [before, begin, nested, left, back, after] = scene.run(START, [
        'SNAPSHOT',
        scene.activate(A),
        child,
        'SNAPSHOT',
        'baryon_deactivate',
        'SNAPSHOT',
      ])
      const own = ({ SHLVL: _, ...rest }: NodeJS.ProcessEnv) => rest
      assert.deepEqual(own(begin!), own(applyActivation(before!, A)))
      assert.deepEqual(nested, applyActivation(begin!, B))
      assert.deepEqual(left, begin)
      assert.deepEqual(own(back!), own(begin!))
      assert.deepEqual(after, before)
    })

    test('what the user changed since stays', (t) => {
      const scene = shellScene(t, shell.name, words)
      const around = (variable: string): string => scene.assign(variable, `"/mine:${scene.value(variable)}:/last"`)
      const [before, after] = scene.run(START, [
        'SNAPSHOT',
        scene.activate(A),
        around('PATH'),
        around('MANPATH'),
        around('NEW_DIRS'),
        around('OLD_DIRS'),
        scene.assign('HOMEPAGE', '"mine"'),
        scene.assign('GONE', '"mine"'),
        'baryon_deactivate',
        'SNAPSHOT',
        'LEFTOVERS',
      ])
      assert.deepEqual(after, {
        ...before,
        PATH: `/mine:${START.PATH}:/last`,
        // What was there before was the default of the system: an empty element.
        MANPATH: '/mine::/last',
        NEW_DIRS: '/mine:/last',
        OLD_DIRS: `/mine:${START.OLD_DIRS}:/last`,
        HOMEPAGE: 'mine',
        GONE: 'mine',
      })
    })

    test('the same part from before stays, and only whole parts are taken out', (t) => {
      const scene = shellScene(t, shell.name, words)
      const start = { PATH: START.PATH, FRONT: '/x:/y:/x:/root/x', BACK: '/x:/y', OTHER: '/y' }
      const [before, after] = scene.run(start, [
        'SNAPSHOT',
        scene.activate([list('prepend', 'FRONT', '/x'), list('prepend', 'BACK', '/x'), list('prepend', 'OTHER', '/x')]),
        scene.assign('FRONT', `"${scene.value('FRONT')}:/z"`),
        scene.assign('BACK', '"/root/x:$BACK"'),
        scene.assign('OTHER', '"/other"'),
        'baryon_deactivate',
        'SNAPSHOT',
      ])
      assert.deepEqual(after, { ...before, FRONT: `${start.FRONT}:/z`, BACK: `/root/x:${start.BACK}`, OTHER: '/other' })
    })

    test('read within a function or an alias, undone within another', (t) => {
      const scene = shellScene(t, shell.name, words)
      const define = (called: string, line: string): string =>
        name === 'fish'
          ? `function ${called}; ${line}; end`
          : name === 'tcsh'
            ? `alias ${called} '${line}'`
            : `${called}() { ${line}; }`
      const [before, a, b, after] = scene.run(START, [
        define('enter', scene.activate(A)),
        define('change', scene.activate(B)),
        define('leave', 'baryon_deactivate'),
        'SNAPSHOT',
        'enter',
        'SNAPSHOT',
        'change',
        'SNAPSHOT',
        'leave',
        'SNAPSHOT',
        'LEFTOVERS',
      ])
      assert.deepEqual(a, applyActivation(before!, A))
      assert.deepEqual(b, applyActivation(before!, B))
      assert.deepEqual(after, before)
    })

    test('many long parts', (t) => {
      const scene = shellScene(t, shell.name, words)
      const many = Array.from(
        { length: 200 },
        (_, index) => `/cvmfs/example.org/nix/store/${'0'.repeat(32)}-${index}/bin`,
      )
      const [before, a, after] = scene.run(START, [
        'SNAPSHOT',
        scene.activate([list('prepend', 'PATH', ...many), list('append', 'OLD_DIRS', ...many)]),
        'SNAPSHOT',
        scene.assign('PATH', `"/mine:${scene.value('PATH')}"`),
        'baryon_deactivate',
        'SNAPSHOT',
      ])
      assert.equal(a!.PATH, [...many, START.PATH].join(':'))
      assert.deepEqual(after, { ...before, PATH: `/mine:${START.PATH}` })
    })

    if (name === 'tcsh') return

    test('from standard output, as baryon shell --print gives it', (t) => {
      const scene = shellScene(t, shell.name, words)
      const file = join(scene.directory, 'printed')
      writeFileSync(file, formatUndoableActivation(shell, A, 'A'))
      const [before, a, after] = scene.run(START, [
        'SNAPSHOT',
        `eval "$(cat ${file})"`,
        'SNAPSHOT',
        'baryon_deactivate',
        'SNAPSHOT',
        'LEFTOVERS',
      ])
      assert.deepEqual(a, applyActivation(before!, A))
      assert.deepEqual(after, before)
    })

    test('what only the shell knows is not in the environment afterwards', (t) => {
      const scene = shellScene(t, shell.name, words)
      const mine = name === 'fish' ? 'set -g MINE one two; set -g MINE_PATH /x /y' : "MINE='one two'; MINE_PATH=/x:/y"
      const check = '/bin/sh -c \'[ "$1" = "one two" ] && [ "$2" = /x:/y ]\' check "$MINE" "$MINE_PATH" || echo changed'
      const [before, a, after] = scene.run(START, [
        mine,
        'SNAPSHOT',
        scene.activate([set('MINE', 'A'), list('prepend', 'MINE_PATH', '/a')]),
        'SNAPSHOT',
        'baryon_deactivate',
        'SNAPSHOT',
        name === 'fish' ? 'count $MINE | string match -v 2; true' : '',
        check,
      ])
      assert.deepEqual(a, { ...before, MINE: 'A', MINE_PATH: '/a:/x:/y' })
      assert.deepEqual(after, before)
    })
  })
}

for (const [program, ...options] of [
  ['dash', '-i'],
  ['bash', '--norc', '-i'],
  ['zsh', '-f', '-i'],
  ['fish', '--no-config', '-i'],
  ['tcsh', '-f', '-i'],
] as const) {
  test(`the prompt of ${program} says where one is`, {
    skip: isOnPath(program) ? false : `${program} is not installed`,
  }, (t) => {
    const shell = shellNamed(program)
    const directory = temporaryDirectory(t)
    const [first, second] = ['HEP/1.0', '$(id)%\\!'].map((label, index) => {
      const file = join(directory, `activate-${index}`)
      writeFileSync(file, formatUndoableActivation(shell, A, label))
      return `${program === 'dash' ? '.' : 'source'} ${file}`
    })
    const say =
      { fish: 'false; echo "<"(fish_prompt)">"', tcsh: 'echo "<"$prompt:q">"' }[program as string] ?? 'echo "<$PS1>"'
    const own = {
      fish: 'function fish_prompt; echo -n "$status> "; end',
      tcsh: 'set prompt = "> "',
    }[program as string]
    const script = [own ?? 'PS1="> "', say, first, say, second, say, 'baryon_deactivate', say]
    const input = script.map((line) => `${line}\n`).join('')
    const file = join(directory, 'script')
    writeFileSync(file, input)
    // A file in the place of a terminal: that of tcsh is not interactive as an argument, that of fish not as input.
    const words = { fish: ['-c', `source ${file}`], tcsh: [] }[program as string] ?? [file]
    const result = spawnSync(program, [...options, ...words], {
      encoding: 'utf8',
      env: { PATH: START.PATH, HOME: directory },
      input,
    })
    const prompts = [...result.stdout.matchAll(/<(.*)>$/gm)].map(([, prompt]) => prompt)
    // A prompt of fish may show the status of the last command.
    const plain = program === 'fish' ? '1> ' : '> '
    assert.deepEqual(prompts, [plain, `[HEP/1.0] ${plain}`, `[__id____] ${plain}`, plain], result.stderr)
  })
}

const names = ['MANPATH', 'MORE_PATH', 'SOME_DIRS', 'FLAGS', 'XDG_DATA_DIRS', 'TEXT']
const text = fc.string({ unit: 'grapheme-composite' }).filter((one) => !one.includes('\0') && one.isWellFormed())
/** As `fish` reads lists, which the others do not know. */
const part = text.filter((one) => one !== '' && !one.includes(':'))
const parts = fc.array(part, { minLength: 1, maxLength: 3 })
const environments = fc.dictionary(
  fc.constantFrom(...names),
  parts.map((one) => one.join(':')),
  { noNullPrototype: true },
)
const variable = fc.constantFrom(...names)
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), variable, value: text }),
  fc.record({ kind: fc.constant('unset' as const), variable }),
  fc.record({ kind: fc.constantFrom('prepend', 'append'), variable, values: parts, separator: fc.constant(':') }),
)

function shellScene(t: TestContext, name: ShellName, words: readonly string[]) {
  const directory = temporaryDirectory(t)
  const shell = shellNamed(name)
  const log = join(directory, 'snapshots')
  let count = 0
  /** `env` prints what a process would be given. */
  const script = (lines: readonly string[]): string =>
    lines
      .map((line) =>
        line.replace('SNAPSHOT', `/usr/bin/env -0 >>${log}; echo >>${log}`).replace('LEFTOVERS', leftovers[name]),
      )
      .join('\n')
      .concat('\n')
  return {
    directory,
    script,
    activate: (list: readonly Change[]): string => {
      const file = join(directory, `activate-${count++}.${shell.extension}`)
      writeFileSync(file, formatUndoableActivation(shell, list, 'A/1'))
      return `${name === 'sh' ? '.' : 'source'} ${file}`
    },
    value: (variable: string): string => (name === 'fish' ? `$${variable}` : `\${${variable}}`),
    assign: (variable: string, word: string): string =>
      name === 'tcsh'
        ? `setenv ${variable} ${word}`
        : name === 'fish'
          ? `set -gx ${variable} ${word}`
          : `export ${variable}=${word}`,
    run: (environment: NodeJS.ProcessEnv, lines: readonly string[]): NodeJS.ProcessEnv[] => {
      writeFileSync(log, '')
      const file = join(directory, 'script')
      writeFileSync(file, script(lines))
      const result = spawnSync(words[0]!, [...words.slice(1), file], {
        encoding: 'utf8',
        cwd: directory,
        env: { HOME: directory, LC_ALL: 'C.UTF-8', ...environment },
      })
      assert.equal(result.stderr, '')
      assert.equal(result.stdout, '', 'what is left over')
      assert.equal(result.status, 0)
      return readFileSync(log, 'utf8').split('\0\n').slice(0, -1).map(parseEnvironment)
    },
  }
}

/** Prints what there is of ours in the shell. */
const leftovers: Readonly<Record<ShellName, string>> = {
  sh: 'set | /bin/sed -n /_baryon_/p; command -v baryon_deactivate _baryon_undo || :',
  bash: 'set | /bin/sed -n /_baryon_/p; command -v baryon_deactivate _baryon_undo || :',
  zsh: 'set | /bin/sed -n /_baryon_/p; command -v baryon_deactivate _baryon_undo || :',
  fish: 'set -n | string match "*__baryon*"; functions -a | string match "*baryon*"; true',
  tcsh: "set | /bin/sed -n /__baryon/p ; alias | /bin/sed -n '/^_*baryon/p'",
}

function parseEnvironment(text: string): NodeJS.ProcessEnv {
  return Object.fromEntries(
    text.split('\0').map((line): [string, string] => {
      const equals = line.indexOf('=')
      return [line.slice(0, equals), line.slice(equals + 1)]
    }),
  )
}
