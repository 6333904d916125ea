import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { detectHost, type Host, whyNot } from './host.ts'
import { featuresOf } from './microarchitecture.ts'
import { comparePlatforms, formatPlatform, parsePlatform, platformFallbacks } from './platform.ts'

test('a tag is read into its four parts', () => {
  assert.deepEqual(parsePlatform('X86_64+avx2+fma-centos7-gcc9-opt+g'), {
    architecture: { base: 'x86_64', extensions: ['avx2', 'fma'] },
    system: { base: 'centos7', extensions: [] },
    compiler: { base: 'gcc9', extensions: [] },
    buildType: { base: 'opt', extensions: ['g'] },
  })
  assert.equal(formatPlatform(parsePlatform('slc4_amd64_gcc34_dbg')), 'x86_64-slc4-gcc34-dbg')
  assert.equal(formatPlatform(parsePlatform('slc4_amd64_gcc34')), 'x86_64-slc4-gcc34-opt')
})

test('what is not a tag is refused with a coded error', () => {
  for (const text of ['', 'x86_64', 'a-b-c', 'a-b-c-d-e', 'a--c-d', 'a-b-c+-d', 'a-b c-d-e']) {
    assert.throws(
      () => parsePlatform(text),
      (error) => error instanceof UserError && error.code === 'PLATFORM_SYNTAX',
    )
  }
})

test('parsing and formatting are inverse, and garbage never throws anything else', () => {
  const word = fc.stringMatching(/^[a-z0-9_]{1,8}$/)
  const part = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('+'))
  fc.assert(
    fc.property(part, part, part, part, (a, b, c, d) => {
      const tag = [a, b, c, d].join('-')
      assert.equal(formatPlatform(parsePlatform(tag)), tag)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parsePlatform(text)
      } catch (error) {
        assert.ok(error instanceof UserError)
      }
    }),
  )
})

test('best first, as the order of lb-run', () => {
  const best = [
    'x86_64_v3-el9-gcc13-opt+g',
    'x86_64_v3-el9-gcc13+detdesc-opt+g',
    'x86_64_v3-el9-gcc13-opt',
    'x86_64_v2-el9-gcc13-opt',
    'x86_64+avx2-centos7-gcc9-opt',
    'x86_64-el9-gcc13-opt',
    'x86_64-centos7-gcc7-opt',
    'x86_64-centos7-gcc62-opt',
    'x86_64-centos7-clang16-opt',
    'x86_64_v3-el9-gcc13-dbg',
    'x86_64-el9-gcc13-do0',
  ]
  const sorted = [...best].reverse().map(parsePlatform).sort(comparePlatforms).reverse().map(formatPlatform)
  assert.deepEqual(sorted, best)
})

test('externals are looked for under ever plainer tags', () => {
  const tags = platformFallbacks(parsePlatform('x86_64_v2-centos7-gcc11+dd4hep-dbg')).map(formatPlatform)
  assert.deepEqual(tags.slice(0, 4), [
    'x86_64_v2-centos7-gcc11+dd4hep-dbg',
    'x86_64_v2-centos7-gcc11-dbg',
    'x86_64-centos7-gcc11+dd4hep-dbg',
    'x86_64-centos7-gcc11-dbg',
  ])
})

function host(system: string, architecture: string): Host {
  return { machine: 'x86_64', system, architecture, flags: new Set(featuresOf(architecture)) }
}

const verdicts: readonly [system: string, architecture: string, tag: string, runs: boolean][] = [
  ['centos7', 'haswell', 'x86_64-centos7-gcc9-opt', true],
  ['centos7', 'haswell', 'x86_64-slc6-gcc49-opt', true],
  ['centos7', 'haswell', 'x86_64-slc5-gcc43-opt', false],
  ['centos8', 'haswell', 'x86_64-slc6-gcc49-opt', true],
  ['slc6', 'haswell', 'x86_64-centos7-gcc9-opt', false],
  ['rhel9', 'haswell', 'x86_64_v3-el9-gcc13-opt', true],
  ['any', 'x86_64_v2', 'x86_64_v2-ubuntu2204-gcc11-opt', true],
  ['el9', 'x86_64_v2', 'x86_64_v3-el9-gcc13-opt', false],
  ['centos7', 'core2', 'x86_64-centos7-gcc9-opt', false],
  ['centos7', 'core2', 'x86_64-centos7-gcc49-opt', true],
  ['centos7', 'ivybridge', 'x86_64+avx2+fma-centos7-gcc9-opt', false],
  ['centos7', 'haswell', 'x86_64+avx2+fma-centos7-gcc9-opt', true],
  ['centos7', 'haswell', 'aarch64-centos7-gcc9-opt', false],
]

test('which tags a machine runs', () => {
  for (const [system, architecture, tag, runs] of verdicts) {
    assert.equal(whyNot(host(system, architecture), parsePlatform(tag)) === undefined, runs, `${system} ${tag}`)
  }
  const sealed = parsePlatform('x86_64-debian12-gcc12-opt')
  assert.match(whyNot(host('centos7', 'haswell'), sealed)!, /debian12/)
  assert.equal(whyNot(host('centos7', 'haswell'), sealed, { sealed: true }), undefined)
})

test('the machine below us is recognised', () => {
  const here = detectHost({})
  assert.match(here.system, /^[a-z]+\d*$/)
  assert.ok(here.machine.length > 0)
  assert.equal(detectHost({ force_host_os: 'slc6' }).system, 'slc6')
})
