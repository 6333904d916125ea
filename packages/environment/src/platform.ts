/**
 * Platform tags: `ARCH-OS-COMPILER-TYPE`, for example `x86_64_v3-el9-gcc13+detdesc-opt+g`.
 *
 * Each of the four parts is a base and any number of `+extension`s. The older form `slc4_amd64_gcc34[_dbg]` is
 * understood when read. Sources: HSF-TN-2018-01 and the behaviour of the LHCb run-time tools.
 */
import { UserError } from '@baryon/format'

export interface Platform {
  readonly architecture: PlatformPart
  readonly system: PlatformPart
  readonly compiler: PlatformPart
  readonly buildType: PlatformPart
}

export interface PlatformPart {
  readonly base: string
  readonly extensions: readonly string[]
}

/** Reads a tag (any case). Throws UserError `PLATFORM_SYNTAX` with the part that is wrong. */
export function parsePlatform(text: string): Platform {
  const tag = text.toLowerCase()
  const old = /^([a-z]+\d+)_(amd64|ia32)_([a-z]+\d+)(?:_(dbg))?$/.exec(tag)
  if (old) {
    const architecture = old[2] === 'amd64' ? 'x86_64' : 'i686'
    return {
      architecture: bare(architecture),
      system: bare(old[1]!),
      compiler: bare(old[3]!),
      buildType: bare(old[4] ?? 'opt'),
    }
  }
  const parts = tag.split('-')
  if (parts.length !== 4) {
    throw syntaxError(text, `${parts.length} part${parts.length === 1 ? '' : 's'} instead of 4`)
  }
  const [architecture, system, compiler, buildType] = parts.map((part, index) => parsePart(text, part, index))
  return { architecture: architecture!, system: system!, compiler: compiler!, buildType: buildType! }
}

/** The tag in its one canonical spelling; `parsePlatform(formatPlatform(p))` equals `p`. */
export function formatPlatform(platform: Platform): string {
  return [platform.architecture, platform.system, platform.compiler, platform.buildType].map(formatPart).join('-')
}

/**
 * Orders tags from the worst to the best: by build type, architecture, compiler, operating system, and then plain
 * before extended ones. `tags.sort(comparePlatforms).reverse()` lists the best first.
 */
export function comparePlatforms(a: Platform, b: Platform): number {
  return (
    compareText(typeRank(a), typeRank(b)) ||
    compareText(formatPart(a.architecture), formatPart(b.architecture)) ||
    compilerFamily(a) - compilerFamily(b) ||
    compilerVersion(a) - compilerVersion(b) ||
    digitsOf(a.system.base) - digitsOf(b.system.base) ||
    b.compiler.extensions.length - a.compiler.extensions.length ||
    compareText(formatPlatform(b), formatPlatform(a))
  )
}

/**
 * The tags whose build may stand in for this one, best first: itself, then with extensions of the compiler removed,
 * then the architecture's plain form with and without them (externals are often built for fewer tags than projects).
 */
export function platformFallbacks(platform: Platform): Platform[] {
  const plain = platform.architecture.base.replace(/_v[2-4]$/, '')
  const architectures = [platform.architecture, bare(platform.architecture.base), bare(plain)]
  const compilers = [platform.compiler, bare(platform.compiler.base)]
  const types = [platform.buildType, ...(platform.buildType.base === 'do0' ? [bare('dbg')] : []), bare('opt')]
  const seen = new Set<string>()
  const result: Platform[] = []
  for (const buildType of types) {
    for (const architecture of architectures) {
      for (const compiler of compilers) {
        const candidate = { architecture, system: platform.system, compiler, buildType }
        const tag = formatPlatform(candidate)
        if (!seen.has(tag)) result.push(candidate)
        seen.add(tag)
      }
    }
  }
  return result
}

const partNames = ['architecture', 'operating system', 'compiler', 'build type']

function parsePart(tag: string, part: string, index: number): PlatformPart {
  const [base, ...extensions] = part.split('+')
  const wrong = [base!, ...extensions].find((word) => !/^[a-z0-9_.]+$/.test(word))
  if (wrong !== undefined) throw syntaxError(tag, `'${part}' is no ${partNames[index]}`)
  return { base: base!, extensions }
}

function syntaxError(tag: string, why: string): UserError {
  return new UserError('PLATFORM_SYNTAX', `'${tag}' is not a platform tag: ${why}`, {
    hint: 'a tag is ARCH-OS-COMPILER-TYPE, for example x86_64-debian12-gcc12-opt',
  })
}

function bare(base: string): PlatformPart {
  return { base, extensions: [] }
}

function formatPart(part: PlatformPart): string {
  return [part.base, ...part.extensions].join('+')
}

function typeRank(platform: Platform): string {
  const type = formatPart(platform.buildType)
  return type.startsWith('do0') ? ` ${type}` : type
}

function compilerFamily(platform: Platform): number {
  return ['icc', 'clang', 'gcc'].indexOf(platform.compiler.base.replace(/\d.*$/, ''))
}

/** `gcc49` is 4.9 and `gcc7` is 7: majors up to 6 were written with their minor. */
function compilerVersion(platform: Platform): number {
  const digits = /\d+/.exec(platform.compiler.base)?.[0]
  if (digits === undefined) return 0
  return Number(/^[3-6]/.test(digits) ? digits : `${digits}0`)
}

function digitsOf(text: string): number {
  return Number(/\d+/.exec(text)?.[0] ?? 0)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
