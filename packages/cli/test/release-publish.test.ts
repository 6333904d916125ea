/** A release in a repository: found by people, by what reads LCG's trees and by lb-run, and run with nothing but a mount and a shell. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fuseDevice } from '@baryon/testing'
import { OTHER_TAG, releaseScene, TAG } from './release-scene.ts'

const NAME = 'hep.example.org'
const MOUNT = `/cvmfs/${NAME}`
const device = fuseDevice()
const DESCRIPTION = 'packages = ["hello", "zlib"]\nprogram = "hello"\n[tasks]\ndemo = "hello --events 10"\n'

describe('a published release', { skip: device.skip }, () => {
  test('is where people and tools look for it', (t) => {
    const scene = releaseScene(t, `${MOUNT}/nix/store`, device.words)
    scene.describe('Hep/1.0', DESCRIPTION)
    scene.good('repository', 'create', NAME, '--dir', '../repository')
    scene.good('release', 'create', 'Hep/1.0')
    scene.good('repository', 'publish', '../repository', 'Hep/1.0')
    const again = scene.json<{ isChanged: boolean }>('repository', 'publish', '../repository', 'Hep/1.0')
    assert.equal(again.isChanged, false)
    assert.match(scene.good('repository', 'check', '../repository'), /no problems/)

    // One mount for all scripts: what each prints is between marks.
    const zlib = '$(sed -n "s/^zlib; [^;]*; [^;]*; \\([^;]*\\); .*/\\1/p" LCG_*)'
    const scripts = [
      'ls; ls Hep Hep/1.0',
      ...[`Hep/1.0/${TAG}`, `HEP/HEP_1.0/InstallArea/${TAG}`, `lcg/views/Hep_1.0/${TAG}`].map(
        (tree) => `test -e ${tree}/setup.csh; . ${tree}/setup.sh; demo`,
      ),
      `cat lcg/releases/Hep_1.0/LCG_1.0_${TAG}.txt`,
      `cd lcg/releases/Hep_1.0; ${zlib.replace('LCG_*', `LCG_1.0_${TAG}.txt`)}/bin/zlib`,
      `cat HEP/HEP_1.0/InstallArea/${TAG}/manifest.xml modulefiles/tcl/${TAG}/Hep/1.0 modulefiles/lua/${TAG}/Hep/1.0.lua`,
      `env -i Hep/1.0/${TAG}/bin/run`,
    ]
    const script = scripts.map((one) => `(cd ${MOUNT}; ${one})`).join('; echo @@; ')
    const [list, first, second, third, table, one, files, bare] = scene
      .good('repository', 'mount', '../repository', MOUNT, '--', 'sh', '-ec', script)
      .split(/\n?@@\n/)
    assert.equal(list, `HEP\nHep\nlcg\nmodulefiles\nnix\nHep:\n1.0\n\nHep/1.0:\n${OTHER_TAG}\n${TAG}`)
    for (const output of [first, second, third]) assert.equal(output, `hello 2.0 ${TAG}\n<--events>\n<10>`)
    const lines = table!.split('\n')
    assert.deepEqual(lines.slice(0, 3), [`PLATFORM: ${TAG}`, 'VERSION: 1.0', 'COMPILER: gcc;12'])
    assert.deepEqual(
      lines.slice(3).map((line) => line.replace(/-?[0-9a-f]{5}\b/g, '#')),
      [
        `Hep; #; 1.0; ./Hep/1.0#/${TAG}; hello#,zlib#`,
        `hello; #; 2.0; ./hello/2.0#/${TAG}; zlib#`,
        `zlib; #; 1.2.13; ./zlib/1.2.13#/${TAG}; `,
      ],
    )
    assert.equal(one, `zlib 1.2.13 ${TAG}`)
    assert.match(files!, /<project name="Hep" version="1\.0"\/>[\s\S]*^#%Module[\s\S]*^whatis/m)
    // Without any variable, and without programs of ours.
    assert.equal(bare, `hello 2.0 ${TAG}`)
  })

  test('is replaced, and others stay', (t) => {
    const scene = releaseScene(t, `${MOUNT}/nix/store`, device.words)
    scene.describe('Hep/1.0', DESCRIPTION)
    scene.describe('Other/1.0', 'packages = ["zlib"]\nprogram = "zlib"\n')
    scene.good('repository', 'create', NAME, '--dir', '../repository')
    scene.good('release', 'create', 'Hep/1.0', '-c', TAG)
    scene.good('release', 'create', 'Other/1.0', '-c', TAG)
    scene.good('repository', 'publish', '../repository', 'Hep/1.0', 'Other/1.0')
    const runs = (release: string): string =>
      scene.good('repository', 'mount', '../repository', MOUNT, '--', `${MOUNT}/${release}/${TAG}/bin/run`, 'zlib')
    assert.equal(runs('Hep/1.0'), `zlib 1.2.13 ${TAG}`)
    scene.good('release', 'create', 'Hep/1.0', '-c', TAG, '--argstr', 'zlibVersion', '1.3', '--replace')
    scene.good('repository', 'publish', '../repository', 'Hep/1.0')
    assert.equal(runs('Hep/1.0'), `zlib 1.3 ${TAG}`)
    assert.equal(runs('Other/1.0'), `zlib 1.2.13 ${TAG}`)
    assert.match(scene.good('repository', 'check', '../repository'), /no problems/)
    const unknown = scene.run(['repository', 'publish', '../repository', 'Hep/1.1'])
    assert.equal(unknown.status, 1)
    assert.match(unknown.stderr, /^error\[RELEASE_UNKNOWN\]: .*'Hep\/1\.1'\nhint: did you mean Hep\/1\.0/m)
  })
})
