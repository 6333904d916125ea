/**
 * The tables of an ELF file: header, program headers, section headers, dynamic section.
 *
 * Specification: System V ABI, "Object Files" (gABI), of which this is what the loader and the linker look at.
 */
import { UserError } from '@baryon/format'
import { ElfBytes, elfError } from './elf-bytes.ts'

export interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly fileSize: number
}

export interface Section {
  /** At most its first 32 bytes. */
  readonly name: string
  readonly type: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly info: number
}

export interface DynamicEntry {
  readonly tag: number
  readonly value: number
  /** Where the entry lies in the file. */
  readonly offset: number
}

export interface ElfHeaders {
  readonly file: ElfBytes
  readonly type: number
  readonly machine: number
  readonly segments: readonly Segment[]
  readonly sections: readonly Section[]
  /** Up to the first null entry. */
  readonly dynamic: readonly DynamicEntry[]
  /** The string table of the dynamic section, when there is one. */
  readonly dynamicStrings: { readonly offset: number; readonly size: number } | undefined
}

export const SEGMENT = { load: 1, dynamic: 2, interpreter: 3, note: 4 } as const
export const SECTION = {
  symbols: 2,
  note: 7,
  noBits: 8,
  dynamicSymbols: 11,
  versions: 0x6ffffffd,
  needs: 0x6ffffffe,
} as const
export const TAG = { needed: 1, strings: 5, stringsSize: 10, soname: 14, rpath: 15, runPath: 29 } as const
/** The other tags whose value is a string: DT_CONFIG, DT_DEPAUDIT, DT_AUDIT, DT_AUXILIARY, DT_FILTER. */
export const OTHER_STRING_TAGS: readonly number[] = [0x6ffffefa, 0x6ffffefb, 0x6ffffefc, 0x7ffffffd, 0x7fffffff]

/** True when the bytes start as an ELF file does; four of them are enough. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
}

export function readHeaders(bytes: Uint8Array): ElfHeaders {
  if (!isElf(bytes)) throw elfError('it does not start with the magic number', 0)
  const wide = bytes[4] === 2
  if (!wide && bytes[4] !== 1) throw elfError(`class ${bytes[4]} is unknown`, 4)
  if (bytes[5] === 2) {
    throw new UserError('ELF_UNSUPPORTED', 'ELF file is big endian', {
      hint: 'only little-endian machines are supported',
    })
  }
  if (bytes[5] !== 1) throw elfError(`byte order ${bytes[5]} is unknown`, 5)
  const file = new ElfBytes(bytes, wide)
  file.check(0, wide ? 64 : 52)
  const sections = readSections(file)
  const segments = readSegments(file)
  const dynamic = readDynamic(file, segments, sections)
  return {
    file,
    type: file.u16(16),
    machine: file.u16(18),
    segments,
    sections,
    dynamic,
    dynamicStrings: findDynamicStrings(file, segments, dynamic),
  }
}

/** Counts from here on are written into the first section header instead. */
const EXTENDED = 0xffff
/** Enough to tell apart those that matter; those of functions can have thousands of bytes. */
const SECTION_NAME_PREFIX = 32

function readSegments(file: ElfBytes): Segment[] {
  const table = file.word(file.wide ? 32 : 28)
  if (table === 0) return []
  const entrySize = file.wide ? 56 : 32
  let count = file.u16(file.wide ? 56 : 44)
  if (count === 0) return []
  if (count === EXTENDED) {
    const sections = file.word(file.wide ? 40 : 32)
    if (sections !== 0) count = file.u32(sections + (file.wide ? 44 : 28))
  }
  checkEntrySize(file, file.wide ? 54 : 42, entrySize)
  file.check(table, count * entrySize)
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * entrySize
    return {
      type: file.u32(at),
      offset: file.word(at + (file.wide ? 8 : 4)),
      address: file.word(at + (file.wide ? 16 : 8)),
      fileSize: file.word(at + (file.wide ? 32 : 16)),
    }
  })
}

function readSections(file: ElfBytes): Section[] {
  const table = file.word(file.wide ? 40 : 32)
  if (table === 0) return []
  const entrySize = file.wide ? 64 : 40
  checkEntrySize(file, file.wide ? 58 : 46, entrySize)
  file.check(table, entrySize)
  const first = readSection(file, table)
  const count = file.u16(file.wide ? 60 : 48) || first.size
  file.check(table, count * entrySize)
  const raw = Array.from({ length: count }, (_, index) => readSection(file, table + index * entrySize))
  const written = file.u16(file.wide ? 62 : 50)
  const names = raw[written === EXTENDED ? first.link : written]
  return raw.map(({ nameOffset, ...section }) => ({
    ...section,
    name:
      names === undefined || names.type === 0
        ? ''
        : file.prefix(names.offset + nameOffset, names.offset + names.size, SECTION_NAME_PREFIX),
  }))
}

function readSection(file: ElfBytes, at: number): Omit<Section, 'name'> & { readonly nameOffset: number } {
  const { wide } = file
  return {
    nameOffset: file.u32(at),
    type: file.u32(at + 4),
    offset: file.word(at + (wide ? 24 : 16)),
    size: file.word(at + (wide ? 32 : 20)),
    link: file.u32(at + (wide ? 40 : 24)),
    info: file.u32(at + (wide ? 44 : 28)),
  }
}

function checkEntrySize(file: ElfBytes, at: number, expected: number): void {
  const size = file.u16(at)
  if (size !== expected) throw elfError(`a table has entries of ${size} bytes instead of ${expected}`, at)
}

function readDynamic(file: ElfBytes, segments: readonly Segment[], sections: readonly Section[]): DynamicEntry[] {
  const segment = segments.find(({ type }) => type === SEGMENT.dynamic)
  if (segment === undefined) return []
  // A file of debug information alone keeps the headers of what was stripped from it.
  if (sections.some(({ name, type }) => name === '.dynamic' && type === SECTION.noBits)) return []
  file.check(segment.offset, segment.fileSize)
  const size = file.wide ? 16 : 8
  const entries: DynamicEntry[] = []
  for (let offset = segment.offset; offset + size <= segment.offset + segment.fileSize; offset += size) {
    const tag = file.word(offset)
    if (tag === 0) break
    entries.push({ tag, value: file.word(offset + size / 2), offset })
  }
  return entries
}

function findDynamicStrings(
  file: ElfBytes,
  segments: readonly Segment[],
  dynamic: readonly DynamicEntry[],
): { readonly offset: number; readonly size: number } | undefined {
  const address = dynamic.find(({ tag }) => tag === TAG.strings)?.value
  const size = dynamic.find(({ tag }) => tag === TAG.stringsSize)?.value
  if (address === undefined || size === undefined) return undefined
  for (const segment of segments) {
    if (segment.type !== SEGMENT.load || address < segment.address || address >= segment.address + segment.fileSize)
      continue
    const offset = segment.offset + (address - segment.address)
    file.check(offset, size)
    return { offset, size }
  }
  throw elfError('the dynamic string table lies in no segment', dynamic[0]!.offset)
}
