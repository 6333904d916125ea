/** Releases and projects of user areas, nightly builds, development areas and search paths, found as lb-run finds them; and `--pure`. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listTiers } from '@baryon/environment'
import { isOnPath } from '@baryon/testing'
import { OTHER_TAG, type ReleaseScene, releaseScene, TAG } from './release-scene.ts'

const STORE = '/cvmfs/hep.example.org/nix/store'
/** For any system, as what xenv describes needs its own. */
const ANY = 'x86_64-all-gcc12-opt'
const OTHER_SYSTEM = 'x86_64-slc4-gcc46-opt'
const tiers = [...listTiers('auto')].filter((one) => one.works)

describe('areas', { skip: tiers.length === 0 ? 'no way to show a store works here' : false }, () => {
  let scene: ReleaseScene
  const works: (() => void | Promise<void>)[] = []
  before(() => {
    scene = releaseScene({ after: (work) => works.push(work) }, STORE)
    scene.describe('Hep/1.0', `packages = ["hello"]\nprogram = "hello"\nplatforms = ["${TAG}", "${OTHER_TAG}"]\n`)
    scene.describe('Hep/1.1', `packages = ["zlib"]\nprogram = "zlib"\nplatforms = ["${TAG}"]\n`)
    scene.good('release', 'create', 'Hep/1.0', '--area', '../my area')
    scene.good('release', 'create', 'Hep/1.1')
  })
  after(async () => {
    for (const work of works) await work()
  })
  const place = (path: string): string => join(scene.directory, path)
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(place(path)), { recursive: true })
    writeFileSync(place(path), text)
  }
  const config = (body: string): string => `<e:config xmlns:e="EnvSchema">${body}</e:config>\n`
  const fails = (status: number, stderr: RegExp, ...words: readonly string[]): void => {
    const result = scene.run(['run', ...words])
    assert.equal(result.status, status, `${words.join(' ')}: ${result.stderr}`)
    assert.match(result.stderr, stderr)
  }

  test('the area of the user comes before the store, whatever is newer there', () => {
    assert.equal(scene.good('run', 'Hep'), `zlib 1.2.13 ${TAG}`)
    assert.equal(scene.good('run', '--user-area', '../my area', 'Hep'), `hello 2.0 ${TAG}`)
    assert.equal(scene.good('run', '--user-area', '../my area', 'hep/1.1'), `zlib 1.2.13 ${TAG}`)
    const environment = { User_release_area: place('my area') }
    // Also where a launch file was kept before the variable was set.
    assert.equal(scene.run(['run', 'Hep'], { environment }).stdout, `hello 2.0 ${TAG}\n`)
    assert.equal(scene.run(['run', '--no-user-area', 'Hep'], { environment }).stdout, `zlib 1.2.13 ${TAG}\n`)
    assert.equal(
      scene.run(['run', 'Hep'], { environment: { BARYON_RELEASE_PATH: `/nowhere:${place('my area')}` } }).stdout,
      `hello 2.0 ${TAG}\n`,
    )
    assert.match(scene.good('shell', '--user-area', '../my area', 'Hep', '--command', 'hello'), /^hello 2\.0/)
    const list = scene.good('run', '--user-area', '../my area', '--list', 'HEP').split('\n')
    assert.deepEqual(
      list.map((line) => /^(\S+) in (.*): (.*)$/.exec(line)!.slice(1)),
      [
        ['1.0', place('my area/HEP/HEP_1.0'), `${TAG} ${OTHER_TAG}`],
        ['1.1', /in (.*): /.exec(list[1]!)![1], TAG],
      ],
    )
    assert.match(scene.good('release', 'create', 'Hep/1.0', '--area', '../my area', '-c', TAG), /Hep/)
    fails(1, /^error\[AREA_MISSING\]: .*nowhere/, '--dev-dir', '/nowhere', 'Hep')
    fails(2, /^error\[USAGE\]: .*LHCBDEV/, '--dev', 'Hep')
    mkdirSync(place(`taken/Hep/1.0/${TAG}`), { recursive: true })
    const areaError = (area: string) => scene.run(['release', 'create', 'Hep/1.0', '--area', area]).stderr
    assert.match(areaError('../taken'), /^error\[AREA_CONFLICT\]: .*\/taken\/Hep\/1\.0\/\S+ is there already/m)
    write('file/Hep', '')
    for (const area of ['../file', '/proc']) assert.match(areaError(area), /^error\[AREA_WRITE\]: /m)
  })

  test('a launch file is not believed when an area changes', () => {
    const environment = { User_release_area: place('later') }
    const runs = () => scene.run(['run', 'Hep'], { environment }).stdout
    assert.equal(runs(), `zlib 1.2.13 ${TAG}\n`)
    assert.equal(runs(), `zlib 1.2.13 ${TAG}\n`)
    scene.good('release', 'create', 'Hep/1.0', '--area', '../later')
    assert.equal(runs(), `hello 2.0 ${TAG}\n`)
  })

  test('a project that xenv describes has what it uses', () => {
    const davinci = `dev/DAVINCI/DAVINCI_v45r8/InstallArea/${ANY}`
    const analysis = `released/Analysis_v30r8/InstallArea/${ANY}`
    write(
      `${davinci}/manifest.xml`,
      `<?xml version="1.0"?><manifest><project name="DaVinci" version="v45r8"/>
       <heptools><version>96b</version><binary_tag>${ANY}</binary_tag><lcg_platform>${ANY}</lcg_platform></heptools>
       <used_projects><project name="Analysis" version="v30r8"/><project name="Hep" version="1.0"/></used_projects>
       <used_data_pkgs><package name="AppConfig" version="v3r*"/></used_data_pkgs></manifest>`,
    )
    write(
      `${davinci}/DaVinci.xenv`,
      config(`<!-- after what it uses -->
        <e:include>Analysis.xenv</e:include> <e:include>AppConfig.xenv</e:include>
        <e:set variable="DAVINCI_PROJECT_ROOT">\${.}/../..</e:set>
        <e:prepend variable="PATH">\${.}/bin</e:prepend> <e:prepend variable="PATH">\${.}/nowhere</e:prepend>
        <e:append variable="GREETING"> &amp; "$(id)" \`id\` \${UNKNOWN} $ME</e:append>
        <e:set variable="ME">x</e:set> <e:append variable="MORE_DIRS">/b:/a</e:append>
        <e:default variable="ME">no</e:default> <e:default variable="THERE">\${LCG_releases_base}</e:default>
        <e:declare variable="HELPER" local="true"/> <e:set variable="HELPER">h</e:set> <e:set variable="FROM">$(HELPER)</e:set>
        <e:remove variable="MORE_DIRS">/b</e:remove> <e:remove-regexp variable="ME2">o+</e:remove-regexp>
        <e:unset variable="GONE"/>`),
    )
    write(`${davinci}/bin/DaVinci.exe`, '')
    write(`${analysis}/manifest.xml`, '<manifest><project name="Analysis" version="v30r8"/></manifest>')
    write(
      `${analysis}/Analysis.xenv`,
      config('<e:include>DaVinci.xenv</e:include><e:set variable="GREETING">hi</e:set>'),
    )
    write('released/DBASE/AppConfig/v3r99/AppConfig.xenv', config('<e:set variable="APPCONFIG">${.}</e:set>'))
    write('released/DBASE/AppConfig/v3r100/AppConfig.xenv', config('<e:set variable="APPCONFIG">${.}</e:set>'))
    write(`released/LCG_96b/LCG_96b_${ANY}.txt`, '')
    // A release of the store, which it uses, is taken as a project for the same platform.
    scene.describe('Hep/1.0', `packages = ["hello"]\nprogram = "hello"\nplatforms = ["${TAG}", "${OTHER_TAG}"]\n`)
    const words = ['--dev-dir', '../dev', '--search-path', '../released', '--search-path', '../my area']
    fails(
      64,
      new RegExp(`^error\\[PROJECT_UNKNOWN\\]: cannot find project Hep 1\\.0 for ${ANY} in /`),
      ...words,
      'DaVinci',
    )
    scene.good('release', 'create', 'Hep/1.0', '--area', '../my area', '-c', ANY)

    const environment = { MORE_DIRS: '/a:/b:/a', ME2: 'foo', GONE: 'x', LB_NO_STRIP_PATH: '1' }
    const lines = (more: Record<string, string>, ...args: readonly string[]) =>
      scene.run(['run', ...words, ...args], { environment: more })
    const shown = lines(environment, 'davinci/v45r8')
    assert.equal(shown.status, 0, shown.stderr)
    const values = new Map(
      shown.stdout.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
    )
    const value = (name: string) => values.get(name)
    assert.equal(value('GREETING'), 'hi & "$(id)" `id` ${UNKNOWN} $ME')
    assert.equal(value('DAVINCI_PROJECT_ROOT'), `${place(davinci)}/../..`)
    assert.equal(value('ME'), 'x')
    assert.equal(value('ME2'), 'f')
    assert.equal(value('FROM'), 'h')
    assert.equal(value('MORE_DIRS'), '/a')
    assert.equal(value('APPCONFIG'), place('released/DBASE/AppConfig/v3r100'))
    assert.equal(value('THERE'), place('released'))
    assert.equal(value('LCG_releases'), place('released/LCG_96b'))
    assert.equal(value('BINARY_TAG'), ANY)
    assert.equal(value('CMTPROJECTPATH')!.split(':')[0], place('dev'))
    for (const gone of ['HELPER', 'GONE']) assert.ok(!values.has(gone), gone)
    assert.match(value('PATH')!, new RegExp(`^${place(davinci)}/nowhere:${place(davinci)}/bin:`))
    // Without the variable, what is not there is left out.
    const path = lines({}, 'DaVinci', 'printenv', 'PATH').stdout
    assert.match(path, new RegExp(`^${place(davinci)}/bin:`))
    assert.equal(lines({}, 'DaVinci', 'sh', '-c', 'exit 7').status, 7)
    assert.equal(scene.good('run', ...words, '-L', 'DaVinci'), ANY)
    fails(2, /^error\[USAGE\]: --record/, ...words, '--record', '../r.json', 'DaVinci', 'true')
  })

  test('what a project says wrong is named', () => {
    const at = (name: string) => `wrong/${name}_v1/InstallArea/${ANY}/${name}.xenv`
    write(at('Syntax'), '<e:config xmlns:e="EnvSchema">\n  <e:set variable="A">x</e:sett>\n</e:config>')
    write(at('Element'), config('<e:explode variable="A">x</e:explode>'))
    write(at('Variable'), config('<e:set variable="A;id">x</e:set>'))
    write(at('Include'), config('<e:include>None.xenv</e:include>'))
    write(at('Itself'), config('<e:include>Itself.xenv</e:include><e:set variable="OWN">1</e:set>'))
    write(at('Entities'), `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(9)}">]>${config('<e:set variable="A">&b;</e:set>')}`)
    write(`wrong/Bare_v1/InstallArea/${ANY}/manifest.xml`, '<manifest/>')
    write(
      `wrong/Up_v1/InstallArea/${ANY}/manifest.xml`,
      '<manifest><used_data_pkgs><package name="../dev" version="*"/></used_data_pkgs></manifest>',
    )
    write(`wrong/Up_v1/InstallArea/${ANY}/Up.xenv`, config(''))
    write(`wrong/Old_v1/InstallArea/${OTHER_SYSTEM}/Old.xenv`, config(''))
    const cases: readonly (readonly [name: string, status: number, stderr: RegExp])[] = [
      ['Syntax', 1, /^error\[XML_SYNTAX\]: .*Syntax\.xenv:2:\d+/],
      ['Element', 1, /^error\[XENV_FILE\]: .*unknown element <explode>/],
      ['Variable', 1, /^error\[XENV_FILE\]: .*A;id/],
      ['Include', 1, /^error\[XENV_FILE\]: .*None\.xenv/],
      ['Entities', 1, /^error\[XML_SYNTAX\]: .*undefined entity/],
      ['Bare', 64, /^error\[XENV_FILE\]: cannot find Bare\.xenv in /],
      ['Up', 64, /^error\[DATA_PACKAGE_UNKNOWN\]: cannot find data package \.\.\/dev/],
      ['Old', 64, /^error\[PLATFORM_UNSUPPORTED\]: current host does not support any of Old\/v1/],
    ]
    for (const [name, status, stderr] of cases) fails(status, stderr, '--search-path', '../wrong', name)
    assert.equal(scene.good('run', '--search-path', '../wrong', 'Itself', 'printenv', 'OWN'), '1')
  })

  test('nightly builds are found by number, day and word', () => {
    for (const id of ['9', '12', 'Mon'])
      write(
        `nights/lhcb-main/${id}/Brunel/InstallArea/${ANY}/Brunel.xenv`,
        config(`<e:set variable="NIGHT">${id}</e:set>`),
      )
    symlinkSync('12', place('nights/lhcb-main/Today'))
    const night = (slot: string, name: string) => [
      '--nightly',
      slot,
      '--nightly-base',
      '../nights',
      name,
      'printenv',
      'NIGHT',
    ]
    assert.equal(scene.good('run', ...night('main', 'Brunel')), '12')
    assert.equal(scene.good('run', ...night('main/9', 'brunel')), '9')
    assert.equal(scene.good('run', ...night('main/Mon', 'Brunel/v63r1')), 'Mon')
    assert.equal(scene.good('run', ...night('lhcb-main/latest', 'Brunel/HEAD')), '12')
    const day = new Date()
    const date = `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}`
    write(`nights/lcg/${date}/Hep_2/InstallArea/${ANY}/Hep.xenv`, config('<e:set variable="NIGHT">dated</e:set>'))
    assert.equal(scene.good('run', ...night('lcg', 'Hep')), 'dated')
    fails(
      64,
      /^error\[NIGHTLY_UNKNOWN\]: cannot find nightly slot build main\/77 in .*\nhint: .*12, 9/,
      ...night('main/77', 'Brunel'),
    )
    fails(2, /^error\[USAGE\]/, ...night('../main', 'Brunel'))
    assert.match(
      scene.good('run', '--nightly', 'main', '--nightly-base', '../nights', '--list', 'Brunel'),
      new RegExp(`^prod in ${place('nights/lhcb-main/Today/Brunel')}: ${ANY}$`),
    )
  })

  test('a pure environment has nothing of the caller but what a session needs', {
    skip: isOnPath('strace') ? false : 'no strace',
  }, () => {
    const home = `${scene.directory}/it's "$(id)"\n!`
    const environment = { HOME: home, SECRET: 'x', PYTHONPATH: '/mine', LD_PRELOAD: '', KRB5CCNAME: 'FILE:/tmp/k' }
    const names = (...words: readonly string[]) => scene.run(['run', ...words], { environment })
    const script = 'env -0 | tr "\\n\\0" "|\\n" | sort'
    for (const words of [
      ['--pure', 'A=b c', 'Hep/1.0'],
      ['-i', 'A=b c', 'Hep/1.0'],
      ['-i', 'A=b c', 'hello'],
    ]) {
      const { status, stdout, stderr } = names(...words, 'sh', '-c', script)
      assert.equal(status, 0, stderr)
      const values = new Map(stdout.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]))
      assert.equal(values.get('HOME'), home.replaceAll('\n', '|'))
      assert.equal(values.get('A'), 'b c')
      assert.equal(values.get('KRB5CCNAME'), 'FILE:/tmp/k')
      assert.match(values.get('PATH')!, /^\/cvmfs\/[^:]*\/bin:\/usr\/local\/bin:\/usr\/bin:\/bin$/)
      for (const gone of ['SECRET', 'PYTHONPATH', 'LD_PRELOAD', 'BARYON_ROOT', 'BARYON_LAUNCH_FILE'])
        assert.ok(!values.has(gone), gone)
    }
    assert.equal(names('--pure', 'Hep/1.0', '--', 'hello', 'a  b').stdout, `hello 2.0 ${TAG}\n<a  b>\n`)
    assert.ok(!scene.good('run', '--pure', 'Hep/1.0', 'env').includes('BARYON_ROOT'))
    assert.equal(scene.run(['exec', '--pure', 'hello', '--', 'printenv', 'SECRET'], { environment }).status, 1)
    assert.equal(
      scene.run(['shell', '--pure', 'hello', '--command', 'echo "<$SECRET>"; hello'], { environment }).stdout,
      `<>\nhello 2.0 ${TAG}\n`,
    )
    assert.equal(names('--pure', 'Hep/1.0', 'nonesuch').status, 127)
    // The second time without Node.
    assert.equal(scene.twice(['run', '--pure', 'Hep/1.0', 'true']).second.usesNode, false)
  })

  test('a nightly build of releases is published below its slot', () => {
    scene.good('repository', 'create', 'hep.example.org', '--dir', '../repository')
    scene.good('repository', 'publish', '../repository', 'Hep/1.0', '--at', '/nightlies/main/12')
    const list = scene.good('repository', 'list', '../repository', '/nightlies/main/12/Hep/1.0')
    assert.match(list, new RegExp(TAG))
    assert.doesNotMatch(scene.good('repository', 'list', '../repository', '/'), /Hep/)
    const wrong = scene.run(['repository', 'publish', '../repository', 'Hep/1.0', '--at', 'nightlies'])
    assert.match(wrong.stderr, /^error\[USAGE\]: .*must begin with \//)
  })
})
