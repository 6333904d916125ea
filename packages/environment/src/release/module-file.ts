/**
 * Module files: Tcl for environment-modules and Lmod, Lua for Lmod alone.
 *
 *     #%Module1.0                             family("HEP")
 *     setenv HEP_HOME "/cvmfs/…"              setenv("HEP_HOME", "/cvmfs/…")
 *     prepend-path PATH "/cvmfs/…/bin"        prepend_path("PATH", "/cvmfs/…/bin")
 *
 * Both programs print statements for a shell to evaluate, and a newline in a value would end the statement there (tried with
 * Lmod 8.6 and environment-modules 5.2): for such a value there is no module file. Nor is there one in Tcl, which has no characters
 * above U+FFFF, for other control characters, which Lmod makes wrong Lua of, and for what begins with `=`, which zsh expands where
 * environment-modules leaves it bare.
 */
import { defaultOf } from '../activation.ts'
import { type Change, valuesOfChange } from '../change.ts'
import type { ReleaseManifest } from './release-manifest.ts'
import { formatReleaseName } from './release-name.ts'

export interface ModuleLanguage {
  readonly name: 'tcl' | 'lua'
  /** Of the files, with its dot; may be empty. */
  readonly suffix: string
  /** Whether a value can be said. */
  says(value: string): boolean
  format(manifest: ReleaseManifest): string
}

const tcl: ModuleLanguage = {
  name: 'tcl',
  suffix: '',
  says: (value) => !/^=|[\0-\x1f\x7f\u{10000}-\u{10ffff}]/u.test(value),
  format(manifest) {
    const lines = manifest.changes.flatMap((change, index): string[] => {
      const { kind, variable } = change
      if (kind === 'unset') return [`unsetenv ${variable}`]
      if (kind === 'set') return [`setenv ${variable} ${quoteTcl(change.value)}`]
      const { values, separator } = change
      const fallback = moduleDefault(manifest.changes, index)
      return [
        ...(fallback === undefined
          ? []
          : [`if {![info exists env(${variable})]} { append-path ${variable} ${quoteTcl(fallback)} }`]),
        `${kind}-path --delim ${quoteTcl(separator)} ${variable} ${quoteTcl(values.join(separator))}`,
      ]
    })
    return `#%Module1.0\nmodule-whatis ${quoteTcl(whatIs(manifest))}\nconflict ${manifest.name}\n${lines.join('\n')}\n`
  },
}

const lua: ModuleLanguage = {
  name: 'lua',
  suffix: '.lua',
  says: (value) => !/[\n\r]/.test(value),
  format(manifest) {
    const lines = manifest.changes.flatMap((change, index): string[] => {
      const variable = quoteLua(change.variable)
      if (change.kind === 'unset') return [`unsetenv(${variable})`]
      if (change.kind === 'set') return [`setenv(${variable}, ${quoteLua(change.value)})`]
      const { kind, values, separator } = change
      const fallback = moduleDefault(manifest.changes, index)
      return [
        ...(fallback === undefined
          ? []
          : [`if (os.getenv(${variable}) == nil) then append_path(${variable}, ${quoteLua(fallback || ':')}) end`]),
        `${kind}_path(${variable}, ${quoteLua(values.join(separator))}, ${quoteLua(separator)})`,
      ]
    })
    return `whatis(${quoteLua(whatIs(manifest))})\nfamily(${quoteLua(manifest.name)})\n${lines.join('\n')}\n`
  },
}

export const moduleLanguages: readonly ModuleLanguage[] = [tcl, lua]

/** The first variable whose value the language cannot say. */
export function unsayable(language: ModuleLanguage, changes: readonly Change[]): string | undefined {
  return changes.find((change) => !valuesOfChange(change).every((value) => language.says(value)))?.variable
}

function whatIs({ description, platform, ...name }: ReleaseManifest): string {
  return `${formatReleaseName(name)}${description === '' ? '' : `: ${description}`} (${platform})`.replace(/\s+/g, ' ')
}

/** For the first change of a variable. A shell that loads modules has a PATH. */
function moduleDefault(changes: readonly Change[], index: number): string | undefined {
  const { variable } = changes[index]!
  const isFirst = changes.findIndex((change) => change.variable === variable) === index
  return variable === 'PATH' || !isFirst ? undefined : defaultOf(variable)
}

/** Escapes all that is no plain character: what language the terminal speaks is then no matter. */
function quoteTcl(text: string): string {
  const escaped = text.replace(/[^\w@%+=:,./ -]/gu, (letter) => {
    const code = letter.codePointAt(0)!
    return code < 0x80 && code >= 0x20 ? `\\${letter}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
  return `"${escaped}"`
}

function quoteLua(text: string): string {
  const escaped = text.replace(/["\\]|[\x00-\x1f\x7f]/g, (letter) =>
    /["\\]/.test(letter) ? `\\${letter}` : `\\${String(letter.charCodeAt(0)).padStart(3, '0')}`,
  )
  return `"${escaped}"`
}
