/** Releases of tests that have no store: what the scripts of one say does not depend on what is there. */
import type { Change } from '../src/change.ts'
import { releaseChanges } from '../src/release/activation-script.ts'
import type { ReleaseManifest } from '../src/release/release-manifest.ts'

export function testManifest(variables: ReleaseManifest['variables'], program?: string): ReleaseManifest {
  const view = '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view'
  const rest = { name: 'HEP', version: '1.0', platform: 'x86_64-el9-gcc13-opt', view, variables }
  const prepend = (variable: string, ...directories: readonly string[]): Change => ({
    kind: 'prepend',
    variable,
    values: directories.map((directory) => `${view}/${directory}`),
    separator: ':',
  })
  return {
    format: 1,
    ...rest,
    description: 'A "test" [of] $things',
    storeDirectory: '/cvmfs/hep.example.org/nix/store',
    ...(program === undefined ? {} : { program }),
    packages: [],
    tasks: {},
    changes: releaseChanges(rest, [
      prepend('PATH', 'bin', 'sbin'),
      prepend('MANPATH', 'share/man'),
      prepend('XDG_DATA_DIRS', 'share'),
      prepend('ROOT_INCLUDE_PATH', 'include'),
    ]),
    closure: [],
  }
}

/** Values that some shell would take for something else; `canary` is a file that evaluating one of them would make. */
export function hardValues(canary: string): Record<string, string> {
  const touch = `touch ${canary}`
  const values = [
    'plain',
    '',
    'two  blanks ',
    ' leading',
    `it's "quoted" and \\escaped\\`,
    "'",
    'ends in backslash\\',
    'new\nline',
    `\n${touch}\n`,
    'tab\there',
    `$(${touch})`,
    `\`${touch}\``,
    `[exec ${touch}]`,
    `; ${touch} ; & ${touch}`,
    `"; ${touch}; "`,
    `'; ${touch}; '`,
    `(${touch})`,
    '$HOME ${HOME} $BARYON_RELEASE %h',
    '!history !! !$',
    '*?[a-z]{a,b}',
    '~ ~root',
    '# comment',
    '-n',
    '=ls',
    'ünïcödé ∫ 猫',
    '🙂',
    '@view@/share',
  ]
  return Object.fromEntries(values.map((value, index) => [`HARD_${index}`, value]))
}
