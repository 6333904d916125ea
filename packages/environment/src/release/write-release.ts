/**
 * The tree of a release for one platform:
 *
 *     bin/run                            `run CMD`: see activation-script.ts
 *     bin/…, lib, include, …             links into the view
 *     setup.sh setup.csh setup.fish      for `.` and `source`; etc/baryon/activate.SHELL for each shell
 *     manifest.json                      see release-manifest.ts
 *     manifest.xml NAME.xenv share/lcg   see lcg.ts
 *     share/modulefiles/{tcl,lua}        see module-file.ts
 */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { shellNamed, shellNames } from '../shell.ts'
import { formatActivationScript, formatRunShim } from './activation-script.ts'
import { formatLcgTable, formatProjectManifest, formatXenv, unsayableInXenv } from './lcg.ts'
import { moduleLanguages, unsayable } from './module-file.ts'
import { lcgEntriesOf, lcgTableFile, moduleFile } from './release-layout.ts'
import { formatManifest, type ReleaseManifest } from './release-manifest.ts'

/** Directories that both a view and its release have: no links may stand for them in the view. */
export const sharedDirectories: readonly string[] = ['bin', 'etc', 'share']

/** Fills `directory`, which must not exist. `view` is where the view can be read. */
export function writeRelease(directory: string, manifest: ReleaseManifest, view: string): void {
  const files = releaseFiles(manifest)
  mkdirSync(directory)
  for (const [path, text] of files) {
    const file = join(directory, path)
    makeDirectories(dirname(file))
    writeFileSync(file, text, { mode: path.startsWith('bin/') ? 0o755 : 0o644 })
  }
  for (const shell of ['sh', 'csh', 'fish'])
    symlinkSync(`etc/baryon/activate.${shell}`, join(directory, `setup.${shell}`))
  linkInto(directory, view, manifest.view)
}

/** Files that cannot be made because of the value of a variable, each with its name. */
export function leftOut({ changes, name }: ReleaseManifest): { readonly file: string; readonly variable: string }[] {
  const causes = [
    ...moduleLanguages.map((language) => [`the ${language.name} module file`, unsayable(language, changes)] as const),
    [`${name}.xenv`, unsayableInXenv(changes)] as const,
  ]
  return causes.flatMap(([file, variable]) => (variable === undefined ? [] : [{ file, variable }]))
}

function releaseFiles(manifest: ReleaseManifest): Map<string, string> {
  const { name, platform, changes } = manifest
  const files = new Map([
    ['bin/run', formatRunShim(manifest)],
    ['manifest.json', formatManifest(manifest)],
    ['manifest.xml', formatProjectManifest(manifest)],
    [lcgTableFile(manifest), formatLcgTable(manifest, platform, lcgEntriesOf(manifest))],
  ])
  for (const shell of shellNames.map(shellNamed)) {
    files.set(`etc/baryon/activate.${shell.extension}`, formatActivationScript(shell, manifest))
  }
  for (const language of moduleLanguages) {
    if (unsayable(language, changes) === undefined) files.set(moduleFile(manifest, language), language.format(manifest))
  }
  if (unsayableInXenv(changes) === undefined) files.set(`${name}.xenv`, formatXenv(manifest))
  return files
}

/** Links to all that the view has and the release has not. */
function linkInto(directory: string, view: string, logical: string, isTop = true): void {
  const own = new Set(readdirSync(directory))
  for (const name of readdirSync(view)) {
    if (!own.has(name)) symlinkSync(`${logical}/${name}`, join(directory, name))
    else if (isTop && sharedDirectories.includes(name)) {
      linkInto(join(directory, name), join(view, name), `${logical}/${name}`, false)
    }
  }
}
