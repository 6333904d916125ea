import { elfError } from './elf-bytes.ts'
import { type DynamicEntry, type ElfHeaders, isElf, readHeaders, SECTION, SEGMENT, TAG } from './elf-headers.ts'

export { isElf }

/** What an ELF file says of itself. Strings are byte strings. */
export interface ElfFile {
  readonly bits: 32 | 64
  /** `shared` is a library or a position-independent program: the latter has an interpreter. */
  readonly type: 'relocatable' | 'executable' | 'shared' | 'core' | 'other'
  /** `x86_64`, `aarch64`, … as `uname -m` says it, or the number of an unknown one. */
  readonly machine: string
  /** The dynamic loader. */
  readonly interpreter?: string
  /** Has a dynamic section: is loaded by the dynamic loader. */
  readonly dynamic: boolean
  readonly soname?: string
  /** Names of libraries, in the order of loading. */
  readonly needed: readonly string[]
  /** DT_RPATH, colon-separated: searched before LD_LIBRARY_PATH, and not at all when there is a run path. */
  readonly rpath?: string
  /** DT_RUNPATH, colon-separated: searched after LD_LIBRARY_PATH. */
  readonly runPath?: string
  /** Lower-case base 16. */
  readonly buildId?: string
  /** Has DWARF sections. */
  readonly hasDebugInformation: boolean
  /** Has the symbol table that `strip` removes. */
  readonly hasSymbolTable: boolean
  /** Name of the file that holds the separated debug information. */
  readonly debugLink?: string
}

/** Reads a whole file. Anything malformed that has a meaning here is a `UserError`. */
export function parseElf(bytes: Uint8Array): ElfFile {
  const headers = readHeaders(bytes)
  const { file, segments, sections, dynamic } = headers
  const interpreter = segments.find(({ type }) => type === SEGMENT.interpreter)
  // In a file of debug information alone, the loadable sections have a place but no bytes.
  const separated = sections.some(({ name, type }) => name === '.interp' && type === SECTION.noBits)
  const one = (name: string, tag: number) => {
    const entry = dynamic.find((candidate) => candidate.tag === tag)
    return entry === undefined ? {} : { [name]: dynamicString(headers, entry, MAX_SEARCH_PATH) }
  }
  const needed = dynamic.filter(({ tag }) => tag === TAG.needed)
  if (needed.length > MAX_NEEDED) throw elfError(`it needs ${needed.length} libraries`, needed[0]!.offset)
  const buildId = findBuildId(headers)
  const debugLink = sections.find(({ name }) => name === '.gnu_debuglink')
  return {
    bits: file.wide ? 64 : 32,
    type: TYPES[headers.type] ?? 'other',
    machine: MACHINES[headers.machine] ?? String(headers.machine),
    ...(interpreter === undefined || separated
      ? {}
      : { interpreter: file.string(interpreter.offset, interpreter.offset + interpreter.fileSize, MAX_NAME) }),
    dynamic: dynamic.length > 0,
    ...one('soname', TAG.soname),
    needed: needed.map((entry) => dynamicString(headers, entry, MAX_NAME)),
    ...one('rpath', TAG.rpath),
    ...one('runPath', TAG.runPath),
    ...(buildId === undefined ? {} : { buildId }),
    hasDebugInformation: sections.some(({ name, type }) => type !== SECTION.noBits && /^\.z?debug_info$/.test(name)),
    hasSymbolTable: sections.some(({ type }) => type === SECTION.symbols),
    ...(debugLink === undefined || debugLink.type === SECTION.noBits
      ? {}
      : { debugLink: file.string(debugLink.offset, debugLink.offset + debugLink.size, MAX_NAME) }),
  }
}

/** The string that a dynamic entry points to. */
export function dynamicString({ file, dynamicStrings }: ElfHeaders, entry: DynamicEntry, limit: number): string {
  if (dynamicStrings === undefined)
    throw elfError('a dynamic entry names a string, but there is no string table', entry.offset)
  if (entry.value >= dynamicStrings.size) throw elfError('a dynamic entry points behind the string table', entry.offset)
  return file.string(dynamicStrings.offset + entry.value, dynamicStrings.offset + dynamicStrings.size, limit)
}

/** A path as long as the system takes. */
const MAX_NAME = 4096
const MAX_SEARCH_PATH = 1 << 20
/** The largest programs need some hundred; the bound keeps a hostile file from naming one string a million times. */
const MAX_NEEDED = 10_000

const TYPES: Readonly<Record<number, ElfFile['type']>> = { 1: 'relocatable', 2: 'executable', 3: 'shared', 4: 'core' }

const MACHINES: Readonly<Record<number, string>> = {
  3: 'i686',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  190: 'cuda',
  224: 'amdgpu',
  243: 'riscv',
  247: 'bpf',
  258: 'loongarch',
}

/** Notes are `name size, descriptor size, type, name, descriptor`, both padded to 4 bytes. */
function findBuildId({ file, segments, sections }: ElfHeaders): string | undefined {
  const places = [
    ...sections.filter(({ type }) => type === SECTION.note).map(({ offset, size }) => ({ offset, size })),
    // Without sections the segments have them; in separated debug files only the sections are right.
    ...(sections.length > 0
      ? []
      : segments
          .filter(({ type }) => type === SEGMENT.note)
          .map(({ offset, fileSize }) => ({ offset, size: fileSize }))),
  ]
  for (const { offset, size } of places) {
    file.check(offset, size)
    let at = offset
    while (at + 12 <= offset + size) {
      const nameSize = file.u32(at)
      const size4 = file.u32(at + 4)
      const descriptor = at + 12 + align4(nameSize)
      const next = descriptor + align4(size4)
      if (descriptor + size4 > offset + size) break
      if (
        file.u32(at + 8) === 3 &&
        nameSize === 4 &&
        size4 > 0 &&
        size4 <= MAX_BUILD_ID &&
        file.string(at + 12, descriptor, 3) === 'GNU'
      ) {
        return file.bytes.toString('hex', descriptor, descriptor + size4)
      }
      at = next
    }
  }
  return undefined
}

const MAX_BUILD_ID = 64

function align4(size: number): number {
  return Math.ceil(size / 4) * 4
}
